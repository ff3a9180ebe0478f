// SPDX-License-Identifier: Apache-2.0
/// Every misbehaviour, seven tasks: three good ones, the bad one, three good ones, for two workers; in a service and in
/// an embedded pool. What came of it is the table in docs/failure_model.md, which this test compares, and writes anew
/// with CAISSON_WRITE_MATRIX=1.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "matrix_rows.hpp"

namespace caisson::test {
namespace {

constexpr std::string_view begin_mark = "<!-- matrix -->\n";
constexpr std::string_view end_mark = "<!-- /matrix -->";
constexpr std::string_view table_head =
    "| misbehaviour | the bad call, and the cause that is named | the other six | pool afterwards | embedded pool: the "
    "same? |\n|---|---|---|---|---|\n";
constexpr std::string_view table_foot =
    "\n\\* The last three tasks are handed over when its worker has been replaced. What a worker says after such a lie "
    "is "
    "not\nbelieved: calls that it had begun meanwhile are crashed too, `broke the protocol`.\n";

/// What came of a row in one place.
struct Played {
    std::string bad = {};     ///< the bad call
    std::string others = {};  ///< the six
    std::string afterwards = {};
    friend bool operator==(const Played&, const Played&) = default;
};
void PrintTo(const Played& played, std::ostream* out) {  // NOLINT(readability-identifier-naming): GoogleTest's name
    *out << played.bad << " | " << played.others << " | " << played.afterwards;
}

/// The six good calls, three at a time.
class Good {
   public:
    Good(Place& place, const Row& row) : place_(place), row_(row) {}
    void begin_three() {
        for (int i = 0; i < 3; ++i) {
            const auto body = std::to_string(++count_);
            out_.emplace_back(place_.begin({.method = row_.good, .body = body}), body);
        }
    }
    void end() {
        for (const auto& [number, body] : out_) {
            const auto result = place_.end(number);
            const bool right = result.outcome == Outcome::ok && result.bytes() == body;
            right ? void(++right_) : void(wrong_ += ", " + summary(result));
        }
        out_.clear();
    }
    [[nodiscard]] std::string text() const { return std::to_string(right_) + " ok" + wrong_; }

   private:
    Place& place_;
    const Row& row_;
    int count_ = 0;
    int right_ = 0;
    std::string wrong_;
    std::vector<std::pair<std::uint64_t, std::string>> out_;
};

/// How the bad call ended, and its cause as the row knows it: texts of the machine it ran on are not in the table.
std::string text_of(const Row& row, const CallResult& result) {
    const auto how = summary(result);
    if (row.cause.empty()) return how;
    const bool said = (result.message + result.json).find(row.cause) != std::string::npos;
    return how + ": " + (said ? row.cause : row.cause + " IS NOT SAID BUT " + result.message + result.json);
}

/// Without a bad call: whose crash report names the cause.
std::string text_of_report(const Row& row, Place& place) {
    if (row.cause.empty()) return "no call meets it";
    const bool said = eventually([&] { return std::ranges::count(place.reports(), row.cause) > 0; });
    return std::string{"no call meets it; crash report: "} + (said ? "" : "NOT ") + row.cause;
}

std::string play_alone(const Row& row, Place& place) {
    const auto before = place.workers();
    auto text = text_of(row, place.end(place.begin(*row.bad)));
    const auto replaced = [&] {
        const auto now = place.workers();
        return now.size() == 2 && !std::ranges::is_permutation(now, before);
    };
    return eventually(replaced) ? text : text + ", AND ITS WORKER IS NOT REPLACED";
}

std::string play_bad(const Row& row, Place& place, Good& good) {
    if (row.bad_pool) return text_of(row, place.call_bad_pool());
    good.end();
    if (row.alone) return play_alone(row, place);
    if (!row.bad) {
        row.event(place);
        return text_of_report(row, place);
    }
    std::filesystem::remove(row.bad->body);
    const auto bad = place.begin(*row.bad);
    if (!eventually([&] { return std::filesystem::exists(row.bad->body); })) return "DID NOT BEGIN";
    row.event(place);
    return text_of(row, place.end(bad));
}

Played play(const Row& row, Place& place) {
    if (!eventually([&] { return place.workers().size() == 2; })) return {.bad = "its workers do not start"};
    Good good{place, row};
    good.begin_three();
    std::optional<std::uint64_t> bad;
    const bool together = row.bad && !row.event && !row.alone;
    if (together) bad = place.begin(*row.bad);
    Played played;
    if (!together) played.bad = play_bad(row, place, good);
    good.begin_three();
    if (together) played.bad = text_of(row, place.end(*bad));
    good.end();
    played.others = good.text();
    const bool whole = eventually([&] { return place.workers().size() == 2; });
    played.afterwards = (whole ? "2" : std::to_string(place.workers().size())) + " of 2 ready";
    return played;
}

template <class Where>
Played play_in(const Row& row) {
    if (row.prepare) row.prepare();
    Where place{row.setup, row.bad_pool};
    return play(row, place);
}

std::string compare(const Row& row, const Played& service) {
    if (!row.embedded.empty()) return row.embedded;
    const auto embedded = play_in<EmbeddedPlace>(row);
    EXPECT_EQ(embedded, service);
    EXPECT_THAT(descendants(::getpid()), testing::IsEmpty());
    if (embedded != service) return "no: " + testing::PrintToString(embedded);
    return row.bad_pool ? "yes: a `PoolError` that says so" : "yes";
}

std::string line_of(const Row& row) {
    SCOPED_TRACE(row.what);
    const auto service = play_in<ServicePlace>(row);
    EXPECT_EQ(service.others, "6 ok");
    EXPECT_EQ(service.afterwards, "2 of 2 ready");
    EXPECT_THAT(service.bad, testing::Not(testing::HasSubstr(" NOT ")));
    return "| " + row.what + (row.alone ? " *" : "") + " | " + service.bad + " | " + service.others + " | " +
           service.afterwards + " | " + compare(row, service) + " |\n";
}

/// The row's line as the document has it, of a row that cannot be played in this build.
std::string line_in(std::string_view document, const Row& row) {
    const auto from = document.find("| " + row.what + " |");
    if (from == std::string_view::npos) return {};
    return std::string{document.substr(from, document.find('\n', from) + 1 - from)};
}

bool can_be_played([[maybe_unused]] const Row& row) {
#if defined(CAISSON_SANITIZED)
    return !row.bad || row.bad->method != "oom";  // a sanitizer's shadow memory allows no limit of memory
#else
    return true;
#endif
}

TEST(Matrix, IsWhatTheFailureModelSays) {
    const std::filesystem::path path = CAISSON_SOURCES "/docs/failure_model.md";
    auto text = read_file(path);
    const auto from = text.find(begin_mark) + begin_mark.size();
    const auto end = text.find(end_mark);
    ASSERT_TRUE(from < end && end != std::string::npos) << "the document has no marks";
    const Folder folder;
    std::string table{table_head};
    for (const auto& row : matrix_rows(folder)) {
        std::printf("%s\n", row.what.c_str());
        std::fflush(stdout);
        table += can_be_played(row) ? line_of(row) : line_in(text, row);
    }
    table += table_foot;
    if (std::getenv("CAISSON_WRITE_MATRIX") != nullptr && !testing::Test::HasFailure()) {
        write_file(path, text.replace(from, end - from, table));
        return;
    }
    EXPECT_EQ(text.substr(from, end - from), table) << "CAISSON_WRITE_MATRIX=1 writes it anew";
}

}  // namespace
}  // namespace caisson::test
