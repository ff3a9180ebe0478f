// SPDX-License-Identifier: Apache-2.0
/// The plugin as the worker uses it: every crossing of the C boundary, with what may come back through it made tame.
#pragma once

#include <string>

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
    /// Inspects the file, loads it, checks its descriptor.
    [[nodiscard]] static Result<Plugin> load(const std::string& path);

    [[nodiscard]] const Offer& offer() const { return offer_; }

    [[nodiscard]] Result<void> create(const caisson_host& host);
    [[nodiscard]] Returned call(const caisson_call& call);
    void destroy();

   private:
    Plugin(const caisson_plugin& descriptor, Offer offer) : descriptor_(&descriptor), offer_(std::move(offer)) {}

    const caisson_plugin* descriptor_;
    Offer offer_;
    void* instance_ = nullptr;
};

}  // namespace caisson::host
