// SPDX-License-Identifier: Apache-2.0
/// The worker: confine, load, create, then run calls until told to stop. One plugin, one socket.
///
/// One thread for all of that; beside it beats the heart (host/heart.hpp).
///
/// A zygote stops after load, and makes copies of itself that go on from the start with load done (host/zygote.hpp).
///
///     setup frame -> confine -> load -> create -> ready frame -> (claim -> run -> result)* -> stop frame -> destroy
///
/// Each step is published in the black box before it begins, so that a death in it is named by it.
#pragma once

#include <sys/types.h>

#include <optional>

#include "base/result.hpp"
#include "host/current_call.hpp"
#include "host/ending.hpp"
#include "host/heart.hpp"
#include "host/inlet.hpp"
#include "host/outlet.hpp"
#include "host/plugin.hpp"
#include "host/setup.hpp"
#include "wire/black_box.hpp"
#include "wire/records.hpp"

namespace caisson::host {

class Worker {
   public:
    /// `keeper` is the process that started this one.
    Worker(wire::BlackBox& box, int socket, pid_t keeper);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// A copy of a process that has loaded the plugin. Supervisor and plugin have told the zygote all that there is.
    Worker(wire::BlackBox& box, int socket, pid_t keeper, Setup setup, Plugin plugin);

    /// Everything from the setup frame to the return of destroy(); the exit code. Call it once.
    [[nodiscard]] ExitCode run();

   private:
    [[nodiscard]] std::optional<ExitCode> start();
    [[nodiscard]] std::optional<ExitCode> load();
    ExitCode refuse(std::string_view step, const Error& error);
    [[nodiscard]] ExitCode breed();
    [[nodiscard]] ExitCode serve();
    void on_call(const wire::Frame& frame);
    void on_batch(const wire::Frame& frame);
    [[nodiscard]] bool serve_items(Incoming& incoming, wire::RecordReader& records);
    void check_order(std::uint64_t first_id, std::uint64_t count);
    void serve_one(const Incoming& incoming);
    void publish(wire::SetupStep step);

    wire::BlackBox& box_;
    pid_t keeper_;
    Outlet outlet_;
    Inlet inlet_;
    CurrentCall current_;
    Heart heart_;
    Setup setup_;
    caisson_host host_{};
    std::optional<Plugin> plugin_;
    std::uint64_t last_id_ = 0;
};

}  // namespace caisson::host
