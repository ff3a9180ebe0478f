// SPDX-License-Identifier: Apache-2.0
/// A service as it lives for years, in short: under load its configuration is edited, libraries are swapped, pools are
/// resized, drained and restarted, workers are killed and calls crash, and the service itself is upgraded, all by
/// chance. Afterwards each item has exactly one outcome, and memory, descriptors and processes are what they were.
///
/// CAISSON_SOAK_SECONDS says for how long (30), CAISSON_CHAOS_SEED plays the same dice again.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <filesystem>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "chaos/crowd.hpp"
#include "chaos/environment.hpp"
#include "chaos/ledger_reader.hpp"
#include "support/upgrades.hpp"

namespace caisson::test {
namespace {

using namespace std::chrono_literals;

/// What is looked at again and again, and how far it went.
struct Figure {
    std::uint64_t first = 0;  ///< when it was first looked at with nothing going on
    std::uint64_t most = 0;
    std::uint64_t last = 0;  ///< with nothing going on, again

    void see(std::uint64_t value) { most = std::max(most, value); }
};

/// A pool's library, in the file that the service loads: a copy with another end has other bytes, and works as well.
class Library {
   public:
    Library(const std::filesystem::path& from, std::filesystem::path file)
        : bytes_(read_file(from)), file_(std::move(file)) {
        swap(0);
    }
    /// As an installer does it, or as `cp` does.
    void swap(std::uint64_t version) const {
        const auto bytes = bytes_ + "version " + std::to_string(version);
        if (version % 2 == 1) return write_file(file_, bytes);
        write_file(file_.string() + ".new", bytes);
        std::filesystem::rename(file_.string() + ".new", file_);
    }
    [[nodiscard]] const std::filesystem::path& file() const { return file_; }

   private:
    std::string bytes_;
    std::filesystem::path file_;
};

class Soak {
   public:
    explicit Soak(std::uint64_t seed)
        : chance_(seed),
          library_(fixture_library("ledger"), folder_ / "ledger.so"),
          service_({.pools = pools(), .service = "settle = \"50ms\"\ncrash_reports = 10\n"}) {}

    [[nodiscard]] std::filesystem::path ledger() const { return folder_ / "ledger"; }
    [[nodiscard]] Service& service() { return service_; }

    /// One thing that happens to a service. Whatever is refused is no trouble, only what breaks is.
    void disturb() {
        static constexpr struct {
            const char* name;
            void (Soak::*happen)();
        } things[] = {
            {"edited", &Soak::edit},   {"swapped", &Soak::swap},      {"resized", &Soak::resize},
            {"killed", &Soak::kill},   {"restarted", &Soak::restart}, {"drained", &Soak::drain},
            {"broken", &Soak::break_}, {"upgraded", &Soak::upgrade},
        };
        const auto& thing = things[chance_() % std::size(things)];
        (this->*thing.happen)();
        ++done_[thing.name];
        look();
    }
    void look() {
        memory_.see(resident_bytes(service_.pid()));
        descriptors_.see(open_descriptors(service_.pid()));
        processes_.see(descendants(::getpid()).size());
    }
    /// Back to how it began, and nothing going on.
    void settle() {
        workers_ = 2;
        service_.configure({.pools = pools(), .service = "settle = \"50ms\"\ncrash_reports = 10\n"});
        (void)service_.run({"reload"});
        for (const char* const pool : {"once", "again", "aside"}) {
            ASSERT_EQ(service_.run({"resize", pool, "2"}).code, 0);
            EXPECT_TRUE(eventually([&] {
                const auto status = service_.pool(pool);
                return status.at("state") == "ready" && status.at("workers").size() == 2 && status.at("running") == 0;
            })) << service_.pool(pool);
        }
    }
    void note(std::uint64_t Figure::* when) {
        memory_.*when = resident_bytes(service_.pid());
        descriptors_.*when = open_descriptors(service_.pid());
        processes_.*when = descendants(::getpid()).size();
    }

    [[nodiscard]] const std::map<std::string, int>& done() const { return done_; }
    [[nodiscard]] const std::string& trouble() const { return trouble_; }
    [[nodiscard]] const Figure& memory() const { return memory_; }
    [[nodiscard]] const Figure& descriptors() const { return descriptors_; }
    [[nodiscard]] const Figure& processes() const { return processes_; }

   private:
    [[nodiscard]] std::string pools() const {
        const std::string common =
            "plugin = \"" + library_.file().string() + "\"\nworkers = " + std::to_string(workers_) +
            "\ntimeout = \"2s\"\nstop.grace = \"500ms\"\nenv = { CAISSON_LEDGER = \"" + ledger().string() +
            "\" }\nrestart.intensity = 1000\nrestart.call_crashes = 100000\n" +
            "poison.crashes = 0\ncanary = { calls = 5, time = \"200ms\" }\n";
        return "[pool.once]\n" + common + "[pool.again]\n" + common +
               "retries = 2\nretry_on = [\"crashed\", \"timed_out\"]\nretry_backoff = { min = \"5ms\", max = \"50ms\" "
               "}\n" +
               "[pool.aside]\nplugin = \"math\"\nworkers = 2\n";
    }
    [[nodiscard]] std::string some_pool() { return chance_() % 2 == 0 ? "once" : "again"; }
    void must(const std::vector<std::string>& words) {
        const auto ended = service_.run(words);
        if (ended.code == 0 || !trouble_.empty()) return;
        for (const auto& word : words) trouble_ += word + ' ';
        trouble_ += "-> " + std::to_string(ended.code) + ": " + ended.err;
    }

