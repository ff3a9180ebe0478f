// SPDX-License-Identifier: Apache-2.0
#include "host/descriptor.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "base/text.hpp"
#include "host/bounded_text.hpp"
#include "wire/frame.hpp"

namespace caisson::host {
namespace {

/// Bytes of a type name such as "float64[]".
constexpr std::size_t max_type_bytes = 32;

std::string text_of(const char* text, std::size_t max_bytes) {
    std::string out;
    assign_bounded(out, {text, ::strnlen(text, max_bytes)}, max_bytes);
    return out;
}

std::unexpected<Error> malformed(std::string what) {
    return fail("the plugin's descriptor is malformed: " + what, "see the contract in <caisson/plugin.h>");
}

bool is_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

bool is_type(std::string_view type) {
    if (type.ends_with("[]")) type.remove_suffix(2);
    return type.size() <= max_type_bytes && is_name(type);
}

Result<std::string> read_type(const char* type, std::string_view method, std::string_view which) {
    if (type == nullptr) return "bytes";
    const std::string_view text{type, ::strnlen(type, max_type_bytes + 3)};
    if (!is_type(text)) return malformed(cat("the ", which, " type of method ", method, " is no type name"));
    return std::string{text};
}

Result<MethodOffer> read_method(const caisson_method* method, std::size_t index) {
    if (method == nullptr) return malformed(cat("method ", index, " is a null pointer"));
    if (!CAISSON_HAS(method, caisson_method, output)) {
        return malformed(cat("method ", index, " says it has ", method->size, " bytes; at least ",
                             sizeof(caisson_method), " are needed"));
    }
    if (method->name == nullptr) return malformed(cat("method ", index, " has no name"));
    MethodOffer offer;
    offer.name = text_of(method->name, max_method_name_bytes + 1);
    if (offer.name.size() > max_method_name_bytes) {
        return malformed(cat("the name of method ", index, " is longer than ", max_method_name_bytes, " bytes"));
    }
    if (!is_name(offer.name)) {
        return malformed(cat("the name of method ", index, ", \"", printable(offer.name),
                             "\", is not made of a to z, 0 to 9 and _"));
    }
    if (method->help != nullptr) offer.help = text_of(method->help, max_help_bytes);
    auto input = read_type(method->input, offer.name, "input");
    if (!input) return std::unexpected(input.error());
    auto output = read_type(method->output, offer.name, "output");
    if (!output) return std::unexpected(output.error());
    offer.input = std::move(*input);
    offer.output = std::move(*output);
    offer.idempotent = (method->flags & CAISSON_METHOD_IDEMPOTENT) != 0;
    return offer;
}

Result<std::vector<MethodOffer>> read_methods(const caisson_plugin& plugin) {
    if (plugin.method_count == 0) return malformed("it lists no method");
    if (plugin.method_count > wire::max_methods) {
        return malformed(
            cat("it lists ", plugin.method_count, " methods; at most ", wire::max_methods, " are possible"));
    }
    if (plugin.methods == nullptr) return malformed("its list of methods is a null pointer");
    std::vector<MethodOffer> methods;
    std::unordered_set<std::string_view> names;
    methods.reserve(plugin.method_count);  // so that the views above stay valid
    for (std::size_t i = 0; i < plugin.method_count; ++i) {
        auto method = read_method(plugin.methods[i], i);
        if (!method) return std::unexpected(method.error());
        methods.push_back(std::move(*method));
        if (!names.insert(methods.back().name).second) {
            return malformed(cat("two methods are named ", methods.back().name));
        }
    }
    return methods;
}

}  // namespace

Result<Offer> read_descriptor(const caisson_plugin* plugin) {
    if (plugin == nullptr) return malformed("its entry returned a null pointer");
    // Size and version stand first in every major version; nothing else is believed before they are right.
    if (!CAISSON_HAS(plugin, caisson_plugin, abi_minor))
        return malformed(cat("it says it has ", plugin->size, " bytes"));
    if (plugin->abi_major != CAISSON_ABI_MAJOR) {
        return fail(cat("the plugin speaks ABI ", plugin->abi_major, ".", plugin->abi_minor, ", this worker ",
                        CAISSON_ABI_MAJOR, ".", CAISSON_ABI_MINOR),
                    "build it against this version of <caisson/plugin.h>");
    }
    if (!CAISSON_HAS(plugin, caisson_plugin, call)) {
        return malformed(cat("it says it has ", plugin->size, " bytes; at least ",
                             offsetof(caisson_plugin, call) + sizeof plugin->call, " are needed"));
    }
    if (plugin->name == nullptr) return malformed("it has no name");
    if (plugin->version == nullptr) return malformed("it has no version");
    if (plugin->create == nullptr) return malformed("it has no create()");
    if (plugin->call == nullptr) return malformed("it has no call()");
    auto methods = read_methods(*plugin);
    if (!methods) return std::unexpected(methods.error());
    return Offer{.name = text_of(plugin->name, max_name_bytes),
                 .version = text_of(plugin->version, max_name_bytes),
                 .abi_major = plugin->abi_major,
                 .abi_minor = plugin->abi_minor,
                 .methods = std::move(*methods)};
}

std::string ready_document(const Offer& offer) {
    nlohmann::json methods = nlohmann::json::array();
    for (const MethodOffer& method : offer.methods) {
        methods.push_back({{"name", method.name},
                           {"help", method.help},
                           {"input", method.input},
                           {"output", method.output},
                           {"idempotent", method.idempotent}});
    }
    const nlohmann::json document = {{"name", offer.name},
                                     {"version", offer.version},
                                     {"abi", cat(offer.abi_major, ".", offer.abi_minor)},
                                     {"methods", std::move(methods)}};
    return document.dump();
}

}  // namespace caisson::host
