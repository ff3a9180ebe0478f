// SPDX-License-Identifier: Apache-2.0
#include "cli/crash_view.hpp"

#include <gtest/gtest.h>

namespace caisson::cli {
namespace {

TEST(CrashView, TheListHasOneRowPerReport) {
    EXPECT_EQ(crashes_text(parse_document(R"j({"crashes":[
        {"report":"01JD2","time":"2026-01-02T03:04:05Z","pool":"chaos","method":"segv","call":83,
         "worker":{"id":2,"pid":4711},"message":"SIGSEGV, at 0x0"},
        {"report":"01JD1","time":"2026-01-02T03:04:04Z","pool":"chaos","worker":{"id":1,"pid":4710},"message":"SIGKILL"}]})j")),
              "REPORT  TIME                  CALL             WORKER    PID  CAUSE\n"
              "01JD2   2026-01-02T03:04:05Z  chaos.segv       chaos/2  4711  SIGSEGV, at 0x0\n"
              "01JD1   2026-01-02T03:04:04Z  (outside calls)  chaos/1  4710  SIGKILL\n");
    EXPECT_EQ(crashes_text(parse_document(R"j({"crashes":[]})j")), "no crashes\n");
}

TEST(CrashView, AReportShowsAllThatIsKnown) {
    EXPECT_EQ(
        crash_text(parse_document(R"j({"crash":{"outcome":"crashed","report":"01JD2","time":"2026-01-02T03:04:05Z",
        "plugin":"/p/libchaos.so","version":"1.0.0","pool":"chaos","method":"segv","call":83,"worker":{"id":2,"pid":4711},
        "attempts":1,"max_attempts":3,"exit":{"kind":"signaled","signal":"SIGSEGV","address":"0x0"},
        "message":"SIGSEGV, at 0x0","output":["about to poke","\u001b[31mred"],
        "stack":[{"function":"poke()","file":"chaos.cpp","line":41},{"module":"libc.so.6","offset":"0x7"}]}})j")),
        "chaos.segv crashed: SIGSEGV, at 0x0\n"
        "  report    01JD2\n"
        "  time      2026-01-02T03:04:05Z\n"
        "  plugin    /p/libchaos.so, version 1.0.0\n"
        "  worker    chaos/2, pid 4711\n"
        "  call      83\n"
        "  attempts  1 of 3\n"
        "  exit      signaled, SIGSEGV\n"
        "stack, innermost first:\n"
        "  #0 poke() at chaos.cpp:41\n"
        "  #1 libc.so.6+0x7\n"
        "last output:\n"
        "  about to poke\n"
        "  \\x1b[31mred\n");
}

}  // namespace
}  // namespace caisson::cli
