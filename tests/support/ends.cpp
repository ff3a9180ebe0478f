// SPDX-License-Identifier: Apache-2.0
#include "support/ends.hpp"

#include <stdexcept>

#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

/// Longer outputs are looked at by the tests that make them.
constexpr std::size_t short_output_bytes = 100;

template <class Number>
Number checked(std::expected<Number, ClientError> number) {
    if (!number) throw std::runtime_error(number.error().message);
    return *number;
}

}  // namespace

std::uint64_t Ends::submit(const CallRequest& request) { return checked(client_.submit(request)); }

std::uint64_t Ends::submit(const CallRequest& request, const std::vector<std::string>& bodies) {
    Batch batch;
    for (const auto& body : bodies)
        if (!batch.add(wire::bytes_of(body))) throw std::runtime_error("an item does not fit into the batch");
    return checked(client_.submit(request, batch));
}

void Ends::take_one() {
    const auto event = client_.next(patience);
    if (!event) throw std::runtime_error(event.error().message);
    if (!*event) throw std::runtime_error("no event came in time");
    if (const auto* const done = std::get_if<Done>(&**event))
        for (std::uint32_t i = 0; i < done->count; ++i) add(done->call, done->first + i, done->result);
    if (const auto* const items = std::get_if<Items>(&**event))
        for (std::uint32_t i = 0; i < items->outputs.size(); ++i) {
            CallResult result;
            result.output = items->outputs[i];
            result.encoding = items->encoding;
            add(items->call, items->first + i, result);
        }
    if (const auto* const piece = std::get_if<Piece>(&**event)) pieces_[piece->call] += piece->bytes;
    if (const auto* const progress = std::get_if<Progress>(&**event)) notes_[progress->call] = progress->note;
}

void Ends::add(std::uint64_t call, std::uint32_t item, const CallResult& result) {
    auto how = summary(result);
    if (result.outcome == Outcome::ok && result.bytes().size() <= short_output_bytes)
        how += " " + std::string{result.bytes()};
    if (!ends_.emplace(std::pair{call, item}, End{std::move(how), result}).second)
        throw std::runtime_error("item " + std::to_string(item) + " ended twice");
}

void Ends::take_all() {
    while (client_.outstanding() > 0) take_one();
}

const std::string& Ends::await(std::uint64_t call, std::uint32_t item) {
    while (of(call, item).empty()) take_one();
    return of(call, item);
}

const std::string& Ends::of(std::uint64_t call, std::uint32_t item) const {
    static const std::string none;
    const auto found = ends_.find({call, item});
    return found == ends_.end() ? none : found->second.how;
}

const CallResult& Ends::result(std::uint64_t call, std::uint32_t item) const { return ends_.at({call, item}).result; }

std::map<std::string, int> Ends::count() const {
    std::map<std::string, int> count;
    for (const auto& [item, end] : ends_) ++count[end.result.outcome == Outcome::ok ? "ok" : end.how];
    return count;
}

}  // namespace caisson::test
