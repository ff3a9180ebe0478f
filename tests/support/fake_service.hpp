// SPDX-License-Identifier: Apache-2.0
/// A service without a supervisor: a thread that listens on a socket of its own and answers frames as a script says.
/// Batches reach the script as their items, one call after the other, so that a script need not know of them.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "wire/codec.hpp"
#include "wire/outcome.hpp"

namespace caisson::test {

class FakeService {
   public:
    /// A call, or an item of a batch.
    struct Id {
        // NOLINTNEXTLINE(google-explicit-constructor): most tests know calls only
        Id(std::uint64_t number) : call(number) {}
        Id(std::uint64_t number, std::uint32_t place) : call(number), item(place), in_batch(true) {}
        std::uint64_t call;
        std::uint32_t item = 0;
        bool in_batch = false;
    };

    struct Call {
        Id id{0};
        std::string target;
        std::string params;
        std::string body;
        std::int64_t time_ns = 0;
        int priority = 0;
        std::uint8_t attempt = 0;  ///< 1 + the retries that were asked for, or 0
        std::uint8_t flags = 0;
        std::uint32_t batch_items = 0;  ///< of the batch that it came in; 0: of its own
    };

    /// An output in a memfd, and what may be wrong with it.
    struct Detached {
        std::string_view contents;
        bool sealed = true;
        std::optional<std::uint64_t> announced_bytes = {};  ///< not the true number
        int descriptors = 1;                                ///< so many come with it
    };

    /// The connection of one client, for the script to answer on. Answers are gathered and sent after each read.
    class Session {
       public:
        explicit Session(int descriptor) : descriptor_(descriptor) {}
        void welcome(std::uint32_t version = wire::version_max);
        void chunk(Id call, std::string_view bytes);
        void progress(Id call, std::uint32_t ppm, std::string_view note);
        void ok(Id call, std::string_view output, wire::Encoding encoding = wire::Encoding::json,
                std::uint8_t attempts = 1);
        void ok(Id call, const Detached& output);
        void end(Id call, wire::OutcomeKind kind, std::string_view json, std::uint8_t attempts = 1);
        /// The same outcome for items of a batch.
        void end(std::uint64_t batch, wire::ItemRange items, wire::OutcomeKind kind, std::string_view json);
        void run(std::uint64_t batch, std::uint32_t first, const std::vector<std::string>& outputs);
        /// Ends what is left of a call or batch as cancelled.
        void cancel(std::uint64_t call);
        void reply(std::uint64_t request, std::string_view json, bool refused = false);
        void goodbye(std::string_view json);
        void raw(std::string_view bytes);
        /// Sends what is gathered, then ends the connection.
        void close() { closing_ = true; }

        [[nodiscard]] bool closing() const { return closing_; }
        [[nodiscard]] bool send();

       private:
        friend class FakeService;
        void opened(std::uint64_t call, std::uint32_t items) { open_[call].assign(items, true); }
        void ended(Id call);
        /// Lets these descriptors leave with the next frame.
        void attach(std::vector<Fd> descriptors) { riding_.emplace_back(output_.size(), std::move(descriptors)); }
        [[nodiscard]] bool send_until(std::size_t end, const std::vector<Fd>& descriptors);

        int descriptor_;
        wire::Buffer output_;
        std::size_t sent_ = 0;
        std::deque<std::pair<std::size_t, std::vector<Fd>>> riding_;
        std::map<std::uint64_t, std::vector<bool>> open_;  // by call: which of its items have not ended
        bool closing_ = false;
    };

    /// What to do with each frame; by default the session is welcomed, calls are left unanswered and cancelled ones end
    /// as cancelled.
    struct Script {
        std::function<void(Session&)> on_hello = [](Session& session) { session.welcome(); };
        std::function<void(Session&, const Call&)> on_call = [](Session&, const Call&) {};
        std::function<void(Session&, std::uint64_t)> on_cancel = [](Session& session, std::uint64_t call) {
            session.cancel(call);
        };
        std::function<void(Session&, std::uint64_t, const std::string&)> on_request =
            [](Session& session, std::uint64_t request, const std::string&) { session.reply(request, "{}"); };
    };

    explicit FakeService(Script script);
    FakeService(const FakeService&) = delete;
    FakeService& operator=(const FakeService&) = delete;
    ~FakeService();

    [[nodiscard]] std::filesystem::path socket() const { return folder_ / "caisson.sock"; }

   private:
    void run();
    void serve(int descriptor);
    bool answer(Session& session, wire::FrameReader& reader, std::deque<Fd>& memory);
    bool on_call(Session& session, const wire::Frame& frame, std::deque<Fd>& memory);

    Script script_;
    std::filesystem::path folder_;
    Fd listener_;
    Fd stop_;  // readable: end
    std::thread thread_;
};

}  // namespace caisson::test
