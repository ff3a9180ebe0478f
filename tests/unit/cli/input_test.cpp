// SPDX-License-Identifier: Apache-2.0
#include "cli/input.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "base/system.hpp"
#include "wire/frame.hpp"

namespace caisson::cli {
namespace {

// What is in a body, wherever it is; one in memory must be sealed.
std::string contents(const Body& body) {
    if (!body.memory) return body.text;
    EXPECT_EQ(body.text, "");
    std::string text(static_cast<std::size_t>(::lseek(body.memory.get(), 0, SEEK_END)), '\0');
    EXPECT_EQ(::pread(body.memory.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    EXPECT_TRUE(sys::check_sealed(body.memory, text.size()));
    return text;
}

Result<Body> of_pipe(const std::string& text) {
    auto pipe = sys::pipe();
    EXPECT_TRUE(pipe);
    std::thread writer{[&text, end = std::move(pipe->second)] {
        for (std::size_t done = 0; done < text.size();) {
            const auto count = ::write(end.get(), text.data() + done, text.size() - done);
            if (count <= 0) break;
            done += static_cast<std::size_t>(count);
        }
    }};
    auto body = read_body("-", pipe->first.get());
    writer.join();
    return body;
}

TEST(Input, IsATextAsItIs) {
    EXPECT_EQ(contents(*read_body("", -1)), "");
    EXPECT_EQ(contents(*read_body("-7", -1)), "-7");
}

TEST(Input, OfAnySizeComesWhole) {
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{wire::inline_body_bytes},
                                    std::size_t{wire::inline_body_bytes} + 1, std::size_t{5'000'000}}) {
        std::string text(bytes, '\0');
        for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 31 >> 3);
        const auto body = of_pipe(text);
        ASSERT_TRUE(body);
        EXPECT_EQ(static_cast<bool>(body->memory), bytes > wire::inline_body_bytes);
        EXPECT_TRUE(contents(*body) == text) << bytes;
    }
}

TEST(Input, ThatCannotBeReadIsAnError) {
    auto pipe = sys::pipe();
    ASSERT_TRUE(pipe);
    const auto body = read_body("-", pipe->second.get());
    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().what, "cannot read the input: Bad file descriptor");
    EXPECT_EQ(read_body("@/nowhere", -1).error().what, "cannot open /nowhere: No such file or directory");
    EXPECT_EQ(read_body("@/", -1).error().what, "/ is a folder, not a file");
}

}  // namespace
}  // namespace caisson::cli
