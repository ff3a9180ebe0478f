# SPDX-License-Identifier: Apache-2.0
# How everything is compiled: language, warnings, sanitizers, and where binaries go in the build tree.

option(CAISSON_TESTS "Build the tests" ON)
option(CAISSON_BENCH "Build the benchmarks" ON)
option(CAISSON_WERROR "Treat warnings as errors" OFF)
set(CAISSON_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined or thread)")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# The four programs stand side by side, as they look for each other there.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# A program asks at run time only for the libraries that it uses: a worker starts without the log's.
add_link_options(-Wl,--as-needed)

add_library(caisson_options INTERFACE)
target_compile_options(caisson_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wimplicit-fallthrough
    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual>)
if(CAISSON_WERROR)
    target_compile_options(caisson_options INTERFACE -Werror)
endif()
# Paths in debug information and messages are relative to the source tree, the same on every machine.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

if(CAISSON_SANITIZE)
    add_compile_options(-fsanitize=${CAISSON_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${CAISSON_SANITIZE})
    if(CAISSON_SANITIZE MATCHES "undefined")
        add_compile_options(-fno-sanitize-recover=undefined)
    endif()
    add_compile_definitions(CAISSON_SANITIZED)
endif()
