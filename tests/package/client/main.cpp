// SPDX-License-Identifier: Apache-2.0
// A client as an outsider writes it: package_client POOL.METHOD BODY makes one call and prints how it ended.
#include <caisson/client.hpp>

#include <iostream>
#include <span>
#include <string_view>

int main(int count, char** arguments) {
    if (count != 3) return 2;
    auto client = caisson::Client::connect();
    if (!client) {
        std::cerr << client.error().message << '\n';
        return 3;
    }
    const std::string_view body{arguments[2]};
    const auto result = client->call({.target = arguments[1], .body = std::as_bytes(std::span{body})});
    if (!result) {
        std::cerr << result.error().message << '\n';
        return 3;
    }
    std::cout << caisson::word(result->outcome) << ": " << result->output << result->message << '\n';
}
