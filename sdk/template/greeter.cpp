// SPDX-License-Identifier: Apache-2.0
/// A plugin to start from: a typed method, one that works on bytes, and state that settings can change.
#include <caisson/plugin.hpp>
#include <cstdint>
#include <string>

namespace {

using caisson::plugin::Bytes;
using caisson::plugin::Call;
using caisson::plugin::Host;

/// Made once in each worker. Settings come from [pool.greeter.settings] of the service's configuration.
class Greeter {
   public:
    explicit Greeter(const Host& host) : greeting_(host.settings().value("greeting", std::string{"Hello"})) {}

    /// Input and result are JSON strings: '"Ada"' gives "Hello, Ada".
    [[nodiscard]] std::string greet(const std::string& name) const { return greeting_ + ", " + name; }

   private:
    std::string greeting_;
};

/// A number in, a number out; a float64 may also come packed.
double celsius(double fahrenheit) { return (fahrenheit - 32) * 5 / 9; }

/// The body as it is, with params: {"times": 2} gives it twice. A long method looks now and then if it should give up.
void repeat(Bytes body, Call& call) {
    for (auto left = call.param("times", std::uint32_t{1}); left > 0; --left) {
        call.check_cancelled();
        call.write(body);
    }
}

}  // namespace

CAISSON_PLUGIN("greeter", "0.1.0") {
    state<Greeter>();
    method("greet", &Greeter::greet).help("greets the given name").idempotent();
    method("celsius", celsius).help("degrees Fahrenheit in degrees Celsius").idempotent();
    method("repeat", repeat).help("the body, params.times times").idempotent();
}
