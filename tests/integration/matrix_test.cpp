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

/// What came of a row in one place.
struct Played {
    std::string bad;     ///< the bad call
    std::string others;  ///< the six
    std::string afterwards;
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
    return how + ": " + (said ? row.cause : "NOT SAID: " + row.cause + " BUT " + result.message + result.json);
}

/// Without a bad call: whose crash report names the cause.
std::string text_of_report(const Row& row, Place& place) {
    if (row.cause.empty()) return "no call meets it";
    const bool said = eventually([&] { return std::ranges::count(place.reports(), row.cause) > 0; });
    return "no call meets it; crash report: " + (said ? row.cause : "NOT " + row.cause);
}

std::string play_bad(const Row& row, Place& place, Good& good) {
    if (row.bad_pool) return text_of(row, place.call_bad_pool());
    if (!row.event) return text_of(row, place.end(place.begin(*row.bad)));
    good.end();
    std::optional<std::uint64_t> bad;
    if (row.bad) bad = place.begin(*row.bad);
    if (bad && !eventually([&] { return place.running(); })) return "did not run";
    row.event(place);
    return bad ? text_of(row, place.end(*bad)) : text_of_report(row, place);
}

Played play(const Row& row, Place& place) {
    if (!eventually([&] { return place.workers().size() == 2; })) return {.bad = "its workers do not start"};
    Good good{place, row};
    good.begin_three();
    std::optional<std::uint64_t> bad;
    const bool together = row.bad && !row.event;
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

std::string compare(const Row& row, const Played& service) {
    if (!row.embedded.empty()) return row.embedded;
    Played embedded;
    {
        EmbeddedPlace place{row.setup, row.bad_pool};
        embedded = play(row, place);
    }
    EXPECT_EQ(embedded, service);
    EXPECT_THAT(descendants(::getpid()), testing::IsEmpty());
    if (embedded != service) return "no: " + testing::PrintToString(embedded);
    return row.bad_pool ? "yes: a `PoolError` that says so" : "yes";
}

std::string line_of(const Row& row) {
    SCOPED_TRACE(row.what);
    Played service;
    {
        ServicePlace place{row.setup, row.bad_pool};
        service = play(row, place);
    }
    EXPECT_EQ(service.others, "6 ok");
    EXPECT_EQ(service.afterwards, "2 of 2 ready");
    EXPECT_THAT(service.bad, testing::Not(testing::HasSubstr("NOT ")));
    return "| " + row.what + " | " + service.bad + " | " + service.others + " | " + service.afterwards + " | " +
           compare(row, service) + " |\n";
}

TEST(Matrix, IsWhatTheFailureModelSays) {
    const Folder folder;
    std::string table =
        "| misbehaviour | the bad call, and the cause that is named | the other six | pool afterwards | embedded "
        "pool: the same? |\n|---|---|---|---|---|\n";
    const char* const only = std::getenv("CAISSON_MATRIX_ONLY");
    for (const auto& row : matrix_rows(folder)) {
        if (only != nullptr && row.what.find(only) == std::string::npos) continue;
        const auto before = std::chrono::steady_clock::now();
        const auto line = line_of(row);
        std::printf("%5.2f s %s", std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count(), line.c_str());
        table += line;
    }
    const std::filesystem::path path = CAISSON_SOURCES "/docs/failure_model.md";
    auto text = read_file(path);
    const auto begin = text.find(begin_mark);
    const auto end = text.find(end_mark);
    ASSERT_TRUE(begin != std::string::npos && end != std::string::npos) << "the document has no marks";
    const auto from = begin + begin_mark.size();
    if (only != nullptr) return;
    if (std::getenv("CAISSON_WRITE_MATRIX") != nullptr && !testing::Test::HasFailure()) {
        write_file(path, text.replace(from, end - from, table));
        return;
    }
    EXPECT_EQ(text.substr(from, end - from), table) << "CAISSON_WRITE_MATRIX=1 writes it anew";
}

}  // namespace
}  // namespace caisson::test
