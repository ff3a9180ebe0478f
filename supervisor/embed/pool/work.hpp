// SPDX-License-Identifier: Apache-2.0
/// What stands between the typed functions of a pool and the library: bodies go in, outcomes come out, and no type is
/// known. Not for users.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "failure.hpp"
#include "options.hpp"
#include "values.hpp"

namespace caisson::detail {

class Work;
using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // none: for ever

/// Called on the callback thread.
struct Listeners {
    std::function<void(Work& work)> on_end = {};
    std::function<void(double fraction, const std::string& note)> on_progress = {};
    std::function<void(std::string_view bytes)> on_piece = {};
};

/// What kind of thing is handed over.
enum class Shape : std::uint8_t {
    call,       ///< one
    map,        ///< many; the first that fails ends the others
    map_all,    ///< many, each for itself
    stream,     ///< many, taken one by one in their order, while others are added
    unordered,  ///< many, taken one by one in the order of their ends
};

struct Plan {
    Shape shape = Shape::call;
    CallTerms terms = {};
    Listeners listeners = {};
    std::optional<std::size_t> chunk = {};
    bool lends = false;         ///< bodies live until `wait` returns: they need no copy
    bool caller_waits = false;  ///< whoever hands it over does nothing before `wait`
};

/// How one item ended. The bytes are the Work's, or the result's.
struct Item {
    BodyEncoding encoding = BodyEncoding::bytes;
    std::string_view bytes = {};
    const CallResult* result = nullptr;  ///< what is more than a few bytes that are ok
    [[nodiscard]] bool ok() const { return result == nullptr || result->outcome == Outcome::ok; }
};

/// Calls of one method that were asked for together, and their outcomes. Filled by one thread; the rest may be called
/// by any.
class Work {
   public:
    Work() = default;
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    virtual ~Work() = default;

    /// Another item. What is complete is sent, which may wait for room.
    virtual void add(const Encoded& body) = 0;
    /// Many at once, packed and of equal size: `values`, cut into pieces of `value_bytes`.
    virtual void add_packed(std::span<const std::byte> values, std::size_t value_bytes) = 0;
    /// Sends what was added.
    virtual void send() = 0;
    /// That was all, and it is sent.
    virtual void seal() = 0;

    /// Waits until everything that was added has ended; false when the deadline came first.
    [[nodiscard]] virtual bool wait(Deadline deadline) = 0;
    /// Waits for the end of an item that was not taken yet, by the shape the next or any. Nothing: there is none.
    [[nodiscard]] virtual std::optional<std::size_t> wait_next() = 0;
    /// An item that has ended.
    [[nodiscard]] virtual Item item(std::size_t index) = 0;
    /// Copies the outputs of items that have ended, from `first` on and one after the other, for as long as they are
    /// ok, packed and of `value_bytes` each, and fit into `to`. How many these were.
    [[nodiscard]] virtual std::size_t copy_packed(std::size_t first, std::size_t value_bytes,
                                                  std::span<std::byte> to) = 0;
    /// An item that has ended, moved out: for a work of one call, once.
    [[nodiscard]] virtual CallResult take() = 0;
    /// Forgets an item of a stream.
    virtual void drop(std::size_t index) = 0;
    [[nodiscard]] virtual std::size_t items() const = 0;
    /// The first item that did not end ok, of those that ended by themselves.
    [[nodiscard]] virtual std::optional<std::size_t> first_failed() const = 0;

    virtual void cancel() = 0;
    /// As last reported by the method, or the part of the items that has ended.
    [[nodiscard]] virtual Progress progress() const = 0;
};

/// A pool as its users share it.
class Core {
   public:
    Core() = default;
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;
    virtual ~Core() = default;

    /// Throws a PoolError if the plugin has none of this name.
    [[nodiscard]] virtual const MethodInfo& method(std::string_view name) = 0;
    /// Throws a PoolError if the plan cannot be or the pool is closed.
    [[nodiscard]] virtual std::shared_ptr<Work> begin(const MethodInfo& method, Plan plan) = 0;
};

/// A result that is no T.
[[nodiscard]] Failure unreadable(const std::string& method, const std::string& why, std::optional<std::size_t> index);

/// An item as a T.
template <class T>
[[nodiscard]] std::expected<T, Failure> read_item(Work& work, std::size_t index, const Decoder<T>& decoder,
                                                  const std::string& method, bool numbered) {
    const auto number = numbered ? std::optional{index} : std::nullopt;
    const Item item = work.item(index);
    if (!item.ok()) return std::unexpected(Failure{*item.result, number});
    auto value = decoder(item.encoding, item.bytes);
    if (!value) return std::unexpected(unreadable(method, value.error(), number));
    if constexpr (std::is_void_v<T>) {
        return {};
    } else {
        return std::move(*value);
    }
}

/// All items as Ts, or the failure of the first that has one.
template <class T>
[[nodiscard]] std::expected<std::vector<T>, Failure> read_all(Work& work, const Decoder<T>& decoder,
                                                              const std::string& method) {
    if (const auto failed = work.first_failed()) return std::unexpected(Failure{*work.item(*failed).result, *failed});
    std::vector<T> values;
    values.reserve(work.items());
    while (values.size() < work.items()) {
        const auto index = values.size();
        if constexpr (face::Scalar<T>) {
            if (decoder.as_it_is()) {
                values.resize(work.items());
                const auto rest = std::as_writable_bytes(std::span{values}.subspan(index));
                values.resize(index + work.copy_packed(index, sizeof(T), rest));
                if (values.size() > index) continue;
            }
        }
        auto value = read_item(work, index, decoder, method, true);
        if (!value) return std::unexpected(std::move(value.error()));
        values.push_back(std::move(*value));
    }
    return values;
}

/// Each item as a T or its failure.
template <class T>
[[nodiscard]] std::vector<std::expected<T, Failure>> read_each(Work& work, const Decoder<T>& decoder,
                                                               const std::string& method) {
    std::vector<std::expected<T, Failure>> results;
    results.reserve(work.items());
    while (results.size() < work.items()) {
        if constexpr (face::Scalar<T>) {
            std::array<T, 256> some;
            const auto count = decoder.as_it_is() ? work.copy_packed(results.size(), sizeof(T),
                                                                     std::as_writable_bytes(std::span{some}))
                                                  : 0;
            for (std::size_t i = 0; i < count; ++i) results.emplace_back(some[i]);
            if (count > 0) continue;
        }
        results.push_back(read_item<T>(work, results.size(), decoder, method, true));
    }
    return results;
}

}  // namespace caisson::detail
