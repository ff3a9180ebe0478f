// SPDX-License-Identifier: Apache-2.0
/// How a subcommand says what may be typed after its name; what was typed is put into variables of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace caisson::cli {

/// A thin face of the parser, so that one file and not each command pays for its headers. The variables must live as
/// long as the parser.
class OptionSet {
   public:
    enum class Need { optional, required };

    explicit OptionSet(CLI::App& app) : app_(app) {}

    /// An argument by position.
    void argument(const char* name, std::string& value, const char* help, Need need = Need::optional);
    void argument(const char* name, std::uint32_t& value, const char* help, Need need = Need::optional);
    /// One or more arguments.
    void arguments(const char* name, std::vector<std::string>& values, const char* help);
    /// `names` as in "-o,--output"; `placeholder` stands for the value in the help.
    void option(const char* names, std::string& value, const char* placeholder, const char* help);
    void option(const char* names, std::optional<std::string>& value, const char* placeholder, const char* help);
    /// An option whose value may be left out; it is then empty. `placeholder` as in "[SECONDS]".
    void option_or_flag(const char* names, std::optional<std::string>& value, const char* placeholder,
                        const char* help);
    void flag(const char* names, bool& value, const char* help);

   private:
    CLI::App& app_;
};

}  // namespace caisson::cli
