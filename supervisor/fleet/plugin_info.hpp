// SPDX-License-Identifier: Apache-2.0
/// What a plugin said of itself when its worker became ready.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"

namespace caisson::fleet {

struct Method {
    std::string name;
    std::string help;
    std::string input;
    std::string output;
    bool idempotent = false;
    bool operator==(const Method&) const = default;
};

struct PluginInfo {
    std::string name;
    std::string version;
    std::string abi;
    std::vector<Method> methods;

    /// The index of a method on the wire.
    [[nodiscard]] const std::uint32_t* find(std::string_view method) const;
    bool operator==(const PluginInfo& other) const {
        return name == other.name && version == other.version && abi == other.abi && methods == other.methods;
    }

    /// Reads the head of a `ready` frame, as hostile input.
    [[nodiscard]] static Result<PluginInfo> parse(std::string_view json);

   private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> index_;
};

}  // namespace caisson::fleet