    void edit() {
        workers_ = 1 + static_cast<int>(chance_() % 4);
        service_.configure({.pools = pools(), .service = "settle = \"50ms\"\ncrash_reports = 10\n"});
        if (chance_() % 2 == 0) must({"reload"});  // else the service sees it by itself
    }
    // A bad file changes nothing; the next edit mends it.
    void break_() { service_.configure({.pools = "[pool.once\nworkers = 0\n"}); }
    void swap() { library_.swap(++version_); }
    void resize() { must({"resize", some_pool(), std::to_string(1 + chance_() % 4)}); }
    void restart() { must({"restart", some_pool()}); }
    void drain() {
        must({"drain", "aside"});
        must({"resume", "aside"});
    }
    void kill() {
        const auto workers = service_.workers(some_pool());
        if (!workers.empty()) ::kill(workers[chance_() % workers.size()], SIGKILL);
    }
    // With a good file: what a bad one does to an upgrade is tested by itself.
    void upgrade() {
        edit();
        test::upgrade(service_);
    }

    std::mt19937_64 chance_;
    Folder folder_;
    Library library_;
    int workers_ = 2;
    std::uint64_t version_ = 0;
    Service service_;
    std::map<std::string, int> done_;
    std::string trouble_;
    Figure memory_;
    Figure descriptors_;
    Figure processes_;
};

void say(const char* name, const Figure& figure, std::uint64_t unit) {
    std::printf("soak: %-12s %8lu before, %8lu at most, %8lu after\n", name, figure.first / unit, figure.most / unit,
                figure.last / unit);
}

TEST(Soak, EveryItemHasOneOutcomeAndNothingGrows) {
    const auto seed = from_environment("CAISSON_CHAOS_SEED", std::random_device{}());
    const std::chrono::seconds time{from_environment("CAISSON_SOAK_SECONDS", 30)};
    std::printf("soak: CAISSON_CHAOS_SEED=%lu CAISSON_SOAK_SECONDS=%ld\n", seed, static_cast<long>(time.count()));
    std::fflush(stdout);

    Soak soak{seed};
    soak.note(&Figure::first);
    std::atomic<bool> over = false;
    std::vector<Crowd> crowds;
    crowds.reserve(2);
    for (std::uint64_t i = 0; i < 2; ++i)
        crowds.emplace_back(Crowd::Orders{.socket = soak.service().socket(),
                                          .method = i == 0 ? "once.try" : "again.try_again",
                                          .seed = seed,
                                          .first = i,
                                          .step = 2,
                                          .at_least = 1000,
                                          .over = &over});
    std::vector<std::jthread> threads;
    threads.reserve(crowds.size());
    for (auto& crowd : crowds) threads.emplace_back([&crowd] { crowd.run(); });
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until && soak.trouble().empty()) soak.disturb();
    over = true;
    threads.clear();
    EXPECT_EQ(soak.trouble(), "");
    soak.settle();
    EXPECT_TRUE(eventually([&] {
        soak.note(&Figure::last);
        return soak.processes().last <= soak.processes().first &&
               soak.descriptors().last <= soak.descriptors().first + 2;
    }));

    for (const auto& [what, times] : soak.done()) std::printf("soak: %-12s %8d times\n", what.c_str(), times);
    say("memory, KiB", soak.memory(), 1024);
    say("descriptors", soak.descriptors(), 1);
    say("processes", soak.processes(), 1);

    std::uint64_t most = 0;
    for (const auto& crowd : crowds) {
        ASSERT_EQ(crowd.trouble(), "");
        ASSERT_EQ(crowd.first_wrong(), "");
        most = std::max<std::uint64_t>(most, crowd.number(crowd.fates().size()));
    }
    const auto starts = read_ledger(soak.ledger(), most);
    ASSERT_EQ(starts.trouble, "");
    for (const auto& crowd : crowds) {
        std::map<std::string, std::uint64_t> outcomes;
        for (std::size_t i = 0; i < crowd.fates().size(); ++i) {
            const auto& fate = crowd.fates()[i];
            const auto number = crowd.number(i);
            const auto ran = std::popcount(starts.attempts[number]);
            ++outcomes[std::string{word(fate.outcome)}];
            ASSERT_EQ(fate.outcomes, 1) << "item " << number;
            ASSERT_TRUE(fate.right) << "item " << number;
            ASSERT_LE(ran, fate.attempts) << "item " << number << " ran more often than its outcome says";
            ASSERT_TRUE(fate.outcome != Outcome::ok || ran > 0) << "item " << number << " is ok and never ran";
            ASSERT_NE(fate.outcome, Outcome::refused) << "item " << number;
            ASSERT_NE(fate.outcome, Outcome::cancelled) << "item " << number;
        }
        for (const auto& [outcome, count] : outcomes) std::printf("soak: %-12s %8lu items\n", outcome.c_str(), count);
    }
#if !defined(CAISSON_SANITIZED)  // a sanitizer keeps what was freed for a while
    EXPECT_LT(soak.memory().last, soak.memory().first + (std::uint64_t{16} << 20));
#endif
    EXPECT_LE(soak.processes().last, soak.processes().first);
    EXPECT_LE(soak.descriptors().last, soak.descriptors().first + 2);
}

}  // namespace
}  // namespace caisson::test
