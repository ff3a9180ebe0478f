// SPDX-License-Identifier: Apache-2.0
// Deaths of the real worker in a call: what is recorded, and what is not lost.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <csignal>
#include <set>
#include <vector>

#include "symbolizer/symbolizer.hpp"
#include "unit/host/worker_process.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using wire::Claim;
using wire::CrashProgress;
using wire::CrashRecord;

class WorkerCrash : public testing::Test {
   protected:
    void SetUp() override { worker_.start("probe"); }

    /// Two good calls, the bad one, one more, all in one write; the signal that ended the worker.
    int crash_third(std::string_view method) {
        worker_.add(1, "echo", "one");
        worker_.add(2, "echo", "two");
        worker_.add(3, method);
        worker_.add(4, "echo", "four");
        worker_.send();
        const int status = worker_.wait();
        return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
    }

    void expect_the_first_two_results() {
        const auto left = worker_.leftovers();
        ASSERT_EQ(left.size(), 2U);
        EXPECT_EQ(left[0].header.id, 1U);
        EXPECT_EQ(left[0].body, "one");
        EXPECT_EQ(left[1].header.id, 2U);
        EXPECT_EQ(left[1].body, "two");
        EXPECT_EQ(Claim::from(worker_.box().claim).sequence, 3U) << "the fourth was never started";
        EXPECT_EQ(worker_.box().running.load(), 3U);
    }

    [[nodiscard]] const CrashRecord& record() { return worker_.box().crash; }
    [[nodiscard]] CrashProgress progress() { return static_cast<CrashProgress>(record().progress.load()); }

    std::string module_of(std::size_t frame) {
        if (frame >= record().frame_count) return "no frame";
        const auto module = record().frames[frame].module;
        return module < record().module_count ? record().modules[module] : "no module";
    }

    WorkerProcess worker_;
};

TEST_F(WorkerCrash, ASegmentationFaultLeavesItsRecord) {
    EXPECT_EQ(crash_third("segv"), SIGSEGV);
    expect_the_first_two_results();
    ASSERT_EQ(progress(), CrashProgress::stack_recorded);
    EXPECT_EQ(record().signal, SIGSEGV);
    EXPECT_EQ(record().code, SEGV_MAPERR);
    EXPECT_EQ(record().address, 16U);
    EXPECT_EQ(record().thread_id, worker_.pid());
    EXPECT_EQ(record().running, 3U);
    // poke, segv, the plugin's call, then the worker.
    ASSERT_GE(record().frame_count, 5U);
    for (const std::size_t frame : {0U, 1U, 2U}) EXPECT_THAT(module_of(frame), HasSubstr("probe.so")) << frame;
    EXPECT_EQ(module_of(3), "caisson-worker");
    EXPECT_LT(record().frames[0].offset, 1U << 20) << "an offset into the module, not an address";
    std::set<std::uint64_t> offsets;
    for (std::size_t i = 0; i < 3; ++i) offsets.insert(record().frames[i].offset);
    EXPECT_EQ(offsets.size(), 3U) << "the frame at fault comes once";
}

TEST_F(WorkerCrash, TheRecordLeadsToFunctionAndLine) {
    EXPECT_EQ(crash_third("segv"), SIGSEGV);
    std::vector<symbolizer::Address> addresses;
    for (std::size_t i = 0; i < 2; ++i) addresses.push_back({module_of(i), record().frames[i].offset, i > 0});
    const auto resolved = symbolizer::resolve(addresses);
    EXPECT_EQ(resolved[0].places.back().function, "poke");
    EXPECT_THAT(resolved[0].places.back().file, testing::EndsWith("tests/fixtures/plugins/probe.c"));
    EXPECT_GT(resolved[0].places.back().line, 0);
    EXPECT_EQ(resolved[1].places.back().function, "segv");
}

TEST_F(WorkerCrash, AKillLosesNoResultEither) {
    EXPECT_EQ(crash_third("kill_now"), SIGKILL);
    expect_the_first_two_results();
    EXPECT_EQ(progress(), CrashProgress::none);
}

TEST_F(WorkerCrash, AnExitInACallIsSeenInTheBlackBox) {
    EXPECT_EQ(crash_third("exit_now"), -1);
    expect_the_first_two_results();
}

TEST_F(WorkerCrash, AStackOverflowIsRecorded) {
    EXPECT_EQ(crash_third("overflow"), SIGSEGV);
    expect_the_first_two_results();
    ASSERT_EQ(progress(), CrashProgress::stack_recorded);
    EXPECT_EQ(record().frame_count, wire::max_frames);
    EXPECT_THAT(module_of(0), HasSubstr("probe.so"));
    EXPECT_THAT(module_of(wire::max_frames - 1), HasSubstr("probe.so"));
}

TEST_F(WorkerCrash, AFaultOnAThreadOfThePluginIsRecorded) {
    EXPECT_EQ(crash_third("thread_segv"), SIGSEGV);
    expect_the_first_two_results();
    ASSERT_EQ(progress(), CrashProgress::stack_recorded);
    EXPECT_NE(record().thread_id, worker_.pid());
    EXPECT_THAT(module_of(0), HasSubstr("probe.so"));
}

TEST_F(WorkerCrash, ACallThroughAWildPointerNamesItsCaller) {
    EXPECT_EQ(crash_third("wild_call"), SIGSEGV);
    ASSERT_EQ(progress(), CrashProgress::stack_recorded);
    ASSERT_GE(record().frame_count, 2U);
    EXPECT_EQ(record().frames[0].address, 4096U);
    EXPECT_EQ(record().frames[0].module, wire::no_module);
    EXPECT_THAT(module_of(1), HasSubstr("probe.so"));
}

TEST_F(WorkerCrash, ABrokenStackDoesNotHideTheSignal) {
#ifdef CAISSON_SANITIZED
    GTEST_SKIP() << "the sanitizer sees the stack break";
#endif
    EXPECT_EQ(crash_third("broken_stack"), SIGSEGV);
    expect_the_first_two_results();
    ASSERT_EQ(progress(), CrashProgress::stack_recorded);
    EXPECT_EQ(record().signal, SIGSEGV);
    EXPECT_EQ(record().address, 16U);
    EXPECT_THAT(module_of(0), HasSubstr("probe.so"));
}

TEST_F(WorkerCrash, AnAbortIsRecorded) {
    EXPECT_EQ(crash_third("abort_now"), SIGABRT);
    expect_the_first_two_results();
    ASSERT_EQ(progress(), CrashProgress::stack_recorded);
    EXPECT_EQ(record().signal, SIGABRT);
    EXPECT_EQ(record().address, 0U) << "who sent a signal is no address";
    std::set<std::string> modules;
    for (std::size_t i = 0; i < record().frame_count; ++i) modules.insert(module_of(i));
    EXPECT_THAT(modules, testing::Contains(HasSubstr("probe.so")));
}

}  // namespace
}  // namespace caisson::test
