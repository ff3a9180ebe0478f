// SPDX-License-Identifier: Apache-2.0
/// A stream socket that carries frames, on the loop: reads are cut into frames, writes of one turn leave together.
///
/// Descriptors ride along with detached frames (wire/frame.hpp): those that came wait in order until the frame that
/// speaks of them is handled.
///
/// A thousand quiet channels cost little: what comes is read into the loop's scratch and cut into frames right there;
/// only the beginning of a frame whose end has not come, or what waits in a pause, has memory of the channel's own.
///
/// Used on the loop's thread. The handlers may call anything of the channel but must not destroy it: close it, and let
/// go of it in a later turn. After `close`, and after `on_end`, no handler is called any more.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/fd.hpp"
#include "base/loop.hpp"
#include "wire/codec.hpp"

namespace caisson {

class Channel {
   public:
    /// Why a channel ended.
    struct Ending {
        enum class Kind : std::uint8_t {
            closed,   ///< the peer closed in good order, between two frames
            cut_off,  ///< the peer closed in the middle of a frame
            garbage,  ///< what came is no sequence of frames
            error,    ///< the socket failed
        };
        Kind kind{};
        std::string text;  ///< for people
    };
    struct Handlers {
        std::function<void(const wire::Frame&)> on_frame;
        std::function<void(const Ending&)> on_end;
        std::function<void()> on_drained = {};  ///< everything that waited has been written
        std::function<void()> on_gone = {};     ///< the peer has closed, and reading is paused: the end may be far
    };

    /// What a channel was in the middle of, for whoever goes on with its socket.
    struct Rest {
        Fd socket;
        wire::Buffer received;                ///< and not handled: begins with a frame
        std::deque<Fd> received_descriptors;  ///< of frames that have not been handled
        wire::Buffer unsent;
    };

    /// Takes a connected, non-blocking stream socket.
    Channel(Loop& loop, Fd socket, Handlers handlers);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// Appends one frame to what leaves at the end of this turn.
    void send(const wire::Header& header, std::string_view head = {}, std::string_view head_rest = {},
              std::span<const std::byte> body = {});
    /// The same with a memfd as its body: sets flag::detached. The descriptor is duplicated; false if that fails, and
    /// nothing is sent.
    [[nodiscard]] bool send_memory(wire::Header header, std::string_view head, std::string_view head_rest,
                                   const Fd& memory, std::uint64_t memory_bytes);
    /// Bytes that wait to be written.
    [[nodiscard]] std::size_t waiting_bytes() const { return out_.size() - out_begin_; }
    /// Descriptors that wait to be sent.
    [[nodiscard]] std::size_t waiting_descriptors() const { return out_descriptors_.size(); }
    /// Writes what waits as far as the socket takes it, now.
    void flush();

    /// While paused nothing is read, and frames that have been read wait.
    void pause_reading();
    void resume_reading();
    [[nodiscard]] bool paused() const { return paused_; }
    /// The descriptor that belongs to the detached frame in hand; none if the peer sent none.
    [[nodiscard]] Fd take_descriptor();

    /// Bytes of the peer's stream that were cut into frames so far.
    [[nodiscard]] std::uint64_t stream_offset() const { return stream_offset_; }
    /// Bytes that the peer wrote at `stream_offset()` and that were found elsewhere (in its black box). They are
    /// handled now, and dropped when they arrive. Works after the end of the stream too: what was cut off is completed.
    void take_ahead(std::span<const std::byte> bytes);
    /// Reads everything that has arrived, now, without waiting. Ends at end of stream, which is not reported.
    void drain();
    /// The same for a peer that lives: an end of the stream is reported.
    void read_all();

    /// Memory of its own for what has come and is not handled.
    [[nodiscard]] std::size_t memory_bytes() const { return reader_.memory_bytes(); }

    /// Gives its socket up, as after `close`. No descriptor may wait to be sent.
    [[nodiscard]] Rest release();
    /// Goes on where another has stopped; before anything else is done with this one, which was made with its socket.
    void resume(Rest rest);

    /// Closes the socket. No handler is called any more.
    void close();
    [[nodiscard]] bool closed() const { return !socket_; }

   private:
    void on_readable();
    void feed_at_end_of_turn();
    [[nodiscard]] bool read_once();  // true if something came
    [[nodiscard]] bool read_into_own();
    [[nodiscard]] std::optional<std::size_t> receive(std::span<std::byte> room);
    [[nodiscard]] ssize_t receive_some(std::span<std::byte> room);
    [[nodiscard]] std::size_t known_of(std::size_t count);
    [[nodiscard]] bool take_news(std::size_t count);
    [[nodiscard]] ssize_t send_some();
    void feed_frames();
    void on_hang_up();
    void tell_gone();
    void hang_up();
    void end(Ending::Kind kind, std::string text);
    void flush_at_end_of_turn();

    Loop& loop_;
    Fd socket_;
    Handlers handlers_;
    Loop::Watch watch_;
    Loop::Timer retry_timer_;  // of a descriptor that the kernel does not take yet
    wire::FrameReader reader_;
    struct Riding {
        std::uint64_t offset;  // in the stream: of the first byte of its frame
        Fd descriptor;
    };

    wire::Buffer out_;
    std::size_t out_begin_ = 0;
    std::uint64_t sent_ = 0;              // bytes of the stream that were written
    std::deque<Riding> out_descriptors_;  // to leave with the byte at their offset
    std::deque<Fd> in_descriptors_;       // came, and not taken
    std::uint64_t stream_offset_ = 0;
    std::uint64_t ahead_ = 0;  // bytes handled by take_ahead and still to arrive
    bool flush_due_ = false;
    bool waiting_writable_ = false;
    bool draining_ = false;
    bool muted_ = false;  // closed by its owner
    bool paused_ = false;
    bool feed_due_ = false;
    bool peer_gone_ = false;
    bool told_gone_ = false;
    bool filled_ = false;  // the last read: there may be more at once
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace caisson
