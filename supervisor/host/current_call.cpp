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

CurrentCall::CurrentCall(wire::BlackBox& box, Outlet& outlet) : box_(box), outlet_(outlet), spill_(box) {
    // Now, so that nothing the plugin asks for later can fail for want of memory and throw through its C frames.
    output_.reserve(inline_output_bytes);
    error_.reserve(max_error_text_bytes);
    note_.reserve(max_note_bytes);
}

const caisson_call& CurrentCall::begin(const Incoming& incoming, std::int64_t started_ns) {
    const std::lock_guard lock{mutex_};
    caisson_call& call = slots_[next_slot_++ % slots_.size()];
    call = {.size = sizeof call,
            .method = incoming.method,
            .id = incoming.id,
            .deadline_ns = incoming.deadline_ns,
            .params = view_of(incoming.params),
            .body = view_of(incoming.body),
            .encoding = static_cast<std::uint32_t>(incoming.encoding),
            .attempt = incoming.attempt};
    output_.clear();
    stream_ = incoming.stream;
    in_batch_ = incoming.in_batch;
    spill_.allow_box(incoming.copied);
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
    if (returned.status != CAISSON_OK)
        outlet_.append(header, error_, {});
    else if (spill_.used()) {
        spill_.append(output_);
        output_.clear();
        send_spilled(header);
    } else if (in_batch_)
        outlet_.add_to_run(header.id, header.encoding, output_, header.time_ns);
    else
        outlet_.append(header, {}, output_);
    spill_.reset();
    box_.running.store(0, std::memory_order_release);
    publish(box_.activity, wire::Activity::idle);
}

void CurrentCall::begin_items(std::int64_t started_ns) {
    box_.started_ns.store(started_ns, std::memory_order_relaxed);
    publish(box_.activity, wire::Activity::running);
}

void CurrentCall::answer_large_item(std::uint64_t id, wire::Encoding encoding, std::span<const std::byte> output,
                                    std::int64_t run_ns) {
    spill_.allow_box(false);
    spill_.append(output);
    send_spilled({.type = wire::Type::result, .encoding = encoding, .id = id, .time_ns = run_ns});
    spill_.reset();
}

void CurrentCall::fail_item(std::uint64_t id, caisson_status status, std::string_view message, std::int64_t run_ns) {
    assign_bounded(error_, message, max_error_text_bytes);
    outlet_.append({.type = wire::Type::result, .id = id, .a = static_cast<std::uint32_t>(status), .time_ns = run_ns},
                   error_);
}

void CurrentCall::end_items(std::int64_t more_ns) {
    outlet_.close_run(more_ns);
    box_.running.store(0, std::memory_order_release);
    publish(box_.activity, wire::Activity::idle);
}

// The memfd is on its way before the result is published: who sees the result has what it speaks of.
void CurrentCall::send_spilled(wire::Header result) {
    const std::uint64_t bytes = spill_.bytes();
    if (spill_.in_box()) {
        spill_.leave_in_box();
        result.flags = wire::flag::boxed;
        return outlet_.append(result, {}, std::as_bytes(std::span{&bytes, 1}));
    }
    if (const auto sealed = spill_.seal(); !sealed) {
        result.a = CAISSON_UNAVAILABLE;
        return outlet_.append(result, sealed.error().text());
    }
    outlet_.send_memory(result.id, spill_.descriptor());
    result.flags = wire::flag::detached;
    outlet_.append(result, {}, std::as_bytes(std::span{&bytes, 1}));
}

void CurrentCall::answer_unstarted(std::uint64_t id, caisson_status status, std::string_view text) {
    const std::lock_guard lock{mutex_};
    outlet_.append({.type = wire::Type::result, .id = id, .a = static_cast<std::uint32_t>(status), .time_ns = -1},
                   text);
}

void CurrentCall::announce(const wire::Header& header, std::string_view head) {
    const std::lock_guard lock{mutex_};
    outlet_.append(header, head);
}

void CurrentCall::flush() {
    const std::lock_guard lock{mutex_};
    outlet_.flush();
}

void CurrentCall::end_batch() {
    const std::lock_guard lock{mutex_};
    outlet_.close_run();
    outlet_.flush_if_much();
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
    if (stream_) return send_chunks(bytes);
    if (output_.size() + bytes.size() > inline_output_bytes) {
        spill_.append(output_);
        output_.clear();
        if (bytes.size() > inline_output_bytes) return spill_.append(bytes);
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

// At once: somebody waits for the piece, and the method may go on for long.
void CurrentCall::send_chunks(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(bytes.size(), inline_output_bytes));
        outlet_.append(header_of(wire::Type::chunk), {}, piece);
        outlet_.flush();
        bytes = bytes.subspan(piece.size());
    }
}

}  // namespace caisson::host
