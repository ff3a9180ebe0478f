// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "base/system.hpp"

namespace caisson::cli {
namespace {

TEST(Output, AReaderThatWentIsGoneAndADiskThatIsFullIsBroken) {
    const QuietPipes quiet;
    auto pipe = sys::pipe();
    ASSERT_TRUE(pipe);
    pipe->first.reset();
    Output gone{pipe->second.get()};
    gone.append("x");
    gone.flush();
    EXPECT_EQ(gone.state(), Output::State::gone);

    const Fd full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    Output broken{full.get()};
    broken.append("x");
    broken.flush();
    EXPECT_EQ(broken.state(), Output::State::broken);
    EXPECT_EQ(broken.error(), "No space left on device");
    EXPECT_FALSE(broken.pending());
}

TEST(Output, AFullPipeDoesNotMakeItDeafToAnInterrupt) {
    auto pipe = sys::pipe();
    auto interrupts = sys::pipe();
    ASSERT_TRUE(pipe && interrupts);
    ASSERT_EQ(::write(interrupts->second.get(), "x", 1), 1);
    Output output{pipe->second.get(), interrupts->first.get()};
    output.append(std::string(1'000'000, 'x'));
    output.flush();
    EXPECT_TRUE(output.pending());
    EXPECT_EQ(output.state(), Output::State::good);
}

TEST(Output, WhatIsLargeStandsInItsPlace) {
    const Fd file{::memfd_create("output", MFD_CLOEXEC)};
    const std::string large(300'000, 'x');
    {
        Output output{file.get()};
        output.append("before\n");
        output.append(large);
        output.append("\nafter\n");
        output.flush();
    }
    const std::string expected = "before\n" + large + "\nafter\n";
    std::string written(expected.size() + 1, '\0');
    written.resize(static_cast<std::size_t>(::pread(file.get(), written.data(), written.size(), 0)));
    EXPECT_TRUE(written == expected);
}

TEST(Output, KnowsWhetherALineIsUnderWay) {
    auto pipe = sys::pipe();
    ASSERT_TRUE(pipe);
    Output output{pipe->second.get()};
    EXPECT_TRUE(output.at_line_start());
    output.append("49");
    EXPECT_FALSE(output.at_line_start());
    output.append("\n");
    EXPECT_TRUE(output.at_line_start());
}

}  // namespace
}  // namespace caisson::cli
