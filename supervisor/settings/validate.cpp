// SPDX-License-Identifier: Apache-2.0
#include "settings/validate.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"
#include "base/units.hpp"
#include "settings/problem.hpp"

namespace caisson::settings {
namespace {

// <cctype> asks the locale; a name means the same everywhere.
bool is_lower(char letter) { return letter >= 'a' && letter <= 'z'; }
bool is_upper(char letter) { return letter >= 'A' && letter <= 'Z'; }
bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }
bool is_octal(char letter) { return letter >= '0' && letter <= '7'; }
bool is_pool_letter(char letter) { return is_lower(letter) || is_digit(letter) || letter == '_' || letter == '-'; }
bool is_method_letter(char letter) { return is_lower(letter) || is_digit(letter) || letter == '_'; }
bool is_env_letter(char letter) { return is_lower(letter) || is_upper(letter) || is_digit(letter) || letter == '_'; }

}  // namespace

bool is_pool_name(std::string_view name) {
    return !name.empty() && name.size() <= bounds::pool_name_bytes && std::ranges::all_of(name, is_pool_letter);
}

std::string near_pool_name(std::string_view name) {
    std::string result;
    for (const char letter : name.substr(0, bounds::pool_name_bytes)) {
        const char lower = is_upper(letter) ? static_cast<char>(letter - 'A' + 'a') : letter;
        result += is_pool_letter(lower) ? lower : '_';
    }
    const bool usable = std::ranges::any_of(result, [](char letter) { return is_lower(letter) || is_digit(letter); });
    return usable ? result : "NAME";
}

bool is_method_name(std::string_view name) {
    return !name.empty() && name.size() <= bounds::method_name_bytes && std::ranges::all_of(name, is_method_letter);
}

bool is_env_name(std::string_view name) {
    return !name.empty() && !is_digit(name.front()) && std::ranges::all_of(name, is_env_letter);
}

std::optional<Error> socket_path_fault(const std::filesystem::path& path) {
    const std::size_t length = path.native().size();
    if (length <= bounds::socket_path_bytes) return std::nullopt;
    return Error{cat(in_quotes(path.native()), " has ", length, " bytes, but a socket's path may have at most ",
                     bounds::socket_path_bytes),
                 "put the socket into a folder with a shorter path, such as \"/run/caisson\""};
}

std::optional<Error> mode_fault(std::string_view text) {
    const std::string example = "write it in octal, such as \"0600\" or, with a group, \"0660\"";
    if (text.size() < 3 || text.size() > 4 || !std::ranges::all_of(text, is_octal))
        return Error{cat(in_quotes(text), " is no mode"), example};
    const std::uint32_t bits = mode_bits(text);
    if (bits > 0777)
        return Error{cat(in_quotes(text), " has more than the bits for reading, writing, running"), example};
    if ((bits & 0600) != 0600)
        return Error{cat(in_quotes(text), " shuts out the owner of the socket, the service itself"), example};
    return std::nullopt;
}

std::uint32_t mode_bits(std::string_view text) {
    std::uint32_t bits = 0;
    for (const char digit : text) bits = bits * 8 + static_cast<std::uint32_t>(digit - '0');
    return bits;
}

std::optional<Error> access_entry_fault(std::string_view entry) {
    if (entry == "*") return std::nullopt;
    const std::string_view name = entry.starts_with('@') ? entry.substr(1) : entry;
    const auto bad = [](char letter) {
        return static_cast<unsigned char>(letter) <= ' ' || letter == ':' || letter == '/' || letter == '@' ||
               letter == '*' || letter == '\x7f';
    };
    if (!name.empty() && std::ranges::none_of(name, bad)) return std::nullopt;
    return Error{cat(in_quotes(entry), " names nobody"),
                 R"(write a user "alice", a group "@staff", or "*" for everybody)"};
}

std::vector<Contradiction> contradictions(const Pool& pool) {
    std::vector<Contradiction> found;
    const auto in_order = [&](std::string_view key, std::string_view table, milliseconds min, milliseconds max) {
        if (min <= max) return;
        found.push_back(
            {key,
             {cat(table, ".min, ", format_duration(min), ", is longer than ", table, ".max, ", format_duration(max)),
              "make min the shorter one"}});
    };
    in_order("retry_backoff.min", "retry_backoff", pool.retry.backoff_min, pool.retry.backoff_max);
    in_order("restart.backoff.min", "restart.backoff", pool.restart.backoff.min, pool.restart.backoff.max);
    if (pool.elastic && pool.elastic->max > 0 && pool.elastic->min > pool.elastic->max)
        found.push_back({"workers.min",
                         {cat("workers.min, ", pool.elastic->min, ", is more than workers.max, ", pool.elastic->max),
                          "make min the smaller one"}});
    if (pool.isolation.level == IsolationLevel::none && !pool.isolation.really_none)
        found.push_back({"isolation.level",
                         {"isolation.level is \"none\", but nothing says that this is meant",
                          "it is for debuggers only; add really_none = true to ask for it twice"}});
    std::size_t env_bytes = 0;
    for (const auto& [name, value] : pool.env) env_bytes += name.size() + value.size() + 2;
    if (env_bytes > bounds::env_bytes)
        found.push_back({"env",
                         {cat("env has ", env_bytes, " bytes in all, at most ", bounds::env_bytes, " fit"),
                          "hand large things to the plugin in a file, or in settings"}});
    return found;
}

}  // namespace caisson::settings
