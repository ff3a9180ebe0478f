// SPDX-License-Identifier: Apache-2.0
#include "keeper/zygotes.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/system.hpp"
#include "keeper/orders.hpp"

namespace caisson::keeper {
namespace {

using namespace std::chrono_literals;

/// A zygote that owes a copy is looked at this often, and given up after so many looks. A time alone would condemn one
/// that had no chance to answer, because all of us were stopped.
constexpr auto look_every = 250ms;
constexpr int looks_max = 8;

}  // namespace

Result<Fd> Zygotes::add(std::uint64_t id) {
    auto pair = sys::socket_pair(SOCK_SEQPACKET);
    if (!pair) return std::unexpected(pair.error());
    all_[id].socket = std::move(pair->first);
    return std::move(pair->second);
}

std::deque<std::uint64_t> Zygotes::remove(std::uint64_t id) {
    const auto found = all_.find(id);
    if (found == all_.end()) return {};
    auto owed = std::move(found->second.asked);
    all_.erase(found);
    return owed;
}

int Zygotes::ask(std::uint64_t zygote, std::uint64_t id, std::string_view name, std::span<const Fd> descriptors) {
    const auto found = all_.find(zygote);
    if (found == all_.end() || !found->second.socket) return ESRCH;
    if (descriptors.size() > max_descriptors) return EINVAL;
    CopyRequest request{.id = id};
    std::copy_n(name.begin(), std::min(name.size(), request.name.size() - 1), request.name.begin());
    iovec part{&request, sizeof request};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_descriptors * sizeof(int))> control{};
    const auto bytes = descriptors.size() * sizeof(int);
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(bytes);
    auto* const c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(bytes);
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
        const int number = descriptors[i].get();
        std::memcpy(CMSG_DATA(c) + i * sizeof number, &number, sizeof number);
    }
    if (::sendmsg(found->second.socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return errno;
    if (!busy()) next_look_ = Clock::now() + look_every;
    found->second.asked.push_back(id);
    return 0;
}

std::optional<Zygotes::Answer> Zygotes::next() {
    for (auto& [id, zygote] : all_) {
        if (!zygote.socket) continue;
        CopyReply reply;
        const auto got = ::recv(zygote.socket.get(), &reply, sizeof reply, MSG_DONTWAIT | MSG_TRUNC);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        const bool sense =
            std::cmp_equal(got, sizeof reply) && !zygote.asked.empty() && zygote.asked.front() == reply.id;
        if (!sense) {  // or its end, of which its exit tells
            zygote.socket.reset();
            condemn(id);
            continue;
        }
        zygote.asked.pop_front();
        zygote.looks = 0;
        return Answer{id, reply};
    }
    return std::nullopt;
}

std::vector<std::uint64_t> Zygotes::take_condemned(TimePoint now) {
    if (busy() && now >= next_look_) {
        next_look_ = now + look_every;
        for (auto& [id, zygote] : all_)
            if (!zygote.asked.empty() && ++zygote.looks == looks_max) condemn(id);
    }
    return std::exchange(condemned_, {});
}

bool Zygotes::busy() const {
    return std::ranges::any_of(all_, [](const auto& entry) { return !entry.second.asked.empty(); });
}

void Zygotes::wait_for(std::vector<pollfd>& waits) const {
    for (const auto& [id, zygote] : all_)
        if (zygote.socket) waits.push_back({zygote.socket.get(), POLLIN, 0});
}

int Zygotes::wait_ms() const { return busy() ? static_cast<int>(std::chrono::milliseconds{look_every}.count()) : -1; }

}  // namespace caisson::keeper
