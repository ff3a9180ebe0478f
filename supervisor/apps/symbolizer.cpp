// SPDX-License-Identifier: Apache-2.0
/// caisson-symbolizer: reads addresses as JSON from its input, writes functions, files and lines as JSON, and ends. The
/// supervisor starts one for each crash, so that whatever a plugin's debug information does, it does here.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>

#include "symbolizer/document.hpp"
#include "symbolizer/sandbox.hpp"

namespace {

/// Bytes of one read of the input.
constexpr std::size_t piece_bytes = 16 * 1024;

/// All of the input, or nothing if it is more than a request can be.
std::optional<std::string> read_input() {
    std::string input;
    char piece[piece_bytes];
    for (;;) {
        const ssize_t count = ::read(STDIN_FILENO, piece, sizeof piece);
        if (count == 0) return input;
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::nullopt;
        input.append(piece, static_cast<std::size_t>(count));
        if (input.size() > caisson::symbolizer::max_request_bytes) return std::nullopt;
    }
}

int complain(const std::string& what) {
    std::fprintf(stderr, "caisson-symbolizer: %s\n", what.c_str());
    return 2;
}

}  // namespace

int main() {
    using namespace caisson::symbolizer;
    if (auto done = enter_sandbox(); !done) return complain(done.error().text());
    const auto input = read_input();
    if (!input) return complain("the input cannot be read, or is too large");
    const auto request = parse_request(*input);
    if (!request) return complain(request.error().text());
    std::puts(answer(request->addresses, resolve(request->addresses, request->image)).c_str());
    return std::fflush(stdout) == 0 ? 0 : 1;
}
