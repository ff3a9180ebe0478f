// SPDX-License-Identifier: Apache-2.0
/// The C++20 face of the plugin ABI: a plugin is a list of functions, and this header does the rest.
///
///     std::int64_t square(std::int64_t n) { return n * n; }
///
///     CAISSON_PLUGIN("math", "1.0.0") { method("square", square).help("n times n").idempotent(); }
///
/// ## Methods
/// A method is a function, a lambda or a member function. Its parameters say what it gets:
///
///  - `Call&`: the call itself, to stream output, to report progress, to look at params, to see a cancellation.
///  - `S&`, not const: the state that `state<S>()` made in this worker. A member function of S gets it the same way.
///  - everything else is input and comes from the body: an empty body for no input, a value for one, a JSON array of
///    exactly as many values for more. Numbers, bool, std::string, std::vector of these, Json, and every type with an
///    nlohmann JSON conversion can be input. `Bytes` takes the body as it is, whatever its encoding.
///
/// The result is a value of such a type; or `Raw` or std::vector<std::byte>, bytes as they are; or void, if there is
/// none or the method writes it itself.
///
/// ## Encodings
/// A typed method takes JSON, and a body of encoding `bytes` is read as JSON, for that is what a shell sends. A scalar,
/// an array of scalars, or several scalars of one type may also come packed. The answer is packed if the input was and
/// the result is a scalar or an array of scalars, and JSON if not. A number that does not fit its type is an error,
/// never cut; only what lies inside a type with a conversion of its own follows that conversion's rules.
///
/// ## Errors
/// Throw `Error` to choose the status. Any other exception ends the call with status internal and its `what()`. Input
/// that cannot be decoded is invalid_argument, with a text that says what was expected.
#ifndef CAISSON_PLUGIN_HPP
#define CAISSON_PLUGIN_HPP

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "ext/items.h"
#include "face/call.hpp"
#include "face/convert.hpp"
#include "face/function.hpp"
#include "face/types.hpp"
#include "plugin.h"

namespace caisson::plugin {

/// One method under definition.
class Method {
   public:
    /// One line for people.
    Method& help(std::string line) { return help_ = std::move(line), *this; }
    /// Running it twice with the same input has the effect of running it once.
    Method& idempotent() { return flags_ |= CAISSON_METHOD_IDEMPOTENT, *this; }
    /// Declares the type of the body ("json", "int64[]", …) where the function's type does not say it.
    Method& input(std::string type) { return input_ = std::move(type), *this; }
    /// Declares the type of the result where the function's type does not say it.
    Method& output(std::string type) { return output_ = std::move(type), *this; }

   private:
    friend class Definition;
    std::string name_, help_, input_, output_;
    std::uint32_t flags_ = 0;
    const char* state_ = nullptr;  // the tag of the state's type that it takes, or null
    std::function<void(void*, Call&)> serve_;
    std::function<void(void*, const caisson_items&)> serve_items_;  // none if it takes the call
    caisson_method raw_{};
};

/// A plugin under definition: the body of CAISSON_PLUGIN is a member function of it.
class Definition {
   public:
    Definition(const char* name, const char* version) {
        raw_.name = name;
        raw_.version = version;
    }

    /// Adds a method: [a-z0-9_]+, at most 64 bytes. Parameters and result as the head of this file says.
    template <class F>
        requires(!std::is_member_function_pointer_v<F>)
    Method& method(std::string name, F function) {
        return add(std::move(name), function, std::function{function});
    }
    template <class R, class S, class... P>
    Method& method(std::string name, R (S::*function)(P...)) {
        return method(std::move(name),
                      [function](S& state, P... inputs) -> R { return (state.*function)(std::forward<P>(inputs)...); });
    }
    template <class R, class S, class... P>
    Method& method(std::string name, R (S::*function)(P...) const) {
        return method(std::move(name),
                      [function](S& state, P... inputs) -> R { return (state.*function)(std::forward<P>(inputs)...); });
    }

    /// Each worker makes one S at create, from `const Host&` if S takes that, and destroys it at the end. Methods that
    /// take an S& get it. An exception of its constructor is a failed start, and its text the reason.
    template <class S>
    void state() {
        if (state_ != nullptr) problem("state() may be called once");
        state_ = &detail::type_tag<S>;
        make_state_ = [](const Host& host) -> std::shared_ptr<void> {
            if constexpr (std::constructible_from<S, const Host&>) {
                return std::make_shared<S>(host);
            } else {
                return std::make_shared<S>();
            }
        };
    }
    /// Runs at create, before the state is made. An exception is a failed start, and its text the reason.
    void on_create(std::function<void(const Host&)> hook) { on_create_ = std::move(hook); }
    /// Runs at destroy, after the state is gone. Never after a crash.
    void on_destroy(std::function<void()> hook) { on_destroy_ = std::move(hook); }
    /// Offers an extension ("name/major"). `table` must live until the process ends.
    void extension(std::string id, const void* table) { extensions_.emplace_back(std::move(id), table); }

