// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/document.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace caisson::symbolizer {
namespace {

using Json = nlohmann::json;

Result<Address> parse_address(const Json& frame) {
    if (!frame.is_object()) return fail("a frame of the request is no object");
    const auto module = frame.find("module");
    const auto offset = frame.find("offset");
    const auto is_return = frame.find("return_address");
    Address address;
    if (offset == frame.end() || !offset->is_number_unsigned()) return fail("a frame of the request has no offset");
    address.offset = offset->get<std::uint64_t>();
    // An address in no module is possible: a call through a wild pointer.
    if (module != frame.end() && module->is_string()) address.module = module->get<std::string>();
    address.is_return = is_return != frame.end() && is_return->is_boolean() && is_return->get<bool>();
    return address;
}

Image image_in(const Json& document) {
    const auto image = document.find("image");
    if (image == document.end() || !image->is_object()) return {};
    const auto module = image->find("module");
    const auto descriptor = image->find("descriptor");
    if (module == image->end() || !module->is_string() || descriptor == image->end() ||
        !descriptor->is_number_unsigned())
        return {};
    return {module->get<std::string>(), descriptor->get<int>()};
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Json entry(const Address& address, const Place& place) {
    Json out = Json::object();
    if (!place.function.empty()) out["function"] = place.function;
    if (!place.file.empty()) out["file"] = place.file;
    if (place.line > 0) out["line"] = place.line;
    if (!address.module.empty()) out["module"] = name_of(address.module);
    out["offset"] = hex(address.offset);
    return out;
}

}  // namespace

Result<Request> parse_request(std::string_view json) {
    if (json.size() > max_request_bytes) return fail("the request is too large");
    const Json document = Json::parse(json, nullptr, false);
    if (!document.is_object()) return fail("the request is no JSON object");
    const auto frames = document.find("frames");
    if (frames == document.end() || !frames->is_array()) return fail("the request has no frames");
    if (frames->size() > max_addresses) return fail("the request has too many frames");
    Request request{.addresses = {}, .image = image_in(document)};
    for (const Json& frame : *frames) {
        auto address = parse_address(frame);
        if (!address) return std::unexpected(address.error());
        request.addresses.push_back(std::move(*address));
    }
    return request;
}

std::string answer(const std::vector<Address>& addresses, const std::vector<Resolved>& resolved) {
    Json frames = Json::array();
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto& places = resolved[i].places;
        for (std::size_t k = 0; k < places.size(); ++k) {
            frames.push_back(entry(addresses[i], places[k]));
            if (k + 1 < places.size()) frames.back()["inlined"] = true;
        }
    }
    return Json{{"frames", std::move(frames)}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace caisson::symbolizer
