// SPDX-License-Identifier: Apache-2.0
/// Pools of worker processes inside a C++ program: the engine of Caisson on a thread of that program, no service
/// needed.
///
///     caisson::Pool pool{{.plugin = "math", .workers = 4}};
///     std::vector<std::int64_t> squares = pool.map<std::int64_t>("square", {1, 2, 3, 4, 5});
///
/// ## Threads and signals
/// Everything here may be used by any number of threads at once. The engine has a thread of its own, and one for
/// callbacks; both block all signals. No signal handler is installed, and no child is waited for but the engine's own
/// keeper, whoever else reaps it. A process that is forked from this one can use nothing of it: each function throws
/// PoolError there, and destructors do nothing.
///
/// ## Errors
/// A call that does not end ok is a Failure, as CallError or in a std::expected. What cannot be (a method that is not
/// there, a priority of 99, use after close) is a PoolError where it is said. Nothing else is thrown, but by callbacks.
///
/// ## Values
/// T is what the caller wants the result to be: a number, bool, std::string, a std::vector of these, caisson::Json, a
/// type with an nlohmann JSON conversion, std::vector<std::byte> for the bytes as they are, or void. Inputs are of such
/// types too, and travel packed where their type is what the method declares.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "pool/arguments.hpp"
#include "pool/engine.hpp"
#include "pool/failure.hpp"
#include "pool/future.hpp"
#include "pool/options.hpp"
#include "pool/process.hpp"
#include "pool/stream.hpp"
#include "pool/values.hpp"
#include "pool/work.hpp"

namespace caisson {

namespace detail {
class PoolCore;
class ServiceCore;
}  // namespace detail

/// The workers of one plugin, and their queue: here, or of a running service. Its destructor is `terminate`.
class Pool {
   public:
    /// With an engine of its own. Waits until the first worker is ready, and throws PoolError if none will be.
    explicit Pool(PoolOptions options) : Pool(Engine{}, std::move(options)) {}
    Pool(const Engine& engine, PoolOptions options);
    Pool(Pool&&) noexcept;
    Pool& operator=(Pool&&) noexcept;
    ~Pool();

    // ---- one call ----

    template <class T, class In = NoInput>
    T apply(std::string_view method, const In& input = {}, CallOptions<T> options = {}) {
        return start<T>(method, input, std::move(options), true).get();
    }
    template <class T, class In = NoInput>
    [[nodiscard]] std::expected<T, Failure> try_apply(std::string_view method, const In& input = {},
                                                      CallOptions<T> options = {}) {
        return start<T>(method, input, std::move(options), true).result();
    }
    template <class T, class In = NoInput>
    Future<T> apply_async(std::string_view method, const In& input = {}, CallOptions<T> options = {}) {
        return start<T>(method, input, std::move(options), false);
    }

    // The same with a list as the input.
    template <class T, class In>
    T apply(std::string_view method, std::initializer_list<In> input, CallOptions<T> options = {}) {
        return apply<T>(method, std::vector<In>(input), std::move(options));
    }
    template <class T, class In>
    [[nodiscard]] std::expected<T, Failure> try_apply(std::string_view method, std::initializer_list<In> input,
                                                      CallOptions<T> options = {}) {
        return try_apply<T>(method, std::vector<In>(input), std::move(options));
    }
    template <class T, class In>
    Future<T> apply_async(std::string_view method, std::initializer_list<In> input, CallOptions<T> options = {}) {
        return apply_async<T>(method, std::vector<In>(input), std::move(options));
    }

    /// Bytes in, and whatever comes out, also when it is not ok.
    CallResult call(std::string_view method, std::span<const std::byte> body = {}, CallTerms terms = {});
    CallResult call(std::string_view method, std::string_view body, CallTerms terms = {}) {
        return call(method, std::as_bytes(std::span{body}), std::move(terms));
    }

    // ---- many calls ----

