// SPDX-License-Identifier: Apache-2.0
/// What the supervisor and its keeper say to each other: datagrams on one SOCK_SEQPACKET pair, orders one way, notices
/// back. Both come from one build, so the structs are the protocol.
///
/// The keeper is a small single-threaded process: child of the supervisor, parent of every worker. It exists because
///  - a parent-death signal follows the *thread* that forked, and a fork copies the page tables of its caller: neither
///    should depend on the program that the engine lives in;
///  - a process that a plugin leaves behind (double fork, setsid) is adopted by the nearest ancestor that asked for it
///    (PR_SET_CHILD_SUBREAPER). That is the worker while it lives and the keeper after it, so every child that the
///    keeper does not know is a stray, and is killed;
///  - when the supervisor dies, by SIGKILL too, somebody must be left to end all of it, without any privilege.
/// If the keeper itself dies, the workers die with it (parent-death signal), and the supervisor starts a new one.
///
/// All programs of one supervisor are of one build, whatever is installed in their place while it runs: the supervisor
/// opens them when it starts, and hands them to each keeper that it starts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace caisson::keeper {

/// The keeper's end of the pair.
inline constexpr int order_descriptor = 3;
/// The first of the files of what the keeper may start, as in `program_files`.
inline constexpr int first_program_descriptor = 4;
/// Descriptors that a spawned program gets, numbered from 0.
inline constexpr std::size_t max_descriptors = 6;
/// Bytes of one datagram: a header, and the program's arguments and environment.
inline constexpr std::size_t max_order_bytes = 64 * 1024;

enum class OrderType : std::uint32_t {
    spawn = 1,   ///< start a program; descriptors 0…n-1 ride along
    copy = 3,    ///< let the zygote `zygote` make a copy, whose name is in the strings; descriptors 0…n-1 ride along
    signal = 2,  ///< send `number` to the whole process group of `id`
};

/// What the keeper may start.
enum class Program : std::uint32_t { worker = 0, symbolizer = 1, zygote = 2 };
/// The files of it, and which of them each program is.
inline constexpr const char* program_files[] = {"caisson-worker", "caisson-symbolizer"};
inline constexpr std::size_t file_of_program[] = {0, 1, 0};

struct Order {
    OrderType type{};
    std::uint32_t number = 0;          ///< spawn: Program; signal: the signal
    std::uint64_t id = 0;              ///< chosen by the supervisor, never reused
    std::uint32_t argument_bytes = 0;  ///< spawn: zero-terminated strings after the header
    std::uint32_t environment_bytes = 0;
    std::uint64_t zygote = 0;  ///< copy: the id of a spawned zygote
};

enum class NoticeType : std::uint32_t {
    spawned = 1,       ///< `pid`; its pidfd rides along
    spawn_failed = 2,  ///< `status` is errno
    paused = 4,        ///< a signal has stopped it
    continued = 5,     ///< it goes on
    exited = 3,        ///< `code` and `status` as of waitid; it has been reaped, its process group is gone
};

struct Notice {
    NoticeType type{};
    std::int32_t pid = 0;
    std::uint64_t id = 0;
    std::int32_t code = 0;    ///< CLD_EXITED, CLD_KILLED or CLD_DUMPED
    std::int32_t status = 0;  ///< exit code or signal
    std::int64_t max_rss_bytes = 0;
};

}  // namespace caisson::keeper
