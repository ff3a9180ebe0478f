// SPDX-License-Identifier: Apache-2.0
/// A host for tests: makes an instance of a plugin in this process and calls its methods through the C ABI.
#pragma once

#include <caisson/plugin.h>
#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caisson::test {

/// What a call left.
struct Answer {
    caisson_status status = CAISSON_OK;
    std::uint32_t encoding = CAISSON_BYTES;
    std::string output;
    std::string error;
    std::vector<double> progress;
    std::size_t writes = 0;
};

/// What a call brings.
struct Input {
    std::string_view body = {};
    std::uint32_t encoding = CAISSON_BYTES;
    std::string_view params = {};
    bool cancelled = false;
    std::int64_t deadline_ns = 0;
    std::uint64_t id = 1;
};

/// The bytes of values as a packed body.
template <class T>
[[nodiscard]] std::string packed(const std::vector<T>& values) {
    std::string bytes(values.size() * sizeof(T), '\0');
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

/// One instance of a plugin, from create to destroy.
class Instance {
   public:
    explicit Instance(const caisson_plugin& plugin, std::string settings = "{}")
        : plugin_(&plugin), settings_(std::move(settings)) {
        host_ = {sizeof host_,
                 CAISSON_ABI_MAJOR,
                 CAISSON_ABI_MINOR,
                 0,
                 {settings_.data(), settings_.size()},
                 set_encoding,
                 write,
                 set_error,
                 progress,
                 cancelled,
                 get_extension};
        created_ = plugin.create(&host_, &instance_);
    }
    ~Instance() {
        if (created_ == CAISSON_OK && plugin_->destroy != nullptr) plugin_->destroy(instance_);
    }
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    [[nodiscard]] caisson_status created() const { return created_; }

    [[nodiscard]] Answer call(std::string_view method, const Input& input = {}) { return call(index(method), input); }
    [[nodiscard]] Answer call(std::uint32_t method, const Input& input) {
        Running running{};
        running.call = {sizeof(caisson_call), method,         input.id, input.deadline_ns, view_of(input.params),
                        view_of(input.body),  input.encoding, 1};
        running.cancelled = input.cancelled;
        running.answer.status = plugin_->call(instance_, &running.call);
        return running.answer;
    }

   private:
    struct Running {
        caisson_call call;  // first, so that a pointer to it is a pointer to the whole
        Answer answer;
        bool cancelled;
    };
    static caisson_view view_of(std::string_view text) {
        caisson_view view{};
        view.data = text.data();
        view.size = text.size();
        return view;
    }
    static Running& running(const caisson_call* call) {
        return *const_cast<Running*>(reinterpret_cast<const Running*>(call));
    }
    static std::string text(const void* data, std::size_t size) {
        return size == 0 ? std::string{} : std::string{static_cast<const char*>(data), size};
    }
    static void set_encoding(const caisson_call* call, std::uint32_t encoding) {
        running(call).answer.encoding = encoding;
    }
    static void write(const caisson_call* call, const void* data, std::size_t size) {
        running(call).answer.output += text(data, size);
        ++running(call).answer.writes;
    }
    static void set_error(const caisson_call* call, const char* message, std::size_t size) {
        running(call).answer.error = text(message, size);
    }
    static void progress(const caisson_call* call, double fraction, const char*, std::size_t) {
        running(call).answer.progress.push_back(fraction);
    }
    static int cancelled(const caisson_call* call) { return running(call).cancelled ? 1 : 0; }
    static const void* get_extension(const char*) { return nullptr; }

    [[nodiscard]] std::uint32_t index(std::string_view method) const {
        for (std::uint32_t i = 0; i < plugin_->method_count; ++i)
            if (plugin_->methods[i]->name == method) return i;
        throw std::invalid_argument("no method " + std::string{method});
    }

    const caisson_plugin* plugin_;
    std::string settings_;
    caisson_host host_{};
    void* instance_ = nullptr;
    caisson_status created_ = CAISSON_INTERNAL;
};

/// The method of this name, or null.
[[nodiscard]] inline const caisson_method* find_method(const caisson_plugin& plugin, std::string_view name) {
    for (const caisson_method* const method : std::span{plugin.methods, plugin.method_count})
        if (method->name == name) return method;
    return nullptr;
}

/// Loads a plugin as the worker does, and never unloads it.
[[nodiscard]] inline const caisson_plugin& load(const std::string& path) {
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    void* const symbol = dlsym(library, CAISSON_PLUGIN_ENTRY);
    if (symbol == nullptr) throw std::runtime_error(path + ": no " CAISSON_PLUGIN_ENTRY);
    return *reinterpret_cast<caisson_plugin_entry_fn>(symbol)();
}

}  // namespace caisson::test
