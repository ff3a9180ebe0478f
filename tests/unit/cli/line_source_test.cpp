// SPDX-License-Identifier: Apache-2.0
#include "cli/line_source.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "base/system.hpp"

namespace caisson::cli {
namespace {

class Lines : public testing::Test {
   protected:
    void SetUp() override {
        auto made = sys::pipe();
        ASSERT_TRUE(made);
        read_ = std::move(made->first);
        write_ = std::move(made->second);
    }
    void put(std::string_view text) const {
        ASSERT_EQ(::write(write_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    // Takes all until the end; too long ones are marked.
    static std::vector<std::string> all(LineSource& source) {
        std::vector<std::string> lines;
        for (;;) {
            std::string_view text;
            switch (source.take(text)) {
                case LineSource::Took::line:
                    lines.emplace_back(text);
                    break;
                case LineSource::Took::too_long:
                    lines.push_back("too long");
                    break;
                case LineSource::Took::nothing:
                    source.read();
                    break;
                case LineSource::Took::end:
                    return lines;
            }
        }
    }
    using Strings = std::vector<std::string>;

    Fd read_, write_;
};

TEST_F(Lines, LinesWithAndWithoutAnEnd) {
    put("one\n\nthree");
    write_.reset();
    LineSource source{read_.get(), 100};
    EXPECT_EQ(all(source), (Strings{"one", "", "three"}));
    EXPECT_EQ(source.error(), "");
}

TEST_F(Lines, AnEmptyInputHasNoLines) {
    write_.reset();
    LineSource source{read_.get(), 100};
    EXPECT_EQ(all(source), Strings{});
}

TEST_F(Lines, APartOfALineWaitsForItsEnd) {
    LineSource source{read_.get(), 100};
    put("ab");
    source.read();
    std::string_view text;
    EXPECT_EQ(source.take(text), LineSource::Took::nothing);
    put("c\n");
    source.read();
    EXPECT_EQ(source.take(text), LineSource::Took::line);
    EXPECT_EQ(text, "abc");
}

TEST_F(Lines, ALineOverTheBoundIsPassedOver) {
    put("short\n" + std::string(50, 'x') + "\nagain\n" + std::string(50, 'y'));
    write_.reset();
    LineSource source{read_.get(), 10};
    EXPECT_EQ(all(source), (Strings{"short", "too long", "again", "too long"}));
}

TEST_F(Lines, ALineOverTheBoundIsNotKeptWhileItGrows) {
    LineSource source{read_.get(), 10};
    std::string_view text;
    put(std::string(20, 'x'));
    source.read();
    EXPECT_EQ(source.take(text), LineSource::Took::too_long);
    put(std::string(20, 'x'));
    source.read();
    EXPECT_EQ(source.take(text), LineSource::Took::nothing);
    put("x\nnext\n");
    write_.reset();
    EXPECT_EQ(all(source), Strings{"next"});
}

TEST_F(Lines, AnInputThatCannotBeReadSaysWhy) {
    LineSource source{write_.get(), 10};
    EXPECT_EQ(all(source), Strings{});
    EXPECT_EQ(source.error(), "Bad file descriptor");
}

}  // namespace
}  // namespace caisson::cli
