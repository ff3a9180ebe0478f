// SPDX-License-Identifier: Apache-2.0
/// The names of the methods that a pool's calls ask for: each stands here once, however many calls wait for it.
///
/// Bounded by what waits: names that no call has any more are dropped as soon as there are many. (Once a worker was
/// ready there are as many as its plugin has methods; before, callers ask for what they like.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "wire/frame.hpp"

namespace caisson::dispatch {

struct MethodMeasures;

/// One of these names, for as long as somebody has it.
class MethodName {
   public:
    MethodName() = default;
    MethodName(const MethodName& other) : entry_(other.entry_) { count(1); }
    MethodName(MethodName&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
    MethodName& operator=(MethodName other) noexcept {
        std::swap(entry_, other.entry_);
        return *this;
    }
    ~MethodName() { count(-1); }

    [[nodiscard]] const std::string& text() const { return entry_->first; }
    /// Where the calls of this name are measured; empty until somebody says it.
    [[nodiscard]] MethodMeasures*& measures() const { return entry_->second.measures; }

   private:
    friend class MethodNames;
    struct Facts {
        std::ptrdiff_t count = 0;  // of those who have it
        MethodMeasures* measures = nullptr;
    };
    using Entry = std::pair<const std::string, Facts>;
    explicit MethodName(Entry& entry) : entry_(&entry) { count(1); }
    void count(std::ptrdiff_t more) {
        if (entry_ != nullptr) entry_->second.count += more;
    }

    Entry* entry_ = nullptr;
};

/// Must outlive its names.
class MethodNames {
   public:
    MethodNames() = default;
    MethodNames(const MethodNames&) = delete;
    MethodNames& operator=(const MethodNames&) = delete;

    [[nodiscard]] MethodName get(std::string_view name) {
        auto found = names_.find(name);
        if (found == names_.end()) {
            if (names_.size() >= sweep_at_) sweep();
            found = names_.emplace(name, MethodName::Facts{}).first;
        }
        return MethodName{*found};
    }
    [[nodiscard]] std::size_t size() const { return names_.size(); }

   private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };

    // Again when there are twice as many as are left, so that it costs each name little.
    void sweep() {
        std::erase_if(names_, [](const auto& name) { return name.second.count == 0; });
        sweep_at_ = std::max<std::size_t>(wire::max_methods, 2 * names_.size());
    }

    std::unordered_map<std::string, MethodName::Facts, Hash, std::equal_to<>> names_;
    std::size_t sweep_at_ = wire::max_methods;
};

}  // namespace caisson::dispatch
