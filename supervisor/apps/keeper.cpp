// SPDX-License-Identifier: Apache-2.0
/// caisson-keeper SUPERVISOR_PID: parent of all workers of one supervisor. Started by the supervisor only.
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <utility>
#include <vector>

#include "base/system.hpp"
#include "keeper/keeper.hpp"

int main(int argc, char** argv) {
    using namespace caisson;
    if (argc != 2) {
        std::fputs("caisson-keeper: this program is started by caisson, not by hand\n", stderr);
        return 2;
    }
    // It was started by its descriptor, which the kernel takes for its name.
    ::prctl(PR_SET_NAME, "caisson-keeper", 0UL, 0UL, 0UL);
    constexpr int after_programs = keeper::first_program_descriptor + int{std::size(keeper::program_files)};
    // The program that embeds the engine may have descriptors that are not close-on-exec.
    ::close_range(after_programs, ~0U, 0);
    std::vector<Fd> programs;
    for (int number = keeper::first_program_descriptor; number < after_programs; ++number)
        programs.emplace_back(number);
    // What the keeper starts must neither read its orders nor keep its end of the socket open.
    ::fcntl(keeper::order_descriptor, F_SETFD, FD_CLOEXEC);
    keeper::Keeper keeper{Fd{keeper::order_descriptor}, std::move(programs)};
    return keeper.run(static_cast<pid_t>(std::strtol(argv[1], nullptr, 10)));
}
