// SPDX-License-Identifier: Apache-2.0
/// The file in which the fixture `ledger` writes down what was started.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/service.hpp"

namespace caisson::test {

class Ledger {
   public:
    /// `fixture`: ledger, or ledger_items, which offers the same through caisson.items/1.
    explicit Ledger(std::string fixture = "ledger") : fixture_(std::move(fixture)) {}

    /// A section of a pool of the fixture that writes here; `more` are lines of the section, then sections of its own.
    [[nodiscard]] std::string pool(std::string_view name, std::string_view more = "workers = 1\n") const {
        return "[pool." + std::string{name} + "]\nplugin = \"" + fixture_library(fixture_) +
               "\"\nenv = { CAISSON_LEDGER = \"" + path().string() + "\" }\n" + std::string{more};
    }
    /// All that was started, in its order.
    [[nodiscard]] std::vector<std::string> lines() const {
        std::vector<std::string> all;
        std::istringstream text{read_file(path())};
        for (std::string line; std::getline(text, line);) all.push_back(line);
        return all;
    }
    /// How often each line stands there.
    [[nodiscard]] std::map<std::string, int> counts() const {
        std::map<std::string, int> count;
        for (const auto& line : lines()) ++count[line];
        return count;
    }
    [[nodiscard]] std::filesystem::path path() const { return folder_ / "ledger"; }

   private:
    std::string fixture_;
    Folder folder_;
};

}  // namespace caisson::test
