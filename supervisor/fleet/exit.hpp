// SPDX-License-Identifier: Apache-2.0
/// How a worker ended: a value with exactly one cause. The first cause that the supervisor knew of wins: a worker that
/// is killed because it broke the protocol ended by protocol_error, not by SIGKILL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caisson::fleet {

/// One return address of a crash. `module` is empty where the address lies in none.
struct StackAddress {
    std::uint64_t address = 0;
    std::uint64_t offset = 0;  ///< in the module
    std::string module;        ///< its path
    bool operator==(const StackAddress&) const = default;
};

/// What the black box says about a fatal signal.
struct Crash {
    int signal = 0;
    int code = 0;  ///< si_code
    std::uint64_t address = 0;
    std::vector<StackAddress> stack;  ///< the place of the fault first
};

struct Exit {
    enum class Kind : std::uint8_t {
        exited,          ///< by itself, with `code`
        signaled,        ///< by `signal`
        killed,          ///< by the supervisor; `why` says for what
        protocol_error,  ///< sent what no worker sends; `why`
        setup_failed,    ///< never became ready; `step` and `why`
    };
    Kind kind = Kind::exited;
    int code = 0;
    int signal = 0;
    std::string step = {};
    std::string why = {};
    std::optional<Crash> crash = {};
    std::int64_t max_rss_bytes = 0;
};

[[nodiscard]] std::string_view word(Exit::Kind kind);
/// "SIGSEGV"; "signal 77" for numbers without a name.
[[nodiscard]] std::string signal_name(int signal);
/// "address not mapped", "division by zero", …: si_code in words; empty where it says nothing.
[[nodiscard]] std::string_view code_words(int signal, int code);
/// "SIGSEGV, address not mapped, at 0x0".
[[nodiscard]] std::string words(const Crash& crash);
/// The exit in one line for people. `in_call`: it ended while a call ran.
[[nodiscard]] std::string words(const Exit& exit, bool in_call);

}  // namespace caisson::fleet
