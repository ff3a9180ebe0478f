// SPDX-License-Identifier: Apache-2.0
#include "fleet/exit.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace caisson::fleet {
namespace {

TEST(ExitWords, ACrashIsSignalReasonAndAddress) {
    EXPECT_EQ(words(Crash{.signal = SIGSEGV, .code = SEGV_MAPERR, .address = 0, .stack = {}}),
              "SIGSEGV, address not mapped, at 0x0");
    EXPECT_EQ(words(Crash{.signal = SIGFPE, .code = FPE_INTDIV, .address = 0x1234, .stack = {}}),
              "SIGFPE, integer division by zero, at 0x1234");
    EXPECT_EQ(words(Crash{.signal = SIGABRT, .code = SI_TKILL, .address = 0, .stack = {}}), "SIGABRT, abort");
    EXPECT_EQ(words(Crash{.signal = SIGSEGV, .code = SI_USER, .address = 77, .stack = {}}),
              "SIGSEGV, sent by a process")
        << "the address of a sent signal is no address";
}

TEST(ExitWords, EachKindSaysItsCause) {
    EXPECT_EQ(words(Exit{.kind = Exit::Kind::exited, .code = 0}, true), "exited with code 0 in the middle of the call");
    EXPECT_EQ(words(Exit{.kind = Exit::Kind::exited, .code = 3}, false), "exited with code 3");
    EXPECT_EQ(words(Exit{.kind = Exit::Kind::signaled, .signal = SIGTERM}, true), "SIGTERM");
    EXPECT_EQ(words(Exit{.kind = Exit::Kind::protocol_error, .why = "sent nonsense"}, true),
              "broke the protocol: sent nonsense");
    EXPECT_EQ(words(Exit{.kind = Exit::Kind::setup_failed, .step = "load", .why = "no such file"}, false),
              "did not start (load): no such file");
}

TEST(ExitWords, SignalsHaveNames) {
    EXPECT_EQ(signal_name(SIGSEGV), "SIGSEGV");
    EXPECT_EQ(signal_name(SIGKILL), "SIGKILL");
    EXPECT_EQ(signal_name(63), "signal 63");
}

}  // namespace
}  // namespace caisson::fleet
