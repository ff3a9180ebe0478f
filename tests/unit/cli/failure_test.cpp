// SPDX-License-Identifier: Apache-2.0
/// From outcome documents to the words on the error stream.
#include "cli/failure.hpp"

#include <gtest/gtest.h>

namespace caisson::cli {
namespace {

std::string failure(std::string_view json, std::string_view target = "math.square") {
    return failure_text(parse_document(json), target);
}

TEST(Failure, ACrashNamesSignalFunctionWorkerAndReport) {
    EXPECT_EQ(failure(R"j({"outcome":"crashed","pool":"chaos","method":"segv","call":83,"worker":{"id":2,"pid":4711},
        "exit":{"kind":"signaled","signal":"SIGSEGV","address":"0x0"},
        "stack":[{"function":"poke()","file":"plugins/chaos/chaos.cpp","line":41,"module":"libchaos.so","offset":"0x1234"},
                 {"function":"main","module":"caisson-worker","offset":"0x99"}],
        "attempts":1,"max_attempts":1,"report":"01JD","message":"SIGSEGV, address not mapped, at 0x0",
        "pool_ready":2,"pool_workers":2})j"),
              "caisson: chaos.segv crashed: SIGSEGV, address not mapped, at 0x0\n"
              "  poke() at plugins/chaos/chaos.cpp:41\n"
              "  worker chaos/2 (pid 4711), call 83, attempt 1 of 1; report 01JD; pool chaos: 2 of 2 workers ready\n");
}

TEST(Failure, WhatIsNotKnownIsLeftOut) {
    EXPECT_EQ(failure(R"j({"outcome":"crashed","message":"the session was lost"})j"),
              "caisson: math.square crashed: the session was lost\n");
    EXPECT_EQ(failure("not even json"), "caisson: math.square ended without an outcome\n");
    EXPECT_EQ(
        failure(R"j({"outcome":"crashed","pool":"a","method":"b","worker":{"id":1},"message":"exited with code 0"})j"),
        "caisson: a.b crashed: exited with code 0\n  worker a/1\n");
}

TEST(Failure, AFailedCallSaysTheStatusUnlessItIsInternal) {
    EXPECT_EQ(failure(R"j({"outcome":"failed","pool":"math","method":"pow","status":"invalid_argument",
                          "message":"the body is not two numbers"})j"),
              "caisson: math.pow failed: the body is not two numbers (invalid_argument)\n");
    EXPECT_EQ(failure(R"j({"outcome":"failed","status":"internal","message":"boom"})j"),
              "caisson: math.square failed: boom\n");
    EXPECT_EQ(failure(R"j({"outcome":"failed","status":"not_found"})j"), "caisson: math.square failed: not_found\n");
}

TEST(Failure, ATimeoutSaysWhetherTheCallWaitedOrRan) {
    EXPECT_EQ(failure(R"j({"outcome":"timed_out","phase":"running","message":"no end after 2 s",
                          "hint":"give it more with --timeout"})j"),
              "caisson: math.square timed out while running: no end after 2 s\n  give it more with --timeout\n");
}

TEST(Failure, ACallThatWasTriedAgainSaysHowOften) {
    EXPECT_EQ(failure(R"j({"outcome":"crashed","pool":"a","method":"b","worker":{"id":1,"pid":7},"attempts":2,
                          "max_attempts":3,"message":"SIGSEGV"})j"),
              "caisson: a.b crashed: SIGSEGV\n  worker a/1 (pid 7), attempt 2 of 3\n");
    EXPECT_EQ(failure(R"j({"outcome":"cancelled","phase":"waiting","attempts":2,"max_attempts":3,"message":"gone"})j"),
              "caisson: math.square cancelled: gone\n  attempt 2 of 3\n")
        << "no worker has it while it waits for the next";
    EXPECT_EQ(failure(R"j({"outcome":"cancelled","attempts":0,"max_attempts":3,"message":"gone"})j"),
              "caisson: math.square cancelled: gone\n");
}

TEST(Failure, APoisonedInputNamesTheReportAndWhatToDo) {
    EXPECT_EQ(failure(R"j({"outcome":"refused","bound":"poison.crashes","poison":"7f3a","report":"01JD",
                          "message":"this input has killed 3 workers"})j"),
              "caisson: math.square refused: this input has killed 3 workers\n"
              "  report 01JD\n"
              "  once it is mended: caisson poison --clear 7f3a\n");
    EXPECT_EQ(
        failure(R"j({"outcome":"refused","poison":"7f3a","hint":"`caisson poison --clear 7f3a`","message":"no"})j"),
        "caisson: math.square refused: no\n  `caisson poison --clear 7f3a`\n")
        << "not twice";
}

TEST(Failure, NoSuchMethodListsTheMethodsAndWhatWasMeant) {
    EXPECT_EQ(failure(R"j({"outcome":"refused","pool":"math","method":"sqare","message":"no such method",
                          "methods":["square","pow","primes"]})j"),
              "caisson: math.sqare refused: no such method\n"
              "  did you mean math.square?\n"
              "  methods of math: pow, primes, square\n");
}

TEST(Failure, NoSuchPoolListsThePools) {
    EXPECT_EQ(failure(R"j({"outcome":"refused","message":"no such pool","pools":["text","math"]})j", "mat.square"),
              "caisson: mat.square refused: no such pool\n"
              "  did you mean math.square?\n"
              "  pools: math, text\n");
    EXPECT_EQ(failure(R"j({"outcome":"refused","message":"no such pool","pools":["text"]})j", "zzzzz.square"),
              "caisson: zzzzz.square refused: no such pool\n  pools: text\n");
}

TEST(Failure, APluginsWordsDoNotMoveTheCursor) {
    EXPECT_EQ(failure("{\"outcome\":\"failed\",\"message\":\"a\\u001b[2Jb\\nc\"}"),
              "caisson: math.square failed: a\\x1b[2Jb\\x0ac\n");
}

TEST(Fault, TheFirstFrameOfThePluginIsToBlameNotTheRuntimeAboveIt) {
    const auto stack = parse_document(R"j([
        {"function":"raise","file":"raise.c","line":3,"module":"/lib/x86_64-linux-gnu/libc.so.6"},
        {"function":"abort","module":"/lib/x86_64-linux-gnu/libc.so.6","offset":"0x1"},
        {"module":"libchaos.so","offset":"0x77"},
        {"function":"give_up()","file":"chaos.cpp","line":12,"module":"libchaos.so"}])j");
    EXPECT_EQ(fault_text(stack), "give_up() at chaos.cpp:12");
}

TEST(Fault, WithoutDebugInformationItIsFunctionOrModule) {
    EXPECT_EQ(fault_text(parse_document(R"j([{"function":"abort","module":"libc.so.6","offset":"0x1"},
                                            {"function":"poke()","module":"libchaos.so","offset":"0x1234"}])j")),
              "poke() in libchaos.so+0x1234");
    EXPECT_EQ(fault_text(parse_document(R"j([{"module":"libchaos.so","offset":"0x1234"}])j")), "libchaos.so+0x1234");
    EXPECT_EQ(fault_text(parse_document(R"j([{"function":"abort","module":"libc.so.6"}])j")), "abort in libc.so.6");
    EXPECT_EQ(fault_text(parse_document("[]")), "");
    EXPECT_EQ(fault_text(Json{}), "");
}

}  // namespace
}  // namespace caisson::cli
