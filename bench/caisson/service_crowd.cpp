// SPDX-License-Identifier: Apache-2.0
/// Many clients whose calls wait: the crowd that other callers must not notice.
///
///     bench_service_crowd CLIENTS CALLS WORKERS
///
/// Connects, and makes all WORKERS of the pool `busy` run a call that never ends. Then, for a line on its input, each
/// client hands over CALLS tiny calls to that pool. It prints a line when each is done, and goes when its input ends.
#include <caisson/client.hpp>
#include <cstdio>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "../measured.hpp"

using namespace bench;

namespace {

constexpr std::string_view usage = "bench_service_crowd CLIENTS CALLS WORKERS";
constexpr std::int64_t input = 12;

template <class T>
T good(std::expected<T, caisson::ClientError> result) {
    if (!result) give_up(result.error().message);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

void send(caisson::Client& client) {
    while (client.unsent() > 0)
        if (good(client.next(std::chrono::milliseconds{1}))) give_up("a call that should wait has ended");
}

std::vector<caisson::Client> connect(std::size_t count) {
    std::vector<caisson::Client> clients;
    clients.reserve(count);
    for (std::size_t i = 0; i < count; ++i) clients.push_back(good(caisson::Client::connect()));
    return clients;
}

void occupy(caisson::Client& client, std::size_t workers) {
    for (std::size_t i = 0; i < workers; ++i) good(client.submit({.target = "busy.deadlock"}));
    send(client);
}

void wait_in_line(std::vector<caisson::Client>& clients, std::size_t calls) {
    const caisson::CallRequest request{
        .target = "busy.ok", .body = std::as_bytes(std::span{&input, 1}), .encoding = caisson::BodyEncoding::packed};
    for (auto& client : clients) {
        for (std::size_t i = 0; i < calls; ++i) good(client.submit(request));
        send(client);
    }
}

/// Says what is done; false when nobody wants more.
bool done(std::string_view what) {
    std::string line;
    std::cout << what << std::endl;
    return static_cast<bool>(std::getline(std::cin, line));
}

}  // namespace

int main(int argc, char** argv) {
    const auto count = static_cast<std::size_t>(number(argc, argv, 1, usage));
    const auto calls = static_cast<std::size_t>(number(argc, argv, 2, usage));
    const auto workers = static_cast<std::size_t>(number(argc, argv, 3, usage));
    auto clients = connect(count);
    occupy(clients.front(), workers);
    if (!done("connected")) return 0;
    wait_in_line(clients, calls);
    while (done("waiting")) {
    }
    std::_Exit(0);  // the crowd goes all at once, as if it had been killed
}
