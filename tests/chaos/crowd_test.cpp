// SPDX-License-Identifier: Apache-2.0
/// A million items while workers are killed, stopped, crashed, hung and ended from all sides: afterwards each item has
/// exactly one outcome, a right one, and ran no more often than that outcome says.
///
/// CAISSON_CHAOS_SEED plays the same dice again, CAISSON_CHAOS_SECONDS says for how long (60).
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <random>
#include <thread>

#include "chaos/crowd.hpp"
#include "chaos/environment.hpp"
#include "chaos/ledger_reader.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using namespace std::chrono_literals;

/// Hits workers from outside: most with SIGKILL, some with SIGSTOP, which looks like a hang.
class Sniper {
   public:
    Sniper(const Service& service, std::uint64_t seed) : service_(service), chance_(seed), thread_([this] { run(); }) {}
    ~Sniper() { stop(); }
    Sniper(const Sniper&) = delete;
    Sniper& operator=(const Sniper&) = delete;

    void stop() {
        {
            const std::lock_guard lock{mutex_};
            over_ = true;
        }
        wake_.notify_all();
        if (thread_.joinable()) thread_.join();
    }
    std::uint64_t killed = 0;
    std::uint64_t stopped = 0;

   private:
    void run() {
        std::unique_lock lock{mutex_};
        while (!wake_.wait_for(lock, std::chrono::milliseconds{40 + chance_() % 160}, [this] { return over_; })) {
            const auto workers = service_.workers(chance_() % 2 == 0 ? "once" : "again");
            if (workers.empty()) continue;
            const bool stop = chance_() % 16 == 0;
            ++(stop ? stopped : killed);
            ::kill(workers[chance_() % workers.size()], stop ? SIGSTOP : SIGKILL);
        }
    }

    const Service& service_;
    std::mt19937_64 chance_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool over_ = false;
    std::thread thread_;
};

struct Tally {
    std::map<Outcome, std::uint64_t> by_outcome;
    std::uint64_t retried = 0;
    std::string trouble;

    void add(const Fate& fate, std::uint8_t starts, std::uint64_t number) {
        ++by_outcome[fate.outcome];
        retried += fate.attempts > 1 ? 1 : 0;
        const auto wrong = [&](const char* what) {
            if (trouble.empty()) trouble = "item " + std::to_string(number) + ' ' + what;
        };
        const auto ran = std::popcount(starts);
        if (fate.outcomes != 1) wrong("has not exactly one outcome");
        if (!fate.right) wrong("got the answer of another");
        if (fate.outcome == Outcome::ok && ran == 0) wrong("is ok and never ran");
        if (ran > fate.attempts) wrong("ran more often than its outcome says");
        if (fate.outcome == Outcome::refused) wrong("was refused");
        if (fate.outcome == Outcome::cancelled) wrong("was cancelled, and nobody did that");
    }
};

