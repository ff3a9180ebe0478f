# SPDX-License-Identifier: Apache-2.0
# caisson_add_plugin(NAME source…): a shared library that a worker can load, lib<NAME>.so.
#
# It exports caisson_plugin_entry and nothing else, leaves no symbol undefined, so that a missing library is found here
# and not by the worker, and keeps its debug information, for a crash report is worth most with file and line. C++
# sources are compiled as C++20 or later. It works the same in Caisson's own tree and after find_package(caisson).
# Link what the plugin needs by target_link_libraries(NAME PRIVATE …).
function(caisson_add_plugin name)
    if(NOT ARGN)
        message(FATAL_ERROR "caisson_add_plugin(${name}): no sources are given")
    endif()
    # The version script stands beside this file in an installed package, and with the headers in the source tree.
    set(exports ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/export.map)
    if(NOT EXISTS ${exports})
        set(exports ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../sdk/plugin/export.map)
    endif()

    add_library(${name} SHARED ${ARGN})
    set_target_properties(${name} PROPERTIES
        PREFIX lib SUFFIX .so NO_SONAME ON POSITION_INDEPENDENT_CODE ON
        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
        LINK_DEPENDS ${exports})
    target_compile_options(${name} PRIVATE -g)
    target_link_options(${name} PRIVATE LINKER:--version-script=${exports})
    # A sanitizer's runtime comes with the program that loads the plugin.
    if(NOT CAISSON_SANITIZE AND NOT "${CMAKE_CXX_FLAGS} ${CMAKE_C_FLAGS}" MATCHES "-fsanitize")
        target_link_options(${name} PRIVATE LINKER:-z,defs)
    endif()

    get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
    if(CXX IN_LIST languages)
        target_link_libraries(${name} PRIVATE caisson::plugin)
        target_compile_features(${name} PRIVATE cxx_std_20)
    else()
        # A project in plain C needs the header only, and CMake would ask it for a C++ compiler.
        target_include_directories(${name} PRIVATE
            $<TARGET_PROPERTY:caisson::plugin,INTERFACE_INCLUDE_DIRECTORIES>)
    endif()
    if(TARGET caisson_options)
        target_link_libraries(${name} PRIVATE caisson_options)
    endif()
endfunction()
