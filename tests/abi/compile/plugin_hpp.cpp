// SPDX-License-Identifier: Apache-2.0
// One method of each kind that the C++ face offers.
#include <caisson/plugin.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace caisson::plugin;

struct Point {
    int x = 0;
    int y = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, y)

class Shelf {
   public:
    explicit Shelf(const Host& host) : size_(host.settings().value("size", std::size_t{1})) {}
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    void grow(std::uint8_t by) { size_ += by; }

   private:
    std::size_t size_;
};

std::int64_t square(std::int64_t n) { return n * n; }
double sum(const std::vector<double>& values) {
    double total = 0;
    for (const double value : values) total += value;
    return total;
}

}  // namespace

CAISSON_PLUGIN("compile", "1.0.0") {
    state<Shelf>();
    on_create([](const Host&) {});
    on_destroy([] {});
    extension("example/1", nullptr);

    method("square", square).help("n times n").idempotent();
    method("sum", sum);
    method("size", &Shelf::size);
    method("grow", &Shelf::grow);
    method("flip", [](Point p) { return Point{p.y, p.x}; });
    method("scale", [](float a, float b) { return a * b; });
    method("join", [](std::string a, const std::string& b, bool between) { return a + (between ? " " : "") + b; });
    method("nothing", [] {});
    method("any", [](Json value) { return value; });
    method("raw", [](Bytes body) { return Raw{std::string{text(body)}}; });
    method("copy", [](Bytes body) { return std::vector<std::byte>{body.begin(), body.end()}; });
    method("stream",
           [](Call& call) {
               call.set_encoding(Encoding::json);
               call.write(call.param<std::string>("text", "null"));
           })
        .input("none")
        .output("json");
    method("all", [](Shelf& shelf, const Call& call, std::vector<std::vector<std::int32_t>> rows) {
        call.check_cancelled();
        call.progress(1, "done");
        return rows.size() + shelf.size() + call.attempt() + call.id() + (call.deadline() ? 1U : 0U);
    });
    method("refuse", [] { throw Error{Status::not_found, "no"}; });
}
