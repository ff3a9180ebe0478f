// SPDX-License-Identifier: Apache-2.0
/// One session from the inside: the calls that are out, the frames that come, and the events that they become.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/call_table.hpp"
#include "client/client.hpp"
#include "client/link.hpp"

namespace caisson::client {

/// What a Client holds. Each frame is checked before anything is believed of it; a service that breaks the protocol
/// ends the session, and with it every call that is out.
class Session {
   public:
    using Kind = ClientError::Kind;

    explicit Session(int descriptor) : link_(descriptor) {}

    [[nodiscard]] Link& link() { return link_; }
    [[nodiscard]] CallTable& calls() { return calls_; }
    /// Set once: the session is over.
    [[nodiscard]] const std::optional<ClientError>& error() const { return error_; }
    /// Items without an end that was handed out.
    [[nodiscard]] std::size_t outstanding() const;

    /// The next event that is already here.
    [[nodiscard]] std::optional<Event> at_hand();
    /// The next event among the frames that came; those that wait are left alone.
    [[nodiscard]] std::optional<Event> arrived();
    /// Lets an event wait, with the memory that it points into.
    void keep(Event event);
    [[nodiscard]] bool events_wait() const { return !waiting_.empty(); }
    /// The end of a call among the events that wait.
    [[nodiscard]] std::optional<CallResult> take_done(std::uint64_t call);
    /// Sends, and reads more, waiting for it if need be. False when the deadline came first.
    [[nodiscard]] bool more(Deadline deadline);

    /// The answer to the request of this number is waited for; 0: to none.
    void await_reply(std::uint64_t request);
    [[nodiscard]] std::optional<Client::Answer> take_answer() { return std::exchange(answer_, std::nullopt); }

   private:
    // An event that waits, with the memory that its views point into.
    struct Waiting {
        Event event;
        std::string bytes;
    };

    void lose(Kind kind, std::string why);
    void violated(std::string_view what);
    [[nodiscard]] std::optional<Event> take(const wire::Frame& frame);
    [[nodiscard]] std::optional<Event> on_chunk(const wire::Frame& frame);
    [[nodiscard]] std::optional<Event> on_progress(const wire::Frame& frame);
    [[nodiscard]] std::optional<Event> on_outcome(const wire::Frame& frame);
    [[nodiscard]] std::optional<Event> on_run(const wire::Frame& frame);
    void on_reply(const wire::Frame& frame);
    [[nodiscard]] bool take_memory(const wire::Frame& frame, CallResult& result);

    Link link_;
    CallTable calls_;
    std::deque<Waiting> waiting_;       // events that came while something else was waited for
    std::string handed_out_;            // what the event that was handed out last points into, if it had waited
    std::optional<Done> after_piece_;   // the Done of a call whose last Piece has just been handed out
    std::optional<ClientError> error_;  // set once
    std::uint64_t awaited_reply_ = 0;
    std::optional<Client::Answer> answer_;
};

}  // namespace caisson::client