    /// The results in the order of the items. The first failure ends what is left, and is thrown.
    template <class T, std::ranges::input_range Items>
    std::vector<T> map(std::string_view method, Items&& items, MapOptions<T> options = {}) {
        return map_async<T>(method, std::forward<Items>(items), std::move(options)).get();
    }
    template <class T, std::ranges::input_range Items>
    Future<std::vector<T>> map_async(std::string_view method, Items&& items, MapOptions<T> options = {}) {
        const auto& info = core().method(method);
        auto read = [decoder = detail::Decoder<T>{info}, name = info.name](detail::Work& work) {
            return detail::read_all<T>(work, decoder, name);
        };
        auto work = begin_map(info, items, plan_of(detail::Shape::map, options, read));
        return {std::move(work), std::move(read)};
    }
    /// Each item's own outcome: none ends another.
    template <class T, std::ranges::input_range Items>
    [[nodiscard]] std::vector<std::expected<T, Failure>> try_map(std::string_view method, Items&& items,
                                                                 MapOptions<T> options = {}) {
        const auto& info = core().method(method);
        const detail::Decoder<T> decoder{info};
        const auto read = [](detail::Work& work) { return detail::read_all<T>(work, {}, {}); };
        const auto work = begin_map(info, items, plan_of(detail::Shape::map_all, options, read));
        static_cast<void>(work->wait({}));
        return detail::read_each<T>(*work, decoder, info.name);
    }

    template <class T, class In>
    std::vector<T> map(std::string_view method, std::initializer_list<In> items, MapOptions<T> options = {}) {
        return map<T>(method, std::views::all(items), std::move(options));
    }
    template <class T, class In>
    Future<std::vector<T>> map_async(std::string_view method, std::initializer_list<In> items,
                                     MapOptions<T> options = {}) {
        return map_async<T>(method, std::views::all(items), std::move(options));
    }
    template <class T, class In>
    [[nodiscard]] std::vector<std::expected<T, Failure>> try_map(std::string_view method,
                                                                 std::initializer_list<In> items,
                                                                 MapOptions<T> options = {}) {
        return try_map<T>(method, std::views::all(items), std::move(options));
    }

    /// Methods of several inputs: an item is a std::tuple, pair or array of them, or a range.
    template <class T, std::ranges::input_range Tuples>
    std::vector<T> starmap(std::string_view method, Tuples&& tuples, MapOptions<T> options = {}) {
        return map<T>(method, std::forward<Tuples>(tuples) | std::views::transform([](const auto& tuple) {
                                  return detail::arguments_of(tuple);
                              }),
                      std::move(options));
    }
    template <class T, class In>
    std::vector<T> starmap(std::string_view method, std::initializer_list<std::initializer_list<In>> tuples,
                           MapOptions<T> options = {}) {
        return starmap<T>(method, std::views::all(tuples), std::move(options));
    }

    /// Lazy: takes items from the input, which may be endless, as results are taken. In the order of the items.
    template <class T, std::ranges::viewable_range Items>
    [[nodiscard]] Stream<T, std::views::all_t<Items>, true> imap(std::string_view method, Items&& items,
                                                                 const StreamOptions& options = {}) {
        return stream<T, true>(detail::Shape::stream, method, std::forward<Items>(items), options);
    }
    /// In the order in which they end.
    template <class T, std::ranges::viewable_range Items>
    [[nodiscard]] Stream<T, std::views::all_t<Items>, true> imap_unordered(std::string_view method, Items&& items,
                                                                           const StreamOptions& options = {}) {
        return stream<T, true>(detail::Shape::unordered, method, std::forward<Items>(items), options);
    }
    /// Each result as a std::expected, so that one that failed ends nothing.
    template <class T, std::ranges::viewable_range Items>
    [[nodiscard]] Stream<T, std::views::all_t<Items>, false> try_imap(std::string_view method, Items&& items,
                                                                      const StreamOptions& options = {}) {
        return stream<T, false>(detail::Shape::stream, method, std::forward<Items>(items), options);
    }
    template <class T, std::ranges::viewable_range Items>
    [[nodiscard]] Stream<T, std::views::all_t<Items>, false> try_imap_unordered(std::string_view method, Items&& items,
                                                                                const StreamOptions& options = {}) {
        return stream<T, false>(detail::Shape::unordered, method, std::forward<Items>(items), options);
    }

    // ---- the pool itself ----

    /// No more calls. What was handed over goes on.
    void close();
    /// After `close`: waits until everything has ended and been told to callbacks, and stops the workers in order.
    /// Throws CallbackError if a callback threw. Once.
    void join();
    /// Cancels everything and stops the workers; waits for both.
    void terminate();
    /// Changes how many workers there are; a surplus one finishes its call first.
    void resize(int workers);

    [[nodiscard]] const std::string& name() const;
    [[nodiscard]] std::vector<WorkerInfo> workers() const;
    [[nodiscard]] const std::vector<MethodInfo>& methods() const;
    /// Inputs that are refused because they killed too many workers.
    [[nodiscard]] std::vector<PoisonInfo> poison() const;
    /// Forgets one of them, by its id or the beginning of it, or all of this pool; how many.
    std::size_t clear_poison(std::string_view id = {});

