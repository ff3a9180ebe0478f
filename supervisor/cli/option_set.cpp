// SPDX-License-Identifier: Apache-2.0
#include "cli/option_set.hpp"

#include <CLI/App.hpp>

namespace caisson::cli {
namespace {

// The help of an argument names no type.
void finish(CLI::Option* argument, OptionSet::Need need) {
    argument->option_text(" ");
    argument->required(need == OptionSet::Need::required);
}

}  // namespace

void OptionSet::argument(const char* name, std::string& value, const char* help, Need need) {
    finish(app_.add_option(name, value, help), need);
}

void OptionSet::argument(const char* name, std::uint32_t& value, const char* help, Need need) {
    finish(app_.add_option(name, value, help), need);
}

void OptionSet::arguments(const char* name, std::vector<std::string>& values, const char* help) {
    finish(app_.add_option(name, values, help), Need::required);
}

void OptionSet::option(const char* names, std::string& value, const char* placeholder, const char* help) {
    app_.add_option(names, value, help)->option_text(placeholder);
}

void OptionSet::option(const char* names, std::optional<std::string>& value, const char* placeholder,
                       const char* help) {
    app_.add_option_function<std::string>(
            names, [&value](const std::string& typed) { value = typed; }, help)
        ->option_text(placeholder);
}

void OptionSet::option_or_flag(const char* names, std::optional<std::string>& value, const char* placeholder,
                               const char* help) {
    app_.add_option_function<std::vector<std::string>>(
            names, [&value](const std::vector<std::string>& typed) { value = typed.empty() ? "" : typed.front(); },
            help)
        ->expected(0, 1)
        ->option_text(placeholder);
}

void OptionSet::flag(const char* names, bool& value, const char* help) { app_.add_flag(names, value, help); }

}  // namespace caisson::cli
