// SPDX-License-Identifier: Apache-2.0
/// The service's socket: made safely, taken over from a dead service, and accepted from within bounds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "base/result.hpp"
#include "settings/settings.hpp"

namespace caisson::control {

class Listener {
   public:
    /// Binds `path`. Makes its folder if that is missing (mode 0755: the socket's own mode decides who gets in), holds
    /// a lock beside it for as long as it lives, and replaces a socket only if its service is dead.
    [[nodiscard]] static Result<Listener> bind(const std::filesystem::path& path, const settings::Access& access);
    /// Binds an address of TCP, with a number for a host; port 0 is one that is free.
    [[nodiscard]] static Result<Listener> bind(const std::string& host, std::uint16_t port);
    /// Goes on with the socket and the lock of another process, which still has them: leaves both alone until `claim`.
    /// One without a path is of TCP, and has no lock.
    [[nodiscard]] static Result<Listener> inherit(Fd lock, Fd socket, const std::filesystem::path& path, bool ours);
    /// Takes a socket that the service manager has opened, or kept (`ours`: it is the service's own, to be removed at
    /// its end). Takes the lock beside it.
    [[nodiscard]] static Result<Listener> adopt(Fd socket, bool ours);
    Listener(Listener&&) noexcept = default;
    Listener& operator=(Listener&&) noexcept = default;
    ~Listener();

    /// Calls back with each new connection, non-blocking.
    void accept(Loop& loop, Log& log, std::function<void(Fd)> on_connection);
    /// Takes no connections until `accept` is called again; they wait in the kernel.
    void pause() { watch_ = {}; }
    /// From now on it belongs to this process: clients see its pid, and so does whoever looks into the lock.
    Result<void> claim();
    /// Closes it and leaves it to another process, which has claimed it.
    void leave();
    /// Takes no more connections and removes the socket, if it is the service's own.
    void close();
    /// The port that it has; 0 if it is a Unix socket.
    [[nodiscard]] std::uint16_t port() const;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] const Fd& socket() const { return socket_; }
    [[nodiscard]] const Fd& lock() const { return lock_; }
    /// Not the service manager's.
    [[nodiscard]] bool ours() const { return ours_; }

   private:
    Listener(Fd lock, Fd socket, std::filesystem::path path);
    void accept_ready();
    void refuse_one();

    Fd lock_;
    Fd socket_;
    Fd reserve_;                  // given up for a moment when descriptors run out, to turn a waiting client away
    std::filesystem::path path_;  // empty: of TCP
    bool ours_ = true;
    bool claimed_ = true;
    Log* log_ = nullptr;
    std::function<void(Fd)> on_connection_;
    Loop::Watch watch_;
};

}  // namespace caisson::control