TEST(Chaos, EveryItemHasOneRightOutcomeWhateverHappens) {
    const auto seed = from_environment("CAISSON_CHAOS_SEED", std::random_device{}());
    const std::chrono::seconds time{from_environment("CAISSON_CHAOS_SECONDS", 60)};
    const auto items = static_cast<std::uint64_t>(1'000'000 * std::min(1.0, static_cast<double>(time.count()) / 60));
    std::printf("chaos: CAISSON_CHAOS_SEED=%lu CAISSON_CHAOS_SECONDS=%ld\n", seed, static_cast<long>(time.count()));
    std::fflush(stdout);

    const Folder folder;
    const auto ledger = folder / "ledger";
    const std::string common = "plugin = \"" + fixture_library("ledger") + "\"\nworkers = 2\ntimeout = \"2s\"\n" +
                               "stop.grace = \"100ms\"\nenv = { CAISSON_LEDGER = \"" + ledger.string() + "\" }\n" +
                               "restart.intensity = 1000\nrestart.call_crashes = 100000\npoison.crashes = 0\n";
    Service service{{.pools = "[pool.once]\n" + common + "[pool.again]\n" + common +
                              "retries = 2\nretry_on = [\"crashed\", \"timed_out\"]\n"
                              "retry_backoff = { min = \"5ms\", max = \"50ms\" }\n",
                     .service = "crash_reports = 10\n"}};
    const auto supervisor = service.pid();
    const auto descriptors_before = open_descriptors(supervisor);

    std::atomic<bool> over = false;
    std::vector<Crowd> crowds;
    crowds.reserve(4);
    for (std::uint64_t i = 0; i < 4; ++i)
        crowds.emplace_back(Crowd::Orders{.socket = service.socket(),
                                          .method = i % 2 == 0 ? "once.try" : "again.try_again",
                                          .seed = seed,
                                          .first = i,
                                          .step = 4,
                                          .at_least = items / 4,
                                          .over = &over});
    std::uint64_t resident_early = 0;
    std::uint64_t resident_late = 0;
    {
        Sniper sniper{service, seed};
        std::vector<std::jthread> threads;
        threads.reserve(crowds.size());
        for (auto& crowd : crowds) threads.emplace_back([&crowd] { crowd.run(); });
        std::mutex mutex;
        std::condition_variable nobody;
        std::unique_lock lock{mutex};
        nobody.wait_for(lock, time / 4, [] { return false; });
        resident_early = resident_bytes(supervisor);
        nobody.wait_for(lock, time - time / 4, [] { return false; });
        resident_late = resident_bytes(supervisor);
        over = true;
        threads.clear();
        sniper.stop();
        std::printf("chaos: %lu workers killed, %lu stopped from outside\n", sniper.killed, sniper.stopped);
    }

    std::uint64_t most = 0;
    for (const auto& crowd : crowds) {
        ASSERT_EQ(crowd.trouble(), "");
        ASSERT_EQ(crowd.first_wrong(), "");
        most = std::max<std::uint64_t>(most, crowd.number(crowd.fates().size()));
    }
    const auto starts = read_ledger(ledger, most);
    ASSERT_EQ(starts.trouble, "");
    for (const bool retries : {false, true}) {
        Tally tally;
        std::uint64_t count = 0;
        for (std::size_t c = retries ? 1 : 0; c < crowds.size(); c += 2)
            for (std::size_t i = 0; i < crowds[c].fates().size(); ++i, ++count)
                tally.add(crowds[c].fates()[i], starts.attempts[crowds[c].number(i)], crowds[c].number(i));
        std::printf("chaos: pool %-5s %9lu items:", retries ? "again" : "once", count);
        for (const auto& [outcome, number] : tally.by_outcome)
            std::printf(" %lu %s", number, std::string{word(outcome)}.c_str());
        std::printf("; %lu by another attempt\n", tally.retried);
        EXPECT_EQ(tally.trouble, "");
        EXPECT_GE(count, items / 2);
        EXPECT_GT(tally.by_outcome[Outcome::ok], count * 9 / 10);
        EXPECT_EQ(tally.retried > 0, retries);
    }
    std::printf("chaos: %lu starts; supervisor %lu KiB early, %lu KiB late\n", starts.lines, resident_early / 1024,
                resident_late / 1024);

    EXPECT_TRUE(service.running());
    EXPECT_EQ(service.pid(), supervisor);
    service.await_pool("once");
    service.await_pool("again");
    EXPECT_LT(resident_late, resident_early + (std::uint64_t{16} << 20));
    EXPECT_TRUE(eventually([&] { return open_descriptors(supervisor) <= descriptors_before + 2; }))
        << open_descriptors(supervisor) << " descriptors, " << descriptors_before << " before";
    const auto client = service.client();
    EXPECT_EQ(service.pool("once")["queued"], 0);
    EXPECT_EQ(service.pool("again")["running"], 0);
}

}  // namespace
}  // namespace caisson::test
