// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_line.hpp"

#include <gtest/gtest.h>

namespace caisson::cli {
namespace {

TEST(ProgressText, ABarWithRateFailuresAndTimeLeft) {
    const auto text = progress_text({.done = 123'456, .failed = 3, .fraction = 0.412}, 2.7, 79);
    EXPECT_EQ(text, "[###########.................] 41%  123,456 lines  45,724/s  3 failed  3 s left");
    EXPECT_LE(text.size(), 79U) << "the bar takes the room that is left";
}

TEST(ProgressText, WithoutATotalItIsACounterAndARate) {
    EXPECT_EQ(progress_text({.done = 123'456, .failed = 3}, 2.7, 79), "123,456 lines  45,724/s  3 failed");
    EXPECT_EQ(progress_text({.done = 7}, 2, 79), "7 lines  3.5/s");
    EXPECT_EQ(progress_text({}, 0, 79), "0 lines");
}

TEST(ProgressText, FitsIntoAnyWidth) {
    for (const double fraction : {-1.0, 0.0, 0.5, 1.0, 7.0}) {
        for (std::size_t columns = 1; columns < 300; ++columns) {
            const auto text =
                progress_text({.done = 123'456'789, .failed = 123'456, .fraction = fraction}, 3600, columns);
            EXPECT_LE(text.size(), columns);
        }
    }
    EXPECT_EQ(progress_text({.done = 1000, .failed = 1, .fraction = 0.5}, 10, 40), "50%  1,000 lines  100/s  1 failed");
    EXPECT_EQ(progress_text({.done = 1000, .failed = 1, .fraction = 0.5}, 10, 55),
              "[####....] 50%  1,000 lines  100/s  1 failed  10 s left");
    EXPECT_EQ(progress_text({.done = 1000, .failed = 1, .fraction = 0.5}, 10, 20), "50%  1,000 lines");
}

TEST(ProgressText, SaysTheTimeLeftOnlyWhenItIsKnown) {
    EXPECT_EQ(progress_text({.done = 10, .fraction = 0.5}, 0.5, 79).find("left"), std::string::npos);
    EXPECT_EQ(progress_text({.done = 10, .fraction = 0}, 100, 79).find("left"), std::string::npos);
    EXPECT_NE(progress_text({.done = 10, .fraction = 0.5}, 100, 79).find("1 min 40 s left"), std::string::npos);
    EXPECT_NE(progress_text({.done = 10, .fraction = 1.5}, 100, 79).find("100%"), std::string::npos)
        << "an input that grew";
}

}  // namespace
}  // namespace caisson::cli
