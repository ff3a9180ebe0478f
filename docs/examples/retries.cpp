// SPDX-License-Identifier: Apache-2.0
// A call that may be tried again, here in vain.
#include <caisson/pool.hpp>
#include <iostream>

int main() {
    using namespace std::chrono_literals;
    caisson::Pool pool{{.plugin = CHAOS, .retry_on = {caisson::RetryOn::failed}, .retry_backoff = {.min = 1ms}}};
    const auto result = pool.try_apply<void>("fail", caisson::no_input, {.retries = 2});
    std::cout << result.error().headline() << ", after " << result.error().attempts() << " attempts\n";
}
