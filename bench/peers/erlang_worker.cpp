// SPDX-License-Identifier: Apache-2.0
/// The program behind an Erlang port: packets of a length in four bytes, big-endian, and the eight bytes of a number,
/// which becomes its square. Reads what is there and answers it with one write.
///
///     peer_erlang_worker
#include <bit>
#include <vector>

#include "../limits/raw.hpp"

using namespace bench;

namespace {

constexpr std::size_t length_bytes = 4;
constexpr std::size_t packet_bytes = length_bytes + sizeof(std::int64_t);

void square(std::span<std::byte> packet) {
    std::uint64_t number = 0;
    std::memcpy(&number, packet.data() + length_bytes, sizeof number);
    number = std::byteswap(number);
    number = std::byteswap(number * number);
    std::memcpy(packet.data() + length_bytes, &number, sizeof number);
}

}  // namespace

int main() {
    std::vector<std::byte> room(std::size_t{64} * 1024);
    std::size_t rest = 0;  // bytes of a packet that has not come as a whole
    while (true) {
        const auto got = raw::read_some(STDIN_FILENO, std::span{room}.subspan(rest));
        if (got.empty()) return 0;
        const std::size_t bytes = rest + got.size();
        const auto whole = std::span{room}.first(bytes / packet_bytes * packet_bytes);
        for (std::size_t at = 0; at < whole.size(); at += packet_bytes) square(whole.subspan(at, packet_bytes));
        raw::write_all(STDOUT_FILENO, whole);
        rest = bytes - whole.size();
        std::memmove(room.data(), room.data() + whole.size(), rest);
    }
}
