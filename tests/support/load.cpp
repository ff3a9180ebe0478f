// SPDX-License-Identifier: Apache-2.0
#include "support/load.hpp"

#include <map>
#include <stdexcept>

#include "client/client.hpp"
#include "support/eventually.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

/// Calls under way at a time: enough that workers hold some beyond the one they run.
constexpr std::size_t window = 64;

}  // namespace

Load::Load(std::filesystem::path socket, std::string target)
    : socket_(std::move(socket)), target_(std::move(target)), thread_([this] { run(); }) {}

Load::~Load() { (void)stop(); }

void Load::await(std::uint64_t more) const {
    const auto enough = right_ + more;
    if (!eventually([&] { return right_ >= enough; }))
        throw std::runtime_error("the load on " + target_ + " stands still");
}

std::string Load::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return wrong_;
}

void Load::run() {
    auto client = Client::connect(socket_, patience);
    if (!client) {
        wrong_ = client.error().message;
        return;
    }
    const auto note = [this](std::string what) {
        if (wrong_.empty()) wrong_ = std::move(what);
    };
    std::map<std::uint64_t, std::uint64_t> asked;  // call -> number
    for (std::uint64_t number = 0; !stopping_ || !asked.empty();) {
        while (!stopping_ && asked.size() < window) {
            const auto text = std::to_string(++number % 1'000'000);
            const auto id = client->submit({.target = target_, .body = wire::bytes_of(text)});
            if (!id) return note(id.error().message);
            asked.emplace(*id, number % 1'000'000);
        }
        // Longer than any test waits for it: one of them stops the whole service for as long as patience lasts.
        const auto event = client->next(4 * patience);
        if (!event) return note(event.error().message);
        if (!*event) return note("no answer in time");
        const auto* const done = std::get_if<Done>(&**event);
        if (done == nullptr) continue;
        const auto call = asked.find(done->call);
        if (call == asked.end()) return note("a call ended twice");
        if (done->result.outcome != Outcome::ok)
            note(done->result.json);
        else if (done->result.output != std::to_string(call->second * call->second))
            note(std::to_string(call->second) + " squared is not " + done->result.output);
        else
            ++right_;
        asked.erase(call);
    }
}

}  // namespace caisson::test