   private:
    template <class D>
    friend class Entry;

    struct Instance {
        Host host;
        std::shared_ptr<void> state;
    };

    template <class F, class R, class... P>
    Method& add(std::string name, F& function, const std::function<R(P...)>&) {
        using Type = detail::Function<R, P...>;
        using State = typename detail::StateOf<P...>::type;
        Method& made = *methods_.emplace_back(std::make_unique<Method>());
        made.name_ = std::move(name);
        made.input_ = Type::input();
        made.output_ = Type::output();
        if constexpr (!std::is_void_v<State>) made.state_ = &detail::type_tag<State>;
        made.serve_ = [function](void* state, Call& call) mutable { Type::serve(function, state, call); };
        if constexpr (!Type::has_call)
            made.serve_items_ = [function](void* state, const caisson_items& items) mutable {
                Type::serve_items(function, state, items);
            };
        return made;
    }

    void problem(const std::string& text) {
        if (problem_.empty()) problem_ = "the plugin is defined wrongly: " + text;
    }

    /// What is wrong with a method, or nothing. Methods before it were found right.
    [[nodiscard]] std::string mistake_in(const Method& method,
                                         const std::vector<std::unique_ptr<Method>>& right) const {
        const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
        constexpr std::size_t longest_bytes = 64;
        if (method.name_.empty() || method.name_.size() > longest_bytes || !std::ranges::all_of(method.name_, allowed))
            return "a name is 1 to 64 of a-z, 0-9 and _";
        if (std::ranges::any_of(right, [&](const auto& other) { return other->name_ == method.name_; }))
            return "it is there twice";
        if (method.state_ != nullptr && method.state_ != state_) return "it takes a state that no state<…>() makes";
        for (const std::string& type : {method.input_, method.output_})
            if (!detail::is_type_name(type)) return "there is no type '" + type + "'";
        return {};
    }

    /// Keeps the methods that are right: a host wants to see some before it runs create, which says what is wrong.
    void drop_mistakes() {
        std::vector<std::unique_ptr<Method>> right;
        for (auto& method : methods_) {
            const auto mistake = mistake_in(*method, right);
            if (mistake.empty()) {
                right.push_back(std::move(method));
            } else {
                problem("method '" + method->name_ + "': " + mistake);
            }
        }
        methods_ = std::move(right);
        if (methods_.empty()) problem("it has no method");
    }

    /// Fills the C structs, which point into this object from now on.
    void finish() {
        drop_mistakes();
        for (const auto& method : methods_) {
            method->raw_ = {sizeof(caisson_method), method->flags_,         method->name_.c_str(),
                            method->help_.c_str(),  method->input_.c_str(), method->output_.c_str()};
            table_.push_back(&method->raw_);
        }
        raw_.size = sizeof raw_;
        raw_.abi_major = CAISSON_ABI_MAJOR;
        raw_.abi_minor = CAISSON_ABI_MINOR;
        raw_.methods = table_.data();
        raw_.method_count = static_cast<std::uint32_t>(table_.size());
    }

    [[nodiscard]] std::unique_ptr<Instance> create(const caisson_host& host) {
        if (!problem_.empty()) throw std::logic_error(problem_);
        if (host.abi_major != CAISSON_ABI_MAJOR) throw std::runtime_error("the host has another ABI major version");
        auto instance = std::make_unique<Instance>(Instance{Host{host}, nullptr});
        if (on_create_) on_create_(instance->host);
        if (make_state_) instance->state = make_state_(instance->host);
        return instance;
    }

    void serve(Instance& instance, const caisson_call& call) {
        if (call.method >= methods_.size()) throw Error{Status::not_found, "no method has this number"};
        Call seen{instance.host, call};
        methods_[call.method]->serve_(instance.state.get(), seen);
    }

    [[nodiscard]] bool serves_items(std::uint32_t method) const {
        return method < methods_.size() && methods_[method]->serve_items_ != nullptr;
    }
    void serve_items(Instance& instance, const caisson_items& items) {
        if (serves_items(items.method)) methods_[items.method]->serve_items_(instance.state.get(), items);
    }

