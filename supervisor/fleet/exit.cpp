// SPDX-License-Identifier: Apache-2.0
#include "fleet/exit.hpp"

#include <array>
#include <csignal>
#include <cstring>

#include "base/text.hpp"

namespace caisson::fleet {
namespace {

struct CodeWords {
    int signal;
    int code;
    std::string_view words;
};

// sigaction(2), si_code.
constexpr auto code_table = std::to_array<CodeWords>({
    {SIGSEGV, SEGV_MAPERR, "address not mapped"},
    {SIGSEGV, SEGV_ACCERR, "no permission for the address"},
    {SIGSEGV, SI_KERNEL, "address not canonical or not known"},
    {SIGBUS, BUS_ADRALN, "address not aligned"},
    {SIGBUS, BUS_ADRERR, "no memory behind the address (a mapped file was cut?)"},
    {SIGBUS, BUS_OBJERR, "hardware error"},
    {SIGFPE, FPE_INTDIV, "integer division by zero"},
    {SIGFPE, FPE_INTOVF, "integer overflow"},
    {SIGFPE, FPE_FLTDIV, "floating-point division by zero"},
    {SIGFPE, FPE_FLTOVF, "floating-point overflow"},
    {SIGFPE, FPE_FLTUND, "floating-point underflow"},
    {SIGFPE, FPE_FLTRES, "floating-point inexact result"},
    {SIGFPE, FPE_FLTINV, "invalid floating-point operation"},
    {SIGILL, ILL_ILLOPC, "illegal opcode"},
    {SIGILL, ILL_ILLOPN, "illegal operand"},
    {SIGILL, ILL_PRVOPC, "privileged opcode"},
    {SIGTRAP, TRAP_BRKPT, "breakpoint"},
});

// Whether si_addr means something.
bool has_address(const Crash& crash) {
    if (crash.code <= 0) return false;  // sent by a process: kill, raise, abort
    if (crash.signal == SIGSEGV) return crash.code != SI_KERNEL;
    return crash.signal == SIGBUS || crash.signal == SIGFPE || crash.signal == SIGILL;
}

}  // namespace

std::string_view word(Exit::Kind kind) {
    switch (kind) {
        case Exit::Kind::exited:
            return "exited";
        case Exit::Kind::signaled:
            return "signaled";
        case Exit::Kind::killed:
            return "killed";
        case Exit::Kind::protocol_error:
            return "protocol_error";
        case Exit::Kind::setup_failed:
            return "setup_failed";
    }
    return "exited";
}

std::string signal_name(int signal) {
    if (const char* const name = ::sigabbrev_np(signal)) return cat("SIG", name);
    return cat("signal ", signal);
}

std::string_view code_words(int signal, int code) {
    for (const auto& row : code_table)
        if (row.signal == signal && row.code == code) return row.words;
    if (signal == SIGABRT) return "abort";
    if (code == SI_USER || code == SI_TKILL || code == SI_QUEUE) return "sent by a process";
    return {};
}

std::string words(const Crash& crash) {
    std::string out = signal_name(crash.signal);
    if (const auto code = code_words(crash.signal, crash.code); !code.empty()) out += cat(", ", code);
    if (has_address(crash)) out += cat(", at ", hex(crash.address));
    return out;
}

std::string words(const Exit& exit, bool in_call) {
    switch (exit.kind) {
        case Exit::Kind::exited:
            return cat("exited with code ", exit.code, in_call ? " in the middle of the call" : "");
        case Exit::Kind::signaled:
            if (exit.crash && exit.crash->signal == exit.signal) return words(*exit.crash);
            return exit.signal == SIGKILL ? std::string{"SIGKILL, sent by a process or by the kernel (out of memory?)"}
                                          : signal_name(exit.signal);
        case Exit::Kind::killed:
            return cat("killed by the supervisor: ", exit.why);
        case Exit::Kind::protocol_error:
            return cat("broke the protocol: ", exit.why);
        case Exit::Kind::setup_failed:
            return cat("did not start (", exit.step, "): ", exit.why);
    }
    return {};
}

}  // namespace caisson::fleet
