// SPDX-License-Identifier: Apache-2.0
/// One client's connection: handshake, its calls, its requests, and the bounds that keep it from hurting others.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/channel.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "control/access.hpp"
#include "control/open_calls.hpp"
#include "control/requests.hpp"
#include "dispatch/dispatcher.hpp"

namespace caisson::control {

class Session final : private dispatch::Receiver {
   public:
    /// A session that leaves for another process, which goes on with it; the client notices nothing.
    struct Parcel {
        Channel::Rest rest;
        bool greeted = false;
    };

    /// What a session needs of the service.
    struct Service {
        Loop& loop;
        Log& log;
        dispatch::Dispatcher& dispatcher;
        Requests& requests;
        const Access& access;
        const settings::Service& settings;
        std::function<void(Session&)> on_end;                   ///< may destroy the session in a later turn
        std::function<void(Session&, Parcel)> on_leaving = {};  ///< the same
    };

    Session(Service& service, Fd socket, Peer peer);
    /// Goes on with a session of another process.
    Session(Service& service, Parcel parcel, Peer peer);
    ~Session();

    [[nodiscard]] const Peer& peer() const { return peer_; }
    /// Says goodbye and ends. `reason` is a word for programs: version, protocol, denied, bound, timeout, stopping.
    void end(std::string_view reason, std::string_view message);
    /// Begins nothing more for the client but what it says of calls that run, and leaves (`on_leaving`) when these have
    /// ended.
    void hand_over();
    /// Bytes that the client has not taken yet.
    [[nodiscard]] std::size_t waiting_bytes() const { return channel_.waiting_bytes(); }

   private:
    void on_chunk(std::uint64_t id, wire::Encoding encoding, std::span<const std::byte> bytes) override;
    void on_progress(std::uint64_t id, double fraction, std::string_view note) override;
    void on_outcome(std::uint64_t id, dispatch::ItemRange items, const dispatch::Outcome& outcome) override;
    void on_room() override;

    void on_frame(const wire::Frame& frame);
    void on_hello(const wire::Frame& frame);
    void on_call(const wire::Frame& frame);
    void on_cancel(std::uint64_t id);
    void submit(const wire::Frame& frame, Fd memory);
    void park(const wire::Frame& frame, Fd memory);
    void leave_if_idle();
    void give();
    void choose_reading();
    [[nodiscard]] bool out_of_bounds(const dispatch::Request& request, std::uint64_t id);
    void send_outcome(std::uint64_t id, dispatch::ItemRange items, const dispatch::Outcome& outcome);
    void send_one_by_one(std::uint64_t id, dispatch::ItemRange items, dispatch::Outcome outcome);
    void add_to_run(std::uint64_t id, dispatch::ItemRange items, const dispatch::Outcome& outcome);
    void send_run();
    void on_request(const wire::Frame& frame);
    void check_output();
    void hold(bool held);
    void on_drained();
    void on_gone();
    void watch_idle();
    void leave();
    void abandon_calls();

    Service& service_;
    Peer peer_;
    Channel channel_;
    Loop::Timer timer_;  // of the handshake, then of idleness
    // The frame of a call that did not fit into its queue: nothing behind it is read until it does. Or what came when
    // the session was about to leave.
    struct Parked {
        wire::Header header;
        std::vector<std::byte> payload;
        Fd memory;
    };
    // Items of one batch, one after the other, that are ok and have not left yet: they leave as one frame.
    struct Run {
        std::uint64_t id = 0;
        std::uint32_t first = 0;
        std::uint32_t count = 0;
        wire::Encoding encoding{};
        wire::Buffer records;
    };

    OpenCalls calls_;
    std::size_t items_ = 0;     // of calls_
    std::size_t requests_ = 0;  // without a reply
    std::optional<Parked> parked_;
    Run run_;
    bool run_due_ = false;
    bool held_ = false;  // it does not take what it got
    bool gone_ = false;  // the client is no more; what it had said is still read
    bool greeted_ = false;
    bool leaving_ = false;
    bool ended_ = false;
    TimePoint last_frame_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace caisson::control