    void destroy(std::unique_ptr<Instance> instance) {
        instance.reset();
        if (on_destroy_) on_destroy_();
    }

    [[nodiscard]] const void* find_extension(std::string_view id) const {
        const auto found = std::ranges::find(extensions_, id, &std::pair<std::string, const void*>::first);
        return found == extensions_.end() ? nullptr : found->second;
    }

    std::vector<std::unique_ptr<Method>> methods_;
    std::vector<const caisson_method*> table_;
    std::vector<std::pair<std::string, const void*>> extensions_;
    const char* state_ = nullptr;  // the tag of the state's type, or null
    std::function<std::shared_ptr<void>(const Host&)> make_state_;
    std::function<void(const Host&)> on_create_;
    std::function<void()> on_destroy_;
    std::string problem_;  // what is wrong with the definition; it fails create
    caisson_plugin raw_{};
};

/// The C side of the plugin that D defines. D has Definition's constructor and a function `define`.
template <class D>
class Entry {
   public:
    /// The descriptor; made at the first call and alive until the process ends. If the definition is wrong, create
    /// fails and says why.
    [[nodiscard]] static const caisson_plugin* descriptor(const char* name, const char* version) noexcept {
        static const caisson_plugin* const made = make(name, version);
        return made;
    }

   private:
    [[nodiscard]] static const caisson_plugin* make(const char* name, const char* version) noexcept {
        auto* const plugin = new D(name, version);  // never deleted: the host may look at it until the process ends
        Definition& made = *plugin;
        definition() = plugin;
        const auto report = [&made](std::string_view text) { made.problem(std::string{text}); };
        static_cast<void>(detail::guarded([plugin] { plugin->define(); }, report));
        made.finish();
        if (made.methods_.empty()) print(made.problem_);  // no host will come to create
        made.raw_.create = &Entry::create;
        made.raw_.call = &Entry::call;
        made.raw_.destroy = &Entry::destroy;
        made.raw_.get_extension = &Entry::get_extension;
        return &made.raw_;
    }

    /// The host reads the reason of a failed start from stderr.
    static void print(std::string_view text) {
        std::fprintf(stderr, "%s: %.*s\n", definition()->raw_.name, static_cast<int>(text.size()), text.data());
    }
    static caisson_status create(const caisson_host* host, void** instance) noexcept {
        return detail::guarded([&] { *instance = definition()->create(*host).release(); }, print);
    }
    static caisson_status call(void* instance, const caisson_call* call) noexcept {
        auto& made = *static_cast<Definition::Instance*>(instance);
        const auto report = [&](std::string_view text) { made.host.raw().set_error(call, text.data(), text.size()); };
        return detail::guarded([&] { definition()->serve(made, *call); }, report);
    }
    static void destroy(void* instance) noexcept {
        std::unique_ptr<Definition::Instance> made{static_cast<Definition::Instance*>(instance)};
        static_cast<void>(detail::guarded([&] { definition()->destroy(std::move(made)); }, print));
    }
    static int serves_items(void*, std::uint32_t method) noexcept { return definition()->serves_items(method) ? 1 : 0; }
    static void call_items(void* instance, const caisson_items* items) noexcept {
        definition()->serve_items(*static_cast<Definition::Instance*>(instance), *items);
    }
    static const void* get_extension(const char* id) noexcept {
        static constexpr caisson_items_plugin items{sizeof items, 0, &Entry::serves_items, &Entry::call_items};
        const auto* const own = definition()->find_extension(id);
        return own == nullptr && std::string_view{id} == CAISSON_ITEMS ? &items : own;
    }

    /// The C functions get no pointer to it, and D is one plugin.
    static Definition*& definition() {
        static Definition* made = nullptr;
        return made;
    }
};

}  // namespace caisson::plugin

/// Defines the plugin and its exported entry: CAISSON_PLUGIN("name", "version") { method(…); … }. Once in a library.
/// The body runs once, when the host asks for the descriptor; only describe there, and do work in state<S>() or
/// on_create().
#define CAISSON_PLUGIN(name, version)                                                  \
    namespace {                                                                        \
    struct CaissonDefinition final : ::caisson::plugin::Definition {                   \
        using Definition::Definition;                                                  \
        void define();                                                                 \
    };                                                                                 \
    }                                                                                  \
    extern "C" CAISSON_EXPORT const caisson_plugin* caisson_plugin_entry(void) {       \
        return ::caisson::plugin::Entry<CaissonDefinition>::descriptor(name, version); \
    }                                                                                  \
    void CaissonDefinition::define()

#endif  // CAISSON_PLUGIN_HPP
