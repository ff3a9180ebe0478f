// SPDX-License-Identifier: Apache-2.0
/// The files of the web page, as they stand in the program.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace caisson::control {

/// One file of the page. Everything in it lives as long as the program.
struct PageFile {
    std::string_view path;          ///< as it is asked for: "/" is the page itself, "/app.js" a part of it
    std::string_view content_type;  ///< "text/html; charset=utf-8"
    std::span<const std::byte> bytes;
};

/// All files of the page; none if the program was built without it.
[[nodiscard]] std::span<const PageFile> page_files();

}  // namespace caisson::control
