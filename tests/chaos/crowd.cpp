// SPDX-License-Identifier: Apache-2.0
#include "chaos/crowd.hpp"

#include <nlohmann/json.hpp>
#include <span>

namespace caisson::test {
namespace {

using namespace std::chrono_literals;

/// Items that are out at a time: more than the workers hold, less than a pause of them lets run out of time.
constexpr std::size_t window = 1024;

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014): a number that looks like chance.
std::uint64_t mixed(std::uint64_t number) {
    number += 0x9E37'79B9'7F4A'7C15;
    number = (number ^ (number >> 30)) * 0xBF58'476D'1CE4'E5B9;
    number = (number ^ (number >> 27)) * 0x94D0'49BB'1331'11EB;
    return number ^ (number >> 31);
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span{text}); }

}  // namespace

// "NAME TIMES HOW", as ledger.try wants it.
std::string Crowd::body_of(std::uint64_t number) const {
    const auto name = std::to_string(number);
    const auto dice = mixed(orders_.seed ^ mixed(number));
    if (dice % 40'000 == 0) return name + " 9 hang";
    if (dice % 2'000 > 3) return name;
    static constexpr const char* ways[] = {" segv", " exit", " die"};
    return name + (dice % 2 == 0 ? " 1" : " 9") + ways[(dice >> 20) % 3];
}

void Crowd::run() {
    auto client = Client::connect(orders_.socket);
    if (!client) {
        trouble_ = client.error().message;
        return;
    }
    while (true) {
        const bool more = fates_.size() < orders_.at_least || !*orders_.over;
        while (more && outstanding_ < window && trouble_.empty()) submit_some(*client);
        if (outstanding_ == 0 || !trouble_.empty()) return;
        auto event = client->next(60s);
        if (!event || !*event) {
            trouble_ = event ? "no outcome within a minute" : event.error().message;
            return;
        }
        take(**event);
    }
}

// As a batch, or as single calls.
void Crowd::submit_some(Client& client) {
    const CallRequest request{.target = orders_.method};
    const auto count = chance_() % 4 == 0 ? 1 : 1 + chance_() % 300;
    const auto first = fates_.size();
    fates_.resize(first + count);
    std::expected<std::uint64_t, ClientError> call{0};
    if (count == 1) {
        const auto body = body_of(number(first));
        auto one = request;
        one.body = bytes_of(body);
        call = client.submit(one);
    } else {
        Batch batch;
        for (std::size_t i = 0; i < count; ++i)
            if (!batch.add(bytes_of(body_of(number(first + i))))) trouble_ = "a small batch is full";
        call = client.submit(request, batch);
    }
    if (!call) {
        trouble_ = call.error().message;
        return;
    }
    open_[*call] = {first, static_cast<std::uint32_t>(count)};
    outstanding_ += count;
}

void Crowd::take(const Event& event) {
    if (const auto* const items = std::get_if<Items>(&event)) {
        const auto open = open_.find(items->call);
        if (open == open_.end()) {
            trouble_ = "items of no batch";
            return;
        }
        const auto first = open->second.first + items->first;
        for (std::size_t i = 0; i < items->outputs.size(); ++i)
            end_one(first + i, Outcome::ok, 1, items->outputs[i] == std::to_string(number(first + i)), false);
        open->second.left -= static_cast<std::uint32_t>(items->outputs.size());
        if (open->second.left == 0) open_.erase(open);
    } else if (const auto* const done = std::get_if<Done>(&event)) {
        end(done->call, done->first, done->count, done->result);
    }
}

void Crowd::end(std::uint64_t call, std::uint32_t first, std::uint32_t count, const CallResult& result) {
    const auto open = open_.find(call);
    if (open == open_.end()) {
        trouble_ = "an outcome of no call";
        return;
    }
    const auto document = nlohmann::json::parse(result.json.empty() ? "{}" : result.json, nullptr, false);
    const bool waited = document.value("phase", "") == "waiting";
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto index = open->second.first + first + i;
        const bool right = result.outcome != Outcome::ok || result.output == std::to_string(number(index));
        end_one(index, result.outcome, result.attempts, right, waited);
        if (!right && first_wrong_.empty()) first_wrong_ = std::to_string(number(index)) + ": " + result.output;
    }
    open->second.left -= count;
    if (open->second.left == 0) open_.erase(open);
}

void Crowd::end_one(std::size_t index, Outcome outcome, std::uint32_t attempts, bool right, bool waited) {
    auto& fate = fates_.at(index);
    ++fate.outcomes;
    fate.outcome = outcome;
    fate.right = right;
    fate.waited = waited;
    fate.attempts = static_cast<std::uint8_t>(attempts);
    --outstanding_;
}

}  // namespace caisson::test
