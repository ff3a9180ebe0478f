// SPDX-License-Identifier: Apache-2.0
/// A client, a bare epoll loop as a relay, and two workers, with the frames and windows of frame_feed: the limit of
/// separately tracked calls through the service.
///
///     limit_frame_relay SECONDS
#include <algorithm>

#include "frames.hpp"

using namespace bench;

namespace {

constexpr std::size_t client_window = raw::workers * raw::window;

/// One worker, as the relay sees it.
struct Worker {
    raw::Pair pair = {};
    pid_t child = 0;
    raw::FrameInput input = {};
    std::size_t under_way = 0;
};

class Relay {
   public:
    explicit Relay(int client) : client_(client), workers_(raw::workers) {
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            Worker& worker = workers_[i];
            worker.pair = raw::stream_pair();
            worker.child = raw::fork_peer(worker.pair, [this](int fd) {
                close(client_);
                for (const Worker& other : workers_)
                    if (other.child != 0) close(other.pair.ours);
                raw::square_frames(fd);
            });
            readable_.add(worker.pair.ours, i);
        }
        readable_.add(client_, client_number);
    }

    void run() {
        while (!from_client_.gone()) {
            for (const auto& event : readable_.wait()) {
                if (event.data.u64 == client_number) {
                    give(from_client_.read(client_));
                } else {
                    take(workers_[event.data.u64]);
                }
            }
        }
        for (const Worker& worker : workers_) raw::part(worker.pair, worker.child);
    }

   private:
    static constexpr std::size_t client_number = raw::workers;

    /// In equal shares; the client's window is the sum of the workers', so there is always room.
    void give(std::span<const raw::Frame> frames) {
        for (std::size_t i = 0; i < workers_.size() && !frames.empty(); ++i) {
            Worker& worker = workers_[i];
            const auto fair = (frames.size() + workers_.size() - i - 1) / (workers_.size() - i);
            const bool last = i + 1 == workers_.size();
            const auto share = frames.first(std::min(last ? frames.size() : fair, raw::window - worker.under_way));
            worker.under_way += share.size();
            raw::write_all(worker.pair.ours, std::as_bytes(share));
            frames = frames.subspan(share.size());
        }
        if (!frames.empty()) give(frames);
    }
    void take(Worker& worker) {
        const auto frames = worker.input.read(worker.pair.ours);
        worker.under_way -= frames.size();
        raw::write_all(client_, std::as_bytes(frames));
    }

    int client_;
    raw::Readable readable_;
    raw::FrameInput from_client_;
    std::vector<Worker> workers_;
};

/// As many new frames as answers came, for as long as the time is not over; how many answers in all.
std::uint64_t ask(int relay, Clock::time_point end) {
    std::vector<raw::Frame> frames(client_window, raw::Frame{.body = 12});
    raw::FrameInput input;
    raw::write_all(relay, std::as_bytes(std::span{frames}));
    std::uint64_t answered = 0;
    while (Clock::now() < end) {
        const auto answers = input.read(relay);
        if (input.gone()) give_up("the relay has gone");
        for (const raw::Frame& answer : answers)
            if (answer.body != 144) give_up("a wrong answer");
        for (raw::Frame& frame : std::span{frames}.first(answers.size())) frame.id = ++answered;
        raw::write_all(relay, std::as_bytes(std::span{frames}.first(answers.size())));
    }
    return answered;
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = number(argc, argv, 1, "limit_frame_relay SECONDS");
    const auto pair = raw::stream_pair();
    const pid_t child = raw::fork_peer(pair, [](int fd) { Relay{fd}.run(); });
    const auto start = Clock::now();
    const auto answered = ask(pair.ours, end_after(seconds));
    Report{}.add("per_s", static_cast<double>(answered) / seconds_since(start)).print();
    kill(child, SIGKILL);
    raw::part(pair, child);
}
