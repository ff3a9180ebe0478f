// SPDX-License-Identifier: Apache-2.0
#include "fleet/box.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/system.hpp"
#include "base/text.hpp"

namespace caisson::fleet {

Result<Box> Box::make() {
    auto memory = sys::sealed_memory("caisson-black-box", sizeof(wire::BlackBox));
    if (!memory) return std::unexpected(memory.error());
    void* const at = ::mmap(nullptr, sizeof(wire::BlackBox), PROT_READ | PROT_WRITE, MAP_SHARED, memory->get(), 0);
    if (at == MAP_FAILED) return fail_errno("mapping a black box", errno);
    // A new memfd is zero, and zero is the right start of everything but the first three fields.
    auto* const box = static_cast<wire::BlackBox*>(at);
    box->magic = wire::black_box_magic;
    box->version = wire::black_box_version;
    box->box_bytes = sizeof(wire::BlackBox);
    return Box{std::move(*memory), box};
}

Box::Box(Box&& other) noexcept : memory_(std::move(other.memory_)), box_(std::exchange(other.box_, nullptr)) {}
Box& Box::operator=(Box&& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(box_, other.box_);
    return *this;
}
Box::~Box() {
    if (box_ != nullptr) ::munmap(box_, sizeof(wire::BlackBox));
}

void Box::cancel(std::uint64_t sequence) { box_->cancel_sequence.store(sequence, std::memory_order_release); }
void Box::stop() { box_->stopping.store(1, std::memory_order_release); }

wire::Claim Box::close_claim() {
    std::uint64_t word = box_->claim.load(std::memory_order_acquire);
    while (true) {
        wire::Claim closed = wire::Claim::from(word);
        closed.generation = closed.next_generation();
        closed.closed = true;
        if (box_->claim.compare_exchange_weak(word, closed.word(), std::memory_order_acq_rel)) return closed;
    }
}

wire::Claim Box::claim() const { return wire::Claim::from(box_->claim.load(std::memory_order_acquire)); }
std::uint64_t Box::running() const { return box_->running.load(std::memory_order_acquire); }
TimePoint Box::started() const { return from_ns(box_->started_ns.load(std::memory_order_acquire)); }

wire::SetupStep Box::step() const {
    const auto number = box_->step.load(std::memory_order_acquire);
    return static_cast<wire::SetupStep>(std::min(number, static_cast<std::uint32_t>(wire::SetupStep::done)));
}

// Empty if what is asked for is not in the ring, or was written over while it was copied.
std::vector<std::byte> Box::copy(std::uint64_t from, std::uint64_t until) const {
    if (until <= from || until - from > wire::ring_bytes) return {};
    const auto count = static_cast<std::size_t>(until - from);
    const auto begin = static_cast<std::size_t>(from % wire::ring_bytes);
    const auto first = std::min(count, wire::ring_bytes - begin);
    std::vector<std::byte> out(count);
    std::memcpy(out.data(), box_->ring + begin, first);
    std::memcpy(out.data() + first, box_->ring, count - first);
    std::atomic_thread_fence(std::memory_order_acquire);
    const auto reserved = box_->reserved.load(std::memory_order_relaxed);
    if (reserved > from && reserved - from > wire::ring_bytes) return {};
    return out;
}

std::vector<std::byte> Box::output_after(std::uint64_t offset) const {
    return copy(offset, box_->written.load(std::memory_order_acquire));
}

std::optional<Box::OpenRun> Box::open_run(std::uint64_t offset) const {
    const auto bytes = copy(offset, box_->run_end.load(std::memory_order_acquire));
    if (box_->written.load(std::memory_order_acquire) != offset) return std::nullopt;  // it has been closed
    if (bytes.size() <= sizeof(wire::Header)) return std::nullopt;
    OpenRun run;
    std::memcpy(&run.header, bytes.data(), sizeof run.header);
    if (run.header.type != wire::Type::run || run.header.encoding > wire::Encoding::packed) return std::nullopt;
    run.header.time_ns = 0;  // not known yet
    run.records.assign(bytes.begin() + sizeof(wire::Header), bytes.end());
    return run;
}

std::optional<Crash> Box::crash() const {
    const auto progress = box_->crash.progress.load(std::memory_order_acquire);
    if (progress == static_cast<std::uint32_t>(wire::CrashProgress::none)) return std::nullopt;
    // One copy, then look: a thread of a dying plugin may still be writing.
    struct Copy {
        alignas(wire::CrashRecord) std::byte bytes[sizeof(wire::CrashRecord)];
    };
    const auto copy = std::make_unique<Copy>();
    std::memcpy(copy->bytes, &box_->crash, sizeof(wire::CrashRecord));
    const auto& record = *std::launder(reinterpret_cast<const wire::CrashRecord*>(copy->bytes));

    Crash crash{.signal = record.signal, .code = record.code, .address = record.address, .stack = {}};
    if (progress < static_cast<std::uint32_t>(wire::CrashProgress::stack_recorded)) return crash;
    const auto modules = std::min<std::size_t>(record.module_count, wire::max_modules);
    const auto frames = std::min<std::size_t>(record.frame_count, wire::max_frames);
    for (std::size_t i = 0; i < frames; ++i) {
        const auto& frame = record.frames[i];
        StackAddress place{.address = frame.address, .offset = frame.address, .module = {}};
        if (frame.module < modules) {
            const char* const path = record.modules[frame.module];
            place.offset = frame.offset;
            place.module = printable({path, ::strnlen(path, wire::max_module_path_bytes)});
        }
        crash.stack.push_back(std::move(place));
    }
    return crash;
}

std::string_view word(wire::SetupStep step) {
    switch (step) {
        case wire::SetupStep::handshake:
            return "handshake";
        case wire::SetupStep::confine:
            return "confine";
        case wire::SetupStep::load:
            return "load";
        case wire::SetupStep::create:
            return "create";
        case wire::SetupStep::done:
            return "done";
    }
    return "done";
}

}  // namespace caisson::fleet
