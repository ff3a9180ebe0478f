// SPDX-License-Identifier: Apache-2.0
/// Loads a library, says so with one byte, and waits until nobody listens: a worker without Caisson.
///
///     limit_load_library LIBRARY
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
    if (argc != 2 || dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) == nullptr) {
        std::fprintf(stderr, "limit_load_library: %s\n", argc == 2 ? dlerror() : "usage: limit_load_library LIBRARY");
        return 1;
    }
    char byte = 1;
    if (write(STDOUT_FILENO, &byte, 1) != 1) return 1;
    return read(STDIN_FILENO, &byte, 1) < 0 ? 1 : 0;
}
