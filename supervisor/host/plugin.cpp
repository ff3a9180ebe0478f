// SPDX-License-Identifier: Apache-2.0
#include "host/plugin.hpp"

#include <cstdio>
#include <exception>

#include "base/text.hpp"
#include "host/diagnose.hpp"
#include "host/library.hpp"
#include "plugin/face/what.hpp"
#include "wire/outcome.hpp"

namespace caisson::host {
namespace {

constexpr int status_count = static_cast<int>(wire::status_words.size());

/// Runs a function of the plugin; an exception that leaves it becomes a sentence.
template <class Function>
std::string contain(Function function) {
    try {
        function();
        return {};
    } catch (const std::exception& error) {
        const char* const text = plugin::detail::what_of(error);
        return cat("an exception left the plugin: ", text != nullptr ? text : "its what() throws as well");
    } catch (...) {
        return "an exception left the plugin";
    }
}

/// A status from the plugin may be any number; comparing it as the enum would be undefined.
int number_of(caisson_status status) { return static_cast<int>(status); }

}  // namespace

Result<Plugin> Plugin::load(const std::string& path, int image) {
    if (auto done = inspect_library(path, image); !done) return std::unexpected(done.error());
    const auto entry = load_library(path, image);
    if (!entry) return std::unexpected(entry.error());
    const caisson_plugin* descriptor = nullptr;
    if (std::string broke = contain([&] { descriptor = (*entry)(); }); !broke.empty()) {
        return fail(cat(path, ": in ", CAISSON_PLUGIN_ENTRY, "(): ", broke));
    }
    auto offer = read_descriptor(descriptor);
    if (!offer) return fail(cat(path, ": ", offer.error().what), offer.error().hint);
    return Plugin{*descriptor, std::move(*offer)};
}

Result<void> Plugin::create(const caisson_host& host) {
    int status = CAISSON_OK;
    const std::string broke = contain([&] { status = number_of(descriptor_->create(&host, &instance_)); });
    if (!broke.empty()) return fail(cat("in create(): ", broke));
    if (status == CAISSON_OK) return find_items();
    const std::string said = status > 0 && status < status_count
                                 ? std::string{wire::status_words[static_cast<std::size_t>(status)]}
                                 : cat(status, ", which is no status");
    return fail(cat("create() returned ", said), "what the plugin wrote to stderr may say why");
}

// Asked once: what it says may cost something, and must not change.
Result<void> Plugin::find_items() {
    if (!CAISSON_HAS(descriptor_, caisson_plugin, get_extension) || descriptor_->get_extension == nullptr) return {};
    const std::string broke = contain([&] {
        const auto* const items = static_cast<const caisson_items_plugin*>(descriptor_->get_extension(CAISSON_ITEMS));
        if (items == nullptr || !CAISSON_HAS(items, caisson_items_plugin, call_items) || items->serves == nullptr ||
            items->call_items == nullptr)
            return;
        for (std::uint32_t method = 0; method < offer_.methods.size(); ++method)
            serves_items_.push_back(items->serves(instance_, method) != 0);
        items_ = items;
    });
    if (!broke.empty()) return fail(cat("in ", CAISSON_ITEMS, ": ", broke));
    return {};
}

bool Plugin::serves_items(std::uint32_t method) const {
    return items_ != nullptr && method < serves_items_.size() && serves_items_[method];
}

std::string Plugin::call_items(const caisson_items& items) {
    return contain([&] { items_->call_items(instance_, &items); });
}

Returned Plugin::call(const caisson_call& call) {
    int status = CAISSON_INTERNAL;
    std::string broke = contain([&] { status = number_of(descriptor_->call(instance_, &call)); });
    if (!broke.empty()) return {CAISSON_INTERNAL, std::move(broke)};
    if (status < 0 || status >= status_count) {
        return {CAISSON_INTERNAL, cat("the method returned ", status, ", which is no status")};
    }
    return {static_cast<caisson_status>(status), {}};
}

void Plugin::destroy() {
    if (!CAISSON_HAS(descriptor_, caisson_plugin, destroy) || descriptor_->destroy == nullptr) return;
    // The worker ends either way; the line is for the log.
    const std::string broke = contain([&] { descriptor_->destroy(instance_); });
    if (!broke.empty()) std::fprintf(stderr, "caisson-worker: in destroy(): %s\n", broke.c_str());
}

}  // namespace caisson::host
