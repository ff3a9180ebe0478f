// SPDX-License-Identifier: Apache-2.0
#include "embed/pool/failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caisson {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

CallResult crash() {
    CallResult result;
    result.outcome = Outcome::crashed;
    result.message = "SIGSEGV, at 0x0";
    result.attempts = 2;
    result.json = R"doc({"outcome": "crashed", "pool": "chaos", "method": "segv", "message": "SIGSEGV, at 0x0",
        "worker": {"id": 2, "pid": 4711}, "exit": {"kind": "signaled", "signal": "SIGSEGV", "code": 1},
        "stack": [{"function": "poke()", "file": "chaos.cpp", "line": 39, "module": "libchaos.so", "offset": "0x9"},
                  {"function": "call", "module": "libchaos.so", "offset": "0x10"},
                  {"module": "libc.so.6", "offset": "0x20"}],
        "output": ["last words"], "report": "01JD"})doc";
    return result;
}

TEST(Failure, ReadsTheOutcomeDocument) {
    const Failure failure{crash()};
    EXPECT_EQ(failure.pool(), "chaos");
    EXPECT_EQ(failure.method(), "segv");
    EXPECT_EQ(failure.signal(), "SIGSEGV");
    EXPECT_EQ(failure.exit_kind(), "signaled");
    EXPECT_EQ(failure.exit_code(), 1);
    EXPECT_EQ(failure.worker_pid(), 4711);
    EXPECT_EQ(failure.report(), "01JD");
    EXPECT_EQ(failure.attempts(), 2U);
    EXPECT_THAT(failure.stack(), ElementsAre("poke() at chaos.cpp:39", "call in libchaos.so+0x10", "libc.so.6+0x20"));
    EXPECT_THAT(failure.output(), ElementsAre("last words"));
    EXPECT_EQ(failure.phase(), "");
}

TEST(Failure, SaysItInOneLineAndInMany) {
    EXPECT_EQ(Failure{crash()}.headline(), "chaos.segv crashed: SIGSEGV, at 0x0");
    EXPECT_EQ((Failure{crash(), 3}.headline()), "item 3: chaos.segv crashed: SIGSEGV, at 0x0");
    EXPECT_STREQ(CallError{Failure{crash()}}.what(), "chaos.segv crashed: SIGSEGV, at 0x0");
    EXPECT_EQ(Failure{crash()}.text(),
              "chaos.segv crashed: SIGSEGV, at 0x0\n  poke() at chaos.cpp:39\n  call in libchaos.so+0x10\n"
              "  libc.so.6+0x20\n  printed: last words\n  worker pid 4711, attempts 2, report 01JD");
}

TEST(Failure, EnduresADocumentThatIsNone) {
    CallResult result;
    result.outcome = Outcome::timed_out;
    result.json = "not JSON";
    const Failure failure{result};
    EXPECT_EQ(failure.headline(), "a call timed out");
    EXPECT_THAT(failure.stack(), IsEmpty());
    EXPECT_EQ(failure.worker_pid(), 0);
}

}  // namespace
}  // namespace caisson
