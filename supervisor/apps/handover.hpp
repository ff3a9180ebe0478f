// SPDX-License-Identifier: Apache-2.0
/// What two supervisors say to each other while one takes the place of the other: messages of JSON with descriptors
/// that have names, on a SOCK_SEQPACKET pair. upgrade.hpp has the order in which they are said.
///
/// Both may be of different builds, so names and keys are added and never change their meaning; what one does not know
/// it leaves alone. What changes the order of things changes `handover_protocol`.
#pragma once

#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/loop.hpp"
#include "base/result.hpp"

namespace caisson::apps {

inline constexpr std::uint32_t handover_protocol = 1;
/// The environment variable that tells a new supervisor which of its descriptors is its end of the pair.
inline constexpr const char* handover_variable = "CAISSON_HANDOVER";

struct Message {
    struct Named {
        std::string name;
        Fd descriptor;
    };
    nlohmann::json document = nlohmann::json::object();  ///< with "type" in it
    std::vector<Named> descriptors = {};

    [[nodiscard]] std::string type() const { return text("type"); }
    /// Empty if there is no such text.
    [[nodiscard]] std::string text(const char* key) const;
    [[nodiscard]] std::uint64_t number(const char* key) const;
    [[nodiscard]] bool flag(const char* key) const;
    /// The first descriptor of this name; none if there is none left.
    [[nodiscard]] Fd take(std::string_view name);
    void add(std::string name, int descriptor);  ///< a duplicate of it
};

/// One datagram: its text, and what rides along.
struct Datagram {
    std::string text;
    std::vector<Fd> descriptors;
};
/// A document that is too large for a datagram goes into a memfd.
[[nodiscard]] Result<Datagram> encode(Message message);
[[nodiscard]] Result<Message> decode(Datagram datagram);

/// A memfd with these bytes, and the bytes of one (at most `most`).
[[nodiscard]] Result<Fd> memory_of(std::string_view bytes);
[[nodiscard]] Result<std::string> bytes_of(const Fd& memory, std::size_t most);

/// One end of the pair, on the loop. What the socket does not take waits here.
class Line {
   public:
    struct Handlers {
        std::function<void(Message)> on_message;
        /// The other side has closed, or talks nonsense. Called once, and nothing after it.
        std::function<void(const std::string& why)> on_end;
    };
    Line(Loop& loop, Fd socket, Handlers handlers);
    ~Line() { *alive_ = false; }

    /// False if the other side is not there any more.
    bool send(Message message);
    /// Hears what has come, now.
    void listen() { on_readable(); }
    /// Everything has been sent.
    [[nodiscard]] bool idle() const { return waiting_.empty(); }
    /// Calls back once it is idle, or has ended.
    void on_idle(std::function<void()> callback);

    /// The next message of a blocking socket, for one that has no loop yet.
    [[nodiscard]] static Result<Message> receive(const Fd& socket, Duration patience);
    /// Sends one, as far as it goes.
    static void say(const Fd& socket, Message message);

   private:
    void on_readable();
    void send_waiting();
    void end(const std::string& why);

    Loop& loop_;
    Fd socket_;
    Handlers handlers_;
    Loop::Watch watch_;
    Loop::Timer retry_timer_;
    std::deque<Datagram> waiting_;  // bounded by the sessions of a service
    bool waiting_writable_ = false;
    std::function<void()> on_idle_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace caisson::apps
