// SPDX-License-Identifier: Apache-2.0
/// The plugin as the worker uses it: every crossing of the C boundary, with what may come back through it made tame.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caisson/ext/items.h>
#include <caisson/plugin.h>
#include "base/result.hpp"
#include "host/descriptor.hpp"

namespace caisson::host {

/// How a method returned.
struct Returned {
    caisson_status status = CAISSON_OK;
    std::string broke;  ///< how it broke the contract (an exception, an unknown status); empty if it did not
};

class Plugin {
   public:
    /// Inspects the file, loads it, checks its descriptor; see load_library.
    [[nodiscard]] static Result<Plugin> load(const std::string& path, int image = -1);

    [[nodiscard]] const Offer& offer() const { return offer_; }

    [[nodiscard]] Result<void> create(const caisson_host& host);
    [[nodiscard]] Returned call(const caisson_call& call);
    /// True if items of this method may be handed over many at once.
    [[nodiscard]] bool serves_items(std::uint32_t method) const;
    /// Hands them over; how the plugin broke the contract, empty if it did not.
    [[nodiscard]] std::string call_items(const caisson_items& items);
    void destroy();

   private:
    [[nodiscard]] Result<void> find_items();

    Plugin(const caisson_plugin& descriptor, Offer offer) : descriptor_(&descriptor), offer_(std::move(offer)) {}

    const caisson_plugin* descriptor_;
    Offer offer_;
    const caisson_items_plugin* items_ = nullptr;
    std::vector<bool> serves_items_;  // by method
    void* instance_ = nullptr;
};

}  // namespace caisson::host