   private:
    friend class Service;
    explicit Pool(std::shared_ptr<detail::PoolCore> core);

    [[nodiscard]] detail::Core& core() const;  // throws where there is none to use

    template <class T, class In>
    Future<T> start(std::string_view method, const In& input, CallOptions<T> options, bool caller_waits) {
        const auto& info = core().method(method);
        detail::Encoder<std::decay_t<const In&>> encoder{info};
        const auto body = encoder(input);
        auto read = [decoder = detail::Decoder<T>{info}, name = info.name](detail::Work& work) {
            return detail::read_item<T>(work, 0, decoder, name, false);
        };
        auto plan = plan_of(options, read);
        plan.caller_waits = caller_waits;
        auto work = core().begin(info, std::move(plan));
        work->add(body);
        work->seal();
        return {std::move(work), std::move(read)};
    }

    template <class Options>
    [[nodiscard]] static CallTerms terms_of(const Options& options) {
        return {options.params, options.timeout, options.priority, options.retries};
    }
    // What the callback thread does when the work has ended.
    template <class Options, class Read>
    [[nodiscard]] static std::function<void(detail::Work&)> on_end(Options& options, const Read& read) {
        if (!options.on_done && !options.on_error) return {};
        return [read, on_done = options.on_done, on_error = options.on_error](detail::Work& work) {
            auto value = read(work);
            if (!value) {
                if (on_error) on_error(value.error());
            } else if (on_done) {
                if constexpr (std::is_void_v<typename decltype(value)::value_type>) {
                    on_done();
                } else {
                    on_done(*value);
                }
            }
        };
    }
    template <class T, class Read>
    [[nodiscard]] static detail::Plan plan_of(CallOptions<T>& options, const Read& read) {
        return {.shape = detail::Shape::call,
                .terms = terms_of(options),
                .listeners = {on_end(options, read), std::move(options.on_progress), std::move(options.on_piece)}};
    }
    template <class T, class Read>
    [[nodiscard]] static detail::Plan plan_of(detail::Shape shape, MapOptions<T>& options, const Read& read) {
        return {.shape = shape,
                .terms = terms_of(options),
                .listeners = {.on_end = on_end(options, read), .on_progress = std::move(options.on_progress)},
                .chunk = options.chunk};
    }
    template <class Items>
    [[nodiscard]] std::shared_ptr<detail::Work> begin_map(const MethodInfo& info, Items& items, detail::Plan plan) {
        using In = std::ranges::range_value_t<Items>;
        auto work = core().begin(info, std::move(plan));
        detail::Encoder<In> encoder{info};
        try {
            if constexpr (detail::face::Scalar<In> && std::ranges::contiguous_range<Items>) {
                if (encoder.as_it_is()) {
                    work->add_packed(std::as_bytes(std::span{std::ranges::data(items), std::ranges::size(items)}),
                                     sizeof(In));
                    work->seal();
                    return work;
                }
            }
            for (auto&& item : items) work->add(encoder(item));
        } catch (...) {
            work->cancel();
            throw;
        }
        work->seal();
        return work;
    }
    template <class T, bool throws, class Items>
    [[nodiscard]] Stream<T, std::views::all_t<Items>, throws> stream(detail::Shape shape, std::string_view method,
                                                                     Items&& items, const StreamOptions& options) {
        if (options.look_ahead == 0) throw PoolError("a look_ahead of 0 takes nothing from the input");
        const auto& info = core().method(method);
        auto work = core().begin(info, {.shape = shape, .terms = terms_of(options), .chunk = options.chunk});
        return {std::move(work), info, std::views::all(std::forward<Items>(items)), options.look_ahead};
    }

    std::shared_ptr<detail::PoolCore> core_;
};

/// A session with a running service, on a thread of its own. Copies are the same session; it ends with the last of them
/// and of their pools.
class Service {
   public:
    /// Throws PoolError if the service has no such pool.
    [[nodiscard]] Pool pool(std::string_view name) const;

   private:
    friend Service connect(const std::filesystem::path& socket, std::chrono::milliseconds patience);
    explicit Service(std::shared_ptr<detail::ServiceCore> core) : core_(std::move(core)) {}
    std::shared_ptr<detail::ServiceCore> core_;
};

/// Throws PoolError if there is no session to be had within `patience`.
[[nodiscard]] Service connect(const std::filesystem::path& socket = Client::default_socket(),
                              std::chrono::milliseconds patience = std::chrono::seconds{5});

}  // namespace caisson
