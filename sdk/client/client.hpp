// SPDX-License-Identifier: Apache-2.0
/// The C++ client of a running service: connects to its socket, makes calls, and operates it.
///
/// A Client is one session. It is used by one thread at a time; it starts no thread and installs no handler. Functions
/// that wait take a deadline or use the call's own, and every error is a value. A call that was submitted ends with
/// exactly one `Done` event, also when the service goes away (then as `crashed` with exit kind "service_lost").
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace caisson {

/// How a call ended.
enum class Outcome : std::uint8_t { ok = 0, failed = 1, crashed = 2, timed_out = 3, cancelled = 4, refused = 5 };

/// "ok", "failed", …
[[nodiscard]] std::string_view word(Outcome outcome);

/// What the bytes of a body mean.
enum class BodyEncoding : std::uint8_t { bytes = 0, json = 1, packed = 2 };

/// One call to make. The views must live until `submit` or `call` returns; the bytes are copied.
struct CallRequest {
    std::string_view target;               ///< "pool.method"
    std::span<const std::byte> body = {};  ///< above 64 KiB it travels as a memfd, which the client fills and seals
    /// Instead of `body`: a memfd of the caller's own, sealed against every change; borrowed until the function
    /// returns.
    int memory = -1;
    BodyEncoding encoding = BodyEncoding::bytes;
    std::string_view params = {};                           ///< a JSON object, or nothing; at most 64 KiB
    std::optional<std::chrono::milliseconds> timeout = {};  ///< empty: the pool's; 0: none
    /// How `submit` hands out what the method writes. False: all of it in the Done event. True: as Piece events while
    /// it comes, the method going no faster than they are taken, and the Done event's output is empty. `call` collects.
    bool stream = false;
    int priority = 0;                           ///< -10 to 10; larger goes first
    std::optional<std::uint32_t> retries = {};  ///< 0 to 100; empty: as the pool says
    bool keep = false;                          ///< goes on when this session ends; nobody hears of its outcome then
};

/// The bodies of many calls of one method that travel together. Each is a call of its own: it has its own outcome, a
/// crash hits only the one that ran, and workers take as many at a time as is good for them.
class Batch {
   public:
    static constexpr std::size_t max_items = 4096;
    static constexpr std::size_t max_bytes = std::size_t{1024} * 1024;

    /// False if it does not fit any more; an item that does not fit into an empty batch is a call of its own.
    [[nodiscard]] bool add(std::span<const std::byte> body);
    void clear();
    [[nodiscard]] std::uint32_t size() const { return count_; }
    /// As they stand on the wire.
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

   private:
    std::vector<std::byte> bytes_;
    std::uint32_t count_ = 0;
};

/// Bytes that another process wrote and nobody can change any more: a sealed memfd, mapped for reading.
class Memory {
   public:
    /// Takes the descriptor and maps it. Nothing if it cannot be mapped.
    [[nodiscard]] static std::shared_ptr<const Memory> map(int descriptor, std::size_t size_bytes);
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    ~Memory();
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
    /// To hand on; stays this object's.
    [[nodiscard]] int descriptor() const { return descriptor_; }

   private:
    Memory(int descriptor, std::span<const std::byte> bytes) : descriptor_(descriptor), bytes_(bytes) {}
    int descriptor_;
    std::span<const std::byte> bytes_;
};

/// How a call ended, and with what.
struct CallResult {
    Outcome outcome = Outcome::ok;
    std::string output = {};  ///< what the method wrote, if nobody took it piece by piece and it is not in `memory`
    BodyEncoding encoding = BodyEncoding::bytes;
    std::string message = {};    ///< one line for people; empty when ok
    std::string json = {};       ///< the whole outcome as a JSON document (docs/wire.md); empty when ok
    std::uint32_t attempts = 0;  ///< how often the method was started
    /// An output above 64 KiB, as the worker wrote it: not copied on its way.
    std::shared_ptr<const Memory> memory = {};

    /// The output, wherever it is.
    [[nodiscard]] std::string_view bytes() const {
        if (!memory) return output;
        return {reinterpret_cast<const char*>(memory->bytes().data()), memory->bytes().size()};
    }
};

/// Why there is no session, or no longer one.
struct ClientError {
    enum class Kind : std::uint8_t {
        no_service,  ///< nobody listens there
        denied,      ///< no rights to reach the socket, or the service said no
        protocol,    ///< the peer does not speak this protocol, or no common version
        lost,        ///< the session ended
        too_large,   ///< a body, params or a target over the bound, which the message names
        invalid,     ///< a request that cannot be: a priority or retries out of range, a memfd that is not sealed
        timeout,     ///< nothing came within the caller's patience; the session goes on
    };
    Kind kind{};
    std::string message;
};

/// A part of the output of a call that was submitted with `stream`. Its last part comes before its Done.
struct Piece {
    std::uint64_t call = 0;
    std::string_view bytes;  ///< valid until the next function of the client
};
struct Progress {
    std::uint64_t call = 0;
    double fraction = 0;
    std::string note;
};
struct Done {
    std::uint64_t call = 0;
    CallResult result;
    /// Of a batch: the first item that ended so, and how many from there on.
    std::uint32_t first = 0;
    std::uint32_t count = 1;
};
/// Items of a batch, one after the other, that ended ok.
struct Items {
    std::uint64_t call = 0;
    std::uint32_t first = 0;
    BodyEncoding encoding = BodyEncoding::bytes;
    std::vector<std::string_view> outputs;  ///< one for each item; valid until the next function of the client
};
using Event = std::variant<Piece, Progress, Done, Items>;

class Client {
   public:
    /// Where the service is by default: CAISSON_SOCKET, else caisson/caisson.sock in the user's runtime directory (for
    /// root: in /run).
    [[nodiscard]] static std::filesystem::path default_socket();

    /// Connects and shakes hands, within `patience`.
    [[nodiscard]] static std::expected<Client, ClientError> connect(
        const std::filesystem::path& socket = default_socket(),
        std::chrono::milliseconds patience = std::chrono::seconds{5});

    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    /// Makes one call and waits for its end.
    [[nodiscard]] std::expected<CallResult, ClientError> call(const CallRequest& request);

    /// Puts a call into the send buffer and returns its number. Nothing is waited for; `flush` and `next` send.
    [[nodiscard]] std::expected<std::uint64_t, ClientError> submit(const CallRequest& request);
    /// The same for a batch, all of whose items share the request's target, params and options (its `body`, `memory`
    /// and `stream` are not looked at). Each item ends in one Items or Done event.
    [[nodiscard]] std::expected<std::uint64_t, ClientError> submit(const CallRequest& request, const Batch& batch);
    /// Asks the service to give up a call or what is left of a batch. Done events still come.
    void cancel(std::uint64_t call);
    /// Writes what is in the send buffer as far as the socket takes it, without waiting.
    [[nodiscard]] std::expected<void, ClientError> flush();
    /// Bytes in the send buffer that the socket has not taken: with some left, a loop of the caller's own also waits
    /// until the descriptor is writable.
    [[nodiscard]] std::size_t unsent() const;
    /// The next event. Nothing when `patience` ran out; an error only when all outstanding calls have had their Done.
    /// What is buffered is sent as soon as no event is at hand, so that many calls leave in one write.
    [[nodiscard]] std::expected<std::optional<Event>, ClientError> next(std::chrono::milliseconds patience);
    /// Calls that were submitted and have not ended; the items of a batch count one each.
    [[nodiscard]] std::size_t outstanding() const;
    /// The session's socket, for a loop of the caller's own: readable means that `next` has something to look at.
    /// Events that have already arrived do not make it readable: call `next(0ms)` until it has nothing before waiting.
    [[nodiscard]] int descriptor() const;

    /// Operates the service: a JSON request {"verb": "status", …} and its JSON answer. May be used while calls are out;
    /// their events wait for `next`. An answer that comes after `patience` is dropped.
    struct Answer {
        bool ok = false;  ///< false: the service refused; `json` has "message"
        std::string json;
    };
    [[nodiscard]] std::expected<Answer, ClientError> request(std::string_view json, std::chrono::milliseconds patience);

   private:
    struct State;
    explicit Client(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace caisson
