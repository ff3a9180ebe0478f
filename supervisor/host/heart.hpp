// SPDX-License-Identifier: Apache-2.0
/// The heart of a worker: a thread that says in the black box, every now and then while calls run, that the process
/// gets to run.
///
/// The main thread may be deep in a plugin for hours; only another thread can speak meanwhile. It knows nothing of the
/// call: a call that hangs is found by its deadline, a process that is stopped or frozen by the silence of its heart.
/// While no call runs it sleeps without end, so that an idle worker costs nothing; the first call after a pause wakes
/// it. It takes no lock, allocates nothing and gets no signal.
#pragma once

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace caisson::host {

class Heart {
   public:
    explicit Heart(std::atomic<std::int64_t>& beat_ns) : beat_ns_(beat_ns) {}
    Heart(const Heart&) = delete;
    Heart& operator=(const Heart&) = delete;
    ~Heart();

    /// Starts the thread. Where none can be had, nothing beats and nothing is concluded from that.
    void start(std::chrono::milliseconds pause);
    /// A call begins, or some of a batch.
    void begin() {
        // Sequentially consistent on both sides: either the heart sees the call, or this sees that it sleeps.
        busy_.store(1, std::memory_order_seq_cst);
        if (asleep_.load(std::memory_order_seq_cst) != 0) [[unlikely]]
            wake();
    }
    void end() { busy_.store(0, std::memory_order_release); }

   private:
    static void* run(void* heart);
    void live();
    void wake();

    std::atomic<std::int64_t>& beat_ns_;
    std::atomic<std::uint32_t> busy_ = 0;
    std::atomic<std::uint32_t> asleep_ = 0;
    std::atomic<std::uint32_t> stopping_ = 0;
    std::chrono::milliseconds pause_{};
    pthread_t thread_{};
    bool beats_ = false;
};

}  // namespace caisson::host
