// SPDX-License-Identifier: Apache-2.0
/// Bytes through a Unix stream socket, one way, 256 KiB to a write.
///
///     limit_bulk SECONDS
#include <vector>

#include "raw.hpp"

using namespace bench;

namespace {

constexpr std::size_t write_bytes = std::size_t{256} * 1024;

void count(int fd) {
    std::vector<std::byte> room(write_bytes);
    std::uint64_t bytes = 0;
    for (auto got = raw::read_some(fd, room); !got.empty(); got = raw::read_some(fd, room)) bytes += got.size();
    raw::write_all(fd, std::as_bytes(std::span{&bytes, 1}));
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = number(argc, argv, 1, "limit_bulk SECONDS");
    const auto pair = raw::stream_pair();
    const pid_t child = raw::fork_peer(pair, count);
    const std::vector<std::byte> block(write_bytes);
    const auto start = Clock::now();
    for (const auto end = end_after(seconds); Clock::now() < end;) raw::write_all(pair.ours, block);
    shutdown(pair.ours, SHUT_WR);
    std::uint64_t bytes = 0;
    if (!raw::read_all(pair.ours, std::as_writable_bytes(std::span{&bytes, 1}))) give_up("the peer has gone");
    Report{}.add("bytes_per_s", static_cast<double>(bytes) / seconds_since(start)).print();
    raw::part(pair, child);
}
