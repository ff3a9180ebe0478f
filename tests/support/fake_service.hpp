// SPDX-License-Identifier: Apache-2.0
/// A service without a supervisor: a thread that listens on a socket of its own and answers frames as a script says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "base/fd.hpp"
#include "wire/codec.hpp"
#include "wire/outcome.hpp"

namespace caisson::test {

class FakeService {
   public:
    struct Call {
        std::uint64_t id = 0;
        std::string target;
        std::string params;
        std::string body;
        std::int64_t time_ns = 0;
    };

    /// The connection of one client, for the script to answer on. Answers are gathered and sent after each read.
    class Session {
       public:
        explicit Session(int descriptor) : descriptor_(descriptor) {}
        void welcome(std::uint32_t version = wire::version_max);
        void chunk(std::uint64_t call, std::string_view bytes);
        void progress(std::uint64_t call, std::uint32_t ppm, std::string_view note);
        void ok(std::uint64_t call, std::string_view output, wire::Encoding encoding = wire::Encoding::json);
        void end(std::uint64_t call, wire::OutcomeKind kind, std::string_view json);
        void reply(std::uint64_t request, std::string_view json, bool refused = false);
        void goodbye(std::string_view json);
        void raw(std::string_view bytes);
        /// Sends what is gathered, then ends the connection.
        void close() { closing_ = true; }

        [[nodiscard]] bool closing() const { return closing_; }
        [[nodiscard]] bool send();

       private:
        int descriptor_;
        wire::Buffer output_;
        bool closing_ = false;
    };

    /// What to do with each frame; by default the session is welcomed, calls are left unanswered and cancelled ones end
    /// as cancelled.
    struct Script {
        std::function<void(Session&)> on_hello = [](Session& session) { session.welcome(); };
        std::function<void(Session&, const Call&)> on_call = [](Session&, const Call&) {};
        std::function<void(Session&, std::uint64_t)> on_cancel = [](Session& session, std::uint64_t call) {
            session.end(call, wire::OutcomeKind::cancelled, R"({"outcome":"cancelled","message":"cancelled"})");
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
    bool answer(Session& session, wire::FrameReader& reader);

    Script script_;
    std::filesystem::path folder_;
    Fd listener_;
    Fd stop_;  // readable: end
    std::thread thread_;
};

}  // namespace caisson::test
