// SPDX-License-Identifier: Apache-2.0
/// What a method can see of the worker that it runs in, and of the call that it serves.
#ifndef CAISSON_FACE_CALL_HPP
#define CAISSON_FACE_CALL_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../plugin.h"
#include "convert.hpp"
#include "types.hpp"

namespace caisson::plugin {

/// The worker that a plugin lives in. Valid from create to destroy.
class Host {
   public:
    explicit Host(const caisson_host& host) : host_(&host) {}

    /// The pool's `settings` table.
    [[nodiscard]] Json settings() const {
        const std::string_view text{static_cast<const char*>(host_->settings.data), host_->settings.size};
        return text.empty() ? Json::object() : detail::parse(text, "settings");
    }
    /// A host extension by id ("name/major"), or null.
    [[nodiscard]] const void* extension(const char* id) const { return host_->get_extension(id); }
    /// The C struct.
    [[nodiscard]] const caisson_host& raw() const { return *host_; }

   private:
    const caisson_host* host_;
};

/// One call. `write`, `progress` and `cancelled` may be used on any thread until the method returns; the rest is for
/// the thread that runs the method.
class Call {
   public:
    Call(const Host& host, const caisson_call& call) : host_(host), call_(&call) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    [[nodiscard]] Bytes body() const { return {static_cast<const std::byte*>(call_->body.data), call_->body.size}; }
    [[nodiscard]] Encoding encoding() const { return static_cast<Encoding>(call_->encoding); }
    /// Unique in this worker; for logs.
    [[nodiscard]] std::uint64_t id() const { return call_->id; }
    /// 1 for the first start of this call.
    [[nodiscard]] std::uint32_t attempt() const { return call_->attempt; }
    [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> deadline() const {
        if (call_->deadline_ns == 0) return std::nullopt;
        return std::chrono::steady_clock::time_point{std::chrono::nanoseconds{call_->deadline_ns}};
    }
    [[nodiscard]] const Host& host() const { return host_; }

    /// The params, an object; empty if there are none.
    [[nodiscard]] const Json& params() {
        if (params_.is_null()) {
            const std::string_view text{static_cast<const char*>(call_->params.data), call_->params.size};
            Json parsed = text.empty() ? Json::object() : detail::parse(text, "params");
            if (!parsed.is_object())
                throw detail::invalid("params: expected an object, got " + detail::name_of(parsed));
            params_ = std::move(parsed);
        }
        return params_;
    }
    /// One of the params. It is an invalid_argument if it is missing or of another type.
    template <class T>
    [[nodiscard]] T param(const std::string& name) {
        if (!params().contains(name))
            throw detail::invalid("params." + name + ": expected " + detail::expectation<T>());
        Json value = params_[name];
        try {
            return detail::decode<T>(value);
        } catch (const Error& error) {
            throw Error{error.status(), "params." + name + ": " + error.what()};
        }
    }
    /// One of the params, or `fallback` if it is missing.
    template <class T>
    [[nodiscard]] T param(const std::string& name, T fallback) {
        return params().contains(name) ? param<T>(name) : std::move(fallback);
    }

    /// Says what the bytes of the result are. Once, before the first write; needed only by a method that writes itself.
    void set_encoding(Encoding encoding) { host_.raw().set_encoding(call_, static_cast<std::uint32_t>(encoding)); }
    /// Appends to the result, which streams out. Blocks while the caller is slower.
    void write(Bytes bytes) const { host_.raw().write(call_, bytes.data(), bytes.size()); }
    void write(std::string_view text) const { host_.raw().write(call_, text.data(), text.size()); }
    /// Tells the caller how far the call is: a fraction from 0 to 1, and a short note.
    void progress(double fraction, std::string_view note = {}) const {
        host_.raw().progress(call_, fraction, note.data(), note.size());
    }
    /// True once the call should give up: cancelled, past its deadline, or the worker is stopping. Cheap.
    [[nodiscard]] bool cancelled() const { return host_.raw().cancelled(call_) != 0; }
    /// Ends the call with status cancelled if it should give up.
    void check_cancelled() const {
        if (cancelled()) throw Error{Status::cancelled, "gave up, as asked"};
    }

   private:
    Host host_;
    const caisson_call* call_;
    Json params_;  // null until somebody asks
};

}  // namespace caisson::plugin

#endif  // CAISSON_FACE_CALL_HPP
