# SPDX-License-Identifier: Apache-2.0
# Writes FILES and CHART as C++ to OUTPUT: page_files() of control/page.hpp.

set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

set(texts "")
set(rows "")
set(count 0)
foreach(file IN LISTS FILES CHART)
    get_filename_component(name ${file} NAME)
    string(REGEX MATCH "[a-z]+$" kind ${name})
    set(path "/${name}")
    if(name STREQUAL "index.html")
        set(path "/")
    elseif(file STREQUAL CHART)
        set(path "/chart.js")
    endif()
    # Each byte as an escape: nothing that stands in the file can end the literal.
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
    string(APPEND texts "constexpr char text_${count}[] = \"${bytes}\";\n")
    string(APPEND rows "        {\"${path}\", \"${type_${kind}}\", bytes_of(text_${count})},\n")
    math(EXPR count "${count} + 1")
endforeach()

file(WRITE ${OUTPUT} "// Written by supervisor/control/page/write_page.cmake; do not edit.
#include <array>

#include \"control/page.hpp\"

#pragma GCC diagnostic ignored \"-Woverlength-strings\"

namespace caisson::control {
namespace {

${texts}
// Without the zero at the end.
template <std::size_t size>
std::span<const std::byte> bytes_of(const char (&text)[size]) {
    return std::as_bytes(std::span{text, size - 1});
}

}  // namespace

std::span<const PageFile> page_files() {
    static const std::array<PageFile, ${count}> files{{
${rows}    }};
    return files;
}

}  // namespace caisson::control
")
