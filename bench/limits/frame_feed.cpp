// SPDX-License-Identifier: Apache-2.0
/// A bare epoll loop that keeps 256 frames under way to each of two workers and counts the answers: the limit of
/// separately tracked calls in an embedded pool.
///
///     limit_frame_feed SECONDS
#include "frames.hpp"

using namespace bench;

namespace {

struct Worker {
    raw::Pair pair = {};
    pid_t child = 0;
    raw::FrameInput input = {};
};

std::vector<Worker> start_workers() {
    std::vector<Worker> workers(raw::workers);
    for (Worker& worker : workers) {
        worker.pair = raw::stream_pair();
        worker.child = raw::fork_peer(worker.pair, [&workers](int fd) {
            for (const Worker& other : workers)
                if (other.child != 0) close(other.pair.ours);
            raw::square_frames(fd);
        });
    }
    return workers;
}

/// Sends new frames.
class Feeder {
   public:
    void feed(const Worker& worker, std::size_t count) {
        const auto frames = std::span{frames_}.first(count);
        for (raw::Frame& frame : frames) {
            frame.id = ++last_;
            frame.body = 12;
        }
        raw::write_all(worker.pair.ours, std::as_bytes(frames));
    }

   private:
    std::vector<raw::Frame> frames_ = std::vector<raw::Frame>(raw::window);
    std::uint64_t last_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    const double seconds = number(argc, argv, 1, "limit_frame_feed SECONDS");
    auto workers = start_workers();
    raw::Readable readable;
    Feeder feeder;
    const auto start = Clock::now();
    const auto end = end_after(seconds);
    for (std::size_t i = 0; i < workers.size(); ++i) {
        readable.add(workers[i].pair.ours, i);
        feeder.feed(workers[i], raw::window);
    }
    std::uint64_t answered = 0;
    while (Clock::now() < end) {
        for (const auto& event : readable.wait()) {
            Worker& worker = workers[event.data.u64];
            const auto frames = worker.input.read(worker.pair.ours);
            for (const raw::Frame& frame : frames)
                if (frame.body != 144) give_up("a wrong answer");
            answered += frames.size();
            feeder.feed(worker, frames.size());
        }
    }
    Report{}.add("per_s", static_cast<double>(answered) / seconds_since(start)).print();
    for (const Worker& worker : workers) kill(worker.child, SIGKILL);
    for (const Worker& worker : workers) raw::part(worker.pair, worker.child);
}
