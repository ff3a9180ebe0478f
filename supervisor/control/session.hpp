// SPDX-License-Identifier: Apache-2.0
/// One client's connection: handshake, its calls, its requests, and the bounds that keep it from hurting others.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "base/channel.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "control/access.hpp"
#include "dispatch/dispatcher.hpp"

namespace caisson::control {

class Session final : private dispatch::Receiver {
   public:
    /// What a session needs of the service. `answer` handles a request: the reply, and whether it was done.
    struct Reply {
        bool ok = true;
        std::string json;
    };
    struct Service {
        Loop& loop;
        Log& log;
        dispatch::Dispatcher& dispatcher;
        const Access& access;
        const settings::Service& settings;
        std::function<Reply(const Peer&, std::string_view json)> answer;
        std::function<void(Session&)> on_end;  ///< may destroy the session in a later turn
    };

    Session(Service& service, Fd socket, Peer peer);
    ~Session();

    [[nodiscard]] const Peer& peer() const { return peer_; }
    /// Says goodbye and ends. `reason` is a word for programs: version, protocol, denied, bound, timeout, stopping.
    void end(std::string_view reason, std::string_view message);
    /// Bytes that the client has not taken yet.
    [[nodiscard]] std::size_t waiting_bytes() const { return channel_.waiting_bytes(); }

   private:
    void on_chunk(std::uint64_t id, wire::Encoding encoding, std::span<const std::byte> bytes) override;
    void on_progress(std::uint64_t id, double fraction, std::string_view note) override;
    void on_outcome(std::uint64_t id, const dispatch::Outcome& outcome) override;

    void on_frame(const wire::Frame& frame);
    void on_hello(const wire::Frame& frame);
    void on_call(const wire::Frame& frame);
    void on_request(const wire::Frame& frame);
    void check_output();
    void watch_idle();
    void leave();

    Service& service_;
    Peer peer_;
    Channel channel_;
    Loop::Timer timer_;  // of the handshake, then of idleness
    std::unordered_map<std::uint64_t, dispatch::CallToken> calls_;
    bool greeted_ = false;
    bool ended_ = false;
    TimePoint last_frame_;
};

}  // namespace caisson::control
