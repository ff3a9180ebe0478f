// SPDX-License-Identifier: Apache-2.0
/// The process of a new supervisor: started with what it prints caught, watched, and killed when it is given up.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/loop.hpp"
#include "base/result.hpp"

namespace caisson::apps {

class Successor {
   public:
    /// Starts `program` with these arguments (its name first). It gets `line`, whose number the environment tells it,
    /// and dies with this process until it decides otherwise. `on_end` hears how it ended.
    [[nodiscard]] static Result<std::unique_ptr<Successor>> start(Loop& loop, const std::filesystem::path& program,
                                                                  std::vector<std::string> arguments, Fd line,
                                                                  std::function<void(std::string)> on_end);
    Successor(Loop& loop, pid_t pid, Fd pidfd, Fd output, std::function<void(std::string)> on_end);
    ~Successor();  ///< leaves it alone, if it lives

    [[nodiscard]] pid_t pid() const { return pid_; }
    void signal(int number) const;
    /// Kills it, and does not wait: whoever looks after the orphans of this process reaps it. `on_end` is not called.
    void kill();
    /// The last lines that it has printed, without those of another file that it opened.
    [[nodiscard]] std::string last_words();

   private:
    void read_output();
    void on_exit();

    pid_t pid_;
    Fd pidfd_;
    Fd output_;
    std::string tail_;
    std::function<void(std::string)> on_end_;
    Loop::Watch exit_watch_;
    Loop::Watch output_watch_;
};

/// The path of the running program as it was started, so that a link to the current version is followed anew; else
/// where it stands. To be called early: it may be replaced later.
[[nodiscard]] std::filesystem::path own_program();

}  // namespace caisson::apps
