// SPDX-License-Identifier: Apache-2.0
#include "host/current_call.hpp"

#include <algorithm>
#include <cmath>

#include "host/bounded_text.hpp"

namespace caisson::host {
namespace {

caisson_view view_of(std::span<const std::byte> bytes) {
    return {bytes.empty() ? nullptr : bytes.data(), bytes.size()};
}

std::uint32_t parts_per_million(double fraction) {
    if (!(fraction > 0)) return 0;  // not a number, too
    return static_cast<std::uint32_t>(std::lround(std::min(fraction, 1.0) * 1'000'000));
}

void publish(std::atomic<std::uint32_t>& word, wire::Activity activity) {
    word.store(static_cast<std::uint32_t>(activity), std::memory_order_release);
}

}  // namespace

CurrentCall::CurrentCall(wire::BlackBox& box, Outlet& outlet) : box_(box), outlet_(outlet) {
    // Now, so that nothing the plugin asks for later can fail for want of memory and throw through its C frames.
    output_.reserve(inline_output_bytes);
    error_.reserve(max_error_text_bytes);
    note_.reserve(max_note_bytes);
}

const caisson_call& CurrentCall::begin(const wire::Frame& frame, std::int64_t started_ns) {
    const std::lock_guard lock{mutex_};
    caisson_call& call = slots_[next_slot_++ % slots_.size()];
    call = {.size = sizeof call,
            .method = frame.header.a,
            .id = frame.header.id,
            .deadline_ns = frame.header.time_ns,
            .params = view_of(frame.head_bytes()),
            .body = view_of(frame.body()),
            .encoding = static_cast<std::uint32_t>(frame.header.encoding),
            .attempt = frame.header.attempt};
    output_.clear();
    error_.clear();
    encoding_ = wire::Encoding::bytes;
    wrote_ = set_encoding_ = false;
    started_ns_ = started_ns;
    last_progress_ns_ = 0;
    id_.store(call.id, std::memory_order_relaxed);
    deadline_ns_.store(call.deadline_ns, std::memory_order_relaxed);
    current_.store(&call, std::memory_order_release);

    // Who sees the number of the running call sees its start as well.
    box_.started_ns.store(started_ns, std::memory_order_relaxed);
    publish(box_.activity, wire::Activity::running);
    box_.running.store(call.id, std::memory_order_release);
    return call;
}

void CurrentCall::finish(const Returned& returned, std::int64_t ended_ns) {
    const std::lock_guard lock{mutex_};
    current_.store(nullptr, std::memory_order_release);
    if (!returned.broke.empty()) assign_bounded(error_, returned.broke, max_error_text_bytes);
    wire::Header header = header_of(wire::Type::result);
    header.a = static_cast<std::uint32_t>(returned.status);
    header.time_ns = ended_ns - started_ns_;
    outlet_.append(header, returned.status == CAISSON_OK ? std::string_view{} : error_, output_);
    box_.running.store(0, std::memory_order_release);
    publish(box_.activity, wire::Activity::idle);
}

void CurrentCall::answer_unstarted(const wire::Header& header, caisson_status status, std::string_view text) {
    const std::lock_guard lock{mutex_};
    outlet_.append(
        {.type = wire::Type::result, .id = header.id, .a = static_cast<std::uint32_t>(status), .time_ns = -1}, text);
}

void CurrentCall::announce(const wire::Header& header, std::string_view head) {
    const std::lock_guard lock{mutex_};
    outlet_.append(header, head);
}

void CurrentCall::flush() {
    const std::lock_guard lock{mutex_};
    outlet_.flush();
}

void CurrentCall::set_encoding(const caisson_call* call, std::uint32_t encoding) {
    const std::lock_guard lock{mutex_};
    if (!is_running(call) || wrote_ || set_encoding_ || encoding > CAISSON_PACKED) return;
    encoding_ = static_cast<wire::Encoding>(encoding);
    set_encoding_ = true;
}

void CurrentCall::write(const caisson_call* call, std::span<const std::byte> bytes) {
    if (bytes.empty()) return;
    const std::lock_guard lock{mutex_};
    if (!is_running(call)) return;
    wrote_ = true;
    while (output_.size() + bytes.size() > inline_output_bytes) {
        // Whole chunks: fill what is there, or send from the plugin's memory if nothing is.
        if (output_.empty()) {
            send_chunk(bytes.first(inline_output_bytes));
            bytes = bytes.subspan(inline_output_bytes);
            continue;
        }
        const auto part = bytes.first(inline_output_bytes - output_.size());
        output_.insert(output_.end(), part.begin(), part.end());
        bytes = bytes.subspan(part.size());
        send_chunk(output_);
        output_.clear();
    }
    output_.insert(output_.end(), bytes.begin(), bytes.end());
}

void CurrentCall::set_error(const caisson_call* call, std::string_view message) {
    const std::lock_guard lock{mutex_};
    if (is_running(call)) assign_bounded(error_, message, max_error_text_bytes);
}

void CurrentCall::progress(const caisson_call* call, double fraction, std::string_view note, std::int64_t now_ns) {
    const std::lock_guard lock{mutex_};
    if (!is_running(call)) return;
    if (last_progress_ns_ != 0 && now_ns - last_progress_ns_ < progress_interval_ns) return;
    last_progress_ns_ = now_ns;
    assign_bounded(note_, note, max_note_bytes);
    wire::Header header = header_of(wire::Type::progress);
    header.encoding = wire::Encoding::bytes;
    header.a = parts_per_million(fraction);
    outlet_.append(header, note_);
    outlet_.flush();
}

bool CurrentCall::cancelled(const caisson_call* call) const {
    if (!is_running(call)) return true;
    if (box_.stopping.load(std::memory_order_acquire) != 0) return true;
    if (box_.cancel_sequence.load(std::memory_order_acquire) == id_.load(std::memory_order_relaxed)) return true;
    const std::int64_t deadline_ns = deadline_ns_.load(std::memory_order_relaxed);
    return deadline_ns != 0 && to_ns(Clock::now()) >= deadline_ns;
}

bool CurrentCall::is_running(const caisson_call* call) const {
    return call != nullptr && call == current_.load(std::memory_order_acquire);
}

wire::Header CurrentCall::header_of(wire::Type type) const {
    return {.type = type, .encoding = encoding_, .id = id_.load(std::memory_order_relaxed)};
}

void CurrentCall::send_chunk(std::span<const std::byte> bytes) {
    outlet_.append(header_of(wire::Type::chunk), {}, bytes);
    outlet_.flush();
}

}  // namespace caisson::host
