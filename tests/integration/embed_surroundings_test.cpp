// SPDX-License-Identifier: Apache-2.0
/// An embedded pool in a program that has a life of its own: signals, children, forks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <caisson/pool.hpp>
#include <csignal>

#include "support/eventually.hpp"
#include "support/processes.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What this program does with a signal, until the test ends.
class Disposition {
   public:
    Disposition(int signal, void (*handler)(int)) : signal_(signal) {
        struct sigaction action{};
        action.sa_handler = handler;
        action.sa_flags = SA_RESTART;
        ::sigaction(signal_, &action, &before_);
    }
    Disposition(const Disposition&) = delete;
    Disposition& operator=(const Disposition&) = delete;
    ~Disposition() { ::sigaction(signal_, &before_, nullptr); }

   private:
    int signal_;
    struct sigaction before_{};
};

std::atomic<int> reaped = 0;
void reap_everything(int) {
    const int number = errno;
    while (::waitpid(-1, nullptr, WNOHANG) > 0) ++reaped;
    errno = number;
}

/// What a child said before it ended: its exit code.
template <class Work>
int in_fork(Work&& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work());
    int status = 0;
    if (!eventually([&] { return ::waitpid(child, &status, WNOHANG) == child; })) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(EmbeddedSurroundings, AHandlerThatReapsEverythingDisturbsNothing) {
    const Disposition handler{SIGCHLD, reap_everything};
    for (int i = 0; i < 5; ++i) {
        Pool pool{{.plugin = chaos_library(), .workers = 2}};
        EXPECT_FALSE(pool.try_apply<void>("segv"));
        EXPECT_EQ(pool.apply<int>("ok", i), i);
        // The keeper is a child as well: killed, and reaped by the handler, and its pid maybe somebody else's by now.
        for (const auto& process : descendants(::getpid()))
            if (process.parent == ::getpid()) ::kill(process.pid, SIGKILL);
        EXPECT_TRUE(eventually([&] { return pool.try_apply<int>("ok", 7).value_or(0) == 7; }));
    }
    EXPECT_GT(reaped, 0);
    EXPECT_THAT(descendants(::getpid()), IsEmpty());
}

TEST(EmbeddedSurroundings, IgnoredChildrenDisturbNothing) {
    const Disposition ignored{SIGCHLD, SIG_IGN};
    Pool pool{{.plugin = chaos_library(), .workers = 1}};
    EXPECT_EQ(pool.try_apply<void>("segv").error().signal(), "SIGSEGV");
    EXPECT_EQ(pool.apply<int>("ok", 1), 1);
    pool.close();
    pool.join();
}

TEST(EmbeddedSurroundings, TheProgramsChildrenAreItsOwn) {
    Pool pool{{.plugin = chaos_library(), .workers = 2}};
    std::vector<pid_t> children;
    for (int code = 0; code < 8; ++code) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(code);
        children.push_back(child);
        EXPECT_FALSE(pool.try_apply<void>("abort"));
    }
    pool.close();
    pool.join();
    for (int code = 0; code < 8; ++code) {
        int status = 0;
        EXPECT_EQ(::waitpid(children[static_cast<std::size_t>(code)], &status, 0),
                  children[static_cast<std::size_t>(code)]);
        EXPECT_EQ(WEXITSTATUS(status), code);
    }
}

std::atomic<int> signals_here = 0;
pthread_t main_thread;

TEST(EmbeddedSurroundings, SignalsAreForTheProgramsThreads) {
    main_thread = ::pthread_self();
    const Disposition handler{SIGUSR1, [](int) {
                                  if (::pthread_equal(::pthread_self(), main_thread)) ++signals_here;
                              }};
    Pool pool{{.plugin = "math", .workers = 1}};
    (void)pool.apply_async<int>("square", 2, {.on_done = [](int) {}});  // the callback thread is there too
    for (int i = 0; i < 100; ++i) {
        ::kill(::getpid(), SIGUSR1);
        EXPECT_TRUE(eventually([&] { return signals_here == i + 1; }));
    }
    EXPECT_EQ(pool.apply<int>("square", 3), 9);
}

TEST(EmbeddedSurroundings, AForkedChildCanUseNothingAndEndsInPeace) {
    const Engine engine;
    Pool pool{engine, {.plugin = chaos_library(), .workers = 2}};
    caisson::Process process{engine, {.plugin = chaos_library(), .method = "sleep", .input = 60'000}};
    process.start();
    const auto running = pool.apply_async<int>("sleep", 60'000);
    const auto throws = [](auto&& use) {
        try {
            use();
        } catch (const PoolError& error) {
            return std::string_view{error.what()}.find("was copied by fork") != std::string_view::npos;
        }
        return false;
    };
    const auto use_everything = [&] {
        int wrong = 0;
        wrong += !throws([&] { pool.apply<int>("ok", 1); });
        wrong += !throws([&] { (void)pool.apply_async<int>("ok", 1); });
        wrong += !throws([&] { (void)pool.map<int>("ok", {1}); });
        wrong += !throws([&] { (void)pool.workers(); });
        wrong += !throws([&] { pool.resize(2); });
        wrong += !throws([&] { pool.close(); });
        wrong += !throws([&] { pool.terminate(); });
        wrong += !throws([&] { (void)running.get(); });
        wrong += !throws([&] { running.cancel(); });
        wrong += !throws([&] { (void)process.is_alive(); });
        wrong += !throws([&] { process.kill(); });
        wrong += !throws([&] { const Pool other{engine, {.plugin = "math"}}; });
        {
            const Pool gone = std::move(pool);
        }
        {
            const auto gone = std::move(process);
        }
#if !defined(__SANITIZE_THREAD__)  // which does not follow threads into a fork
        // And it may have a pool of its own.
        Pool own{{.plugin = "math", .workers = 1}};
        wrong += own.apply<int>("square", 3) != 9;
#endif
        return wrong;
    };
    EXPECT_EQ(in_fork(use_everything), 0);
    EXPECT_EQ(pool.apply<int>("ok", 1, {.timeout = 0ms}), 1);
}

TEST(EmbeddedSurroundings, AChildThatLivesOnHoldsNothingUp) {
    auto pool = std::make_optional<Pool>(PoolOptions{.plugin = chaos_library(), .workers = 2});
    EXPECT_EQ(pool->apply<int>("ok", 1), 1);
    const pid_t child = ::fork();  // with a copy of every descriptor
    if (child == 0)
        while (true) ::pause();
    const auto begin = std::chrono::steady_clock::now();
    pool.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
    EXPECT_EQ(descendant_pids(::getpid()), std::vector<pid_t>{child});
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

TEST(EmbeddedSurroundings, WorkersEndWithTheProgram) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        Pool pool{{.plugin = chaos_library(), .workers = 2}};
        (void)pool.apply_async<void>("spin");
        const auto pids = descendant_pids(::getpid());
        const auto count = pids.size();
        [[maybe_unused]] auto ignored = ::write(ends[1], &count, sizeof count);
        ignored = ::write(ends[1], pids.data(), pids.size() * sizeof(pid_t));
        ::kill(::getpid(), SIGKILL);
    }
    std::size_t count = 0;
    ASSERT_EQ(::read(ends[0], &count, sizeof count), static_cast<ssize_t>(sizeof count));
    std::vector<pid_t> pids(count);
    ASSERT_GT(::read(ends[0], pids.data(), count * sizeof(pid_t)), 0);
    EXPECT_THAT(left_after(watch_all(pids), patience), IsEmpty());
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);
    ::close(ends[1]);
}

}  // namespace
}  // namespace caisson::test
