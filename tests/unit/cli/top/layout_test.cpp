// SPDX-License-Identifier: Apache-2.0
#include "cli/top/layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>

#include "cli/top/pages.hpp"
#include "unit/cli/top/sample.hpp"

namespace caisson::cli::top {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class TopLayout : public testing::Test {
   protected:
    TopLayout() {
        EXPECT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr);
        view_ = settled({}, model_);
    }
    ~TopLayout() override { (void)std::setlocale(LC_CTYPE, "C"); }

    std::string frame(Size size) const { return draw(model_, view_, connection_, size).text(); }
    Role role(Size size, std::size_t row, std::size_t column) const {
        return draw(model_, view_, connection_, size).at(row, column).role;
    }

    Model model_ = sample();
    View view_;
    Connection connection_;
};

TEST_F(TopLayout, At80x24) {
    EXPECT_EQ(frame({80, 24}), R"(caisson 0.1.0  up 12.0s  1,256 calls/s  4/7 workers  3 running  7 queued
 POOL^    STATE       READY RUN QUEUE CALLS/S   P50   P99 RESTARTS CRASHES   MEM
>bad      quarantined   0/2   0     0      20     -     -        6       0     -
 ledger   ready         1/1   1     0     1.5     -     -        0       0     -
 math     ready         3/4   2     7   1,234  12us 3.4ms        1       5   12M

 WORKER        PID  STATE     METHOD                    vFOR      CALLS     AGE
 math/2       4002  running   sum_of_all_the_squares   1m15s      1,600   2h05m
 ledger/1     5001  running   gate                     12.3s          3   1m40s
 math/1       4001  running   square                   500us      1,700   59.0s
 math/3          -  waiting   -                            -          0      0s
 math/10      4010  idle      -                            -        160   2h05m









 bad: quarantined: did not start (load): there is no file /p/libbad.so; breaker
     open; probe in 8.2s
h help  q quit  / filter  s sort  r order  Tab table  Enter pool  R restart
)");
}

TEST_F(TopLayout, At40x10) {
    EXPECT_EQ(frame({40, 10}), R"(caisson 0.1.0  up 12.0s  1,256 calls/s
 POOL^    STATE       READY RUN CALLS/S
>bad      quarantined   0/2   0      20
 ledger   ready         1/1   1     1.5
 math     ready         3/4   2   1,234
 WORKER   STATE    METHOD           vFOR
 math/2   running  sum_of_all_th…  1m15s
 ledger/1 running  gate            12.3s
 math/1   running  square          500us
h help  q quit  / filter  s sort
)");
}

TEST_F(TopLayout, AsTextThatIsAsLongAsItNeedsToBe) {
    EXPECT_EQ(frame_text(model_, {}, 100),
              R"(caisson 0.1.0  up 12.0s  1,256 calls/s  4/7 workers  3 running  7 queued  3 sessions
 POOL^     STATE        READY  RUN  QUEUE  CALLS/S    P50    P99  RESTARTS  CRASHES    MEM
 bad       quarantined    0/2    0      0       20      -      -         6        0      -
 ledger    ready          1/1    1      0      1.5      -      -         0        0      -
 math      ready          3/4    2      7    1,234   12us  3.4ms         1        5    12M

 WORKER        PID  STATE     METHOD                    vFOR      CALLS     AGE
 math/2       4002  running   sum_of_all_the_squares   1m15s      1,600   2h05m
 ledger/1     5001  running   gate                     12.3s          3   1m40s
 math/1       4001  running   square                   500us      1,700   59.0s
 math/3          -  waiting   -                            -          0      0s
 math/10      4010  idle      -                            -        160   2h05m
)");
}

TEST_F(TopLayout, TheOtherTableScrollsWithItsCursorAndSaysWhereItIs) {
    view_.focus = Focus::workers;
    view_.workers.cursor = {"math/10", 4};
    view_.workers.sorting = {3, true};  // METHOD
    view_ = settled(view_, model_);
    EXPECT_EQ(frame({40, 10}), R"(caisson 0.1.0  up 12.0s  1,256 calls/s
 POOL^    STATE       READY RUN CALLS/S
 bad      quarantined   0/2   0      20
 ledger   ready         1/1   1     1.5
 math     ready         3/4   2   1,234
 WORKER   STATE    METHODv           FOR
 ledger/1 running  gate            12.3s
 math/3   waiting  -                   -
>math/10  idle     -                   -
h help  q quit  / filter  s sort     5/5
)");
}

TEST_F(TopLayout, ALostServiceIsSaidAndWhatIsSeenIsOfBefore) {
    connection_ = {true, "no service at /run/c.sock", 1.2};
    EXPECT_THAT(frame({80, 24}), StartsWith("service lost, next try in 2 s: no service at /run/c.sock\n POOL^"));
    EXPECT_EQ(role({80, 24}, 0, 0), Role::bad);
    EXPECT_EQ(role({80, 24}, 2, 0), Role::quiet);
    EXPECT_EQ(role({80, 24}, 9, 14), Role::quiet);
}

TEST_F(TopLayout, TheLastRowAsksTypesAndTells) {
    const auto last = [&](Size size) { return draw(model_, view_, {}, size).row_text(size.rows - 1); };
    view_.question = Wish{.kind = Wish::Kind::kill, .pool = "math", .worker = 2};
    EXPECT_EQ(last({40, 10}), "Kill worker math/2? y or n");
    view_.question = Wish{.kind = Wish::Kind::restart, .pool = "math"};
    EXPECT_EQ(last({40, 10}), "Restart pool math? y or n");
    view_.question.reset();
    view_.typing = true;
    view_.filter = "日本 squ";
    EXPECT_EQ(last({40, 10}), "filter: 日本 squ_");
    view_.typing = false;
    view_.only_pool = "math";
    EXPECT_EQ(last({80, 24}), "filter: 日本 squ, only math  h help  q quit  / filter  s sort  r order");
    view_.note = "restart math: you may not";
    EXPECT_EQ(last({40, 10}), "restart math: you may not");
}

TEST_F(TopLayout, PausedAndStoppingAreSaid) {
    view_.paused = true;
    EXPECT_EQ(draw(model_, view_, {}, {40, 10}).row_text(0), "caisson 0.1.0  up 12.0s           PAUSED");
    view_.paused = false;
    model_.service.state = "stopping";
    EXPECT_EQ(draw(model_, view_, {}, {50, 10}).row_text(0), "caisson 0.1.0  up 12.0s  1,256 calls/s    stopping");
}

TEST_F(TopLayout, NoRowsAreSaid) {
    view_.filter = "nothing";
    view_ = settled(view_, model_);
    EXPECT_THAT(frame({40, 10}), HasSubstr("\n no pools with this text\n"));
    EXPECT_THAT(frame({40, 10}), HasSubstr("\n no workers with this text\n"));
    model_ = {};
    view_ = settled({}, model_);
    EXPECT_THAT(frame({40, 10}), HasSubstr("\n no pools\n"));
}

TEST_F(TopLayout, WideNamesKeepTheColumns) {
    model_.pools[1].name = "日本語のとても長い名前のプール";
    model_.pools[2].name = "e\u0301\u202Evil";
    view_ = settled({}, model_);
    const auto canvas = draw(model_, view_, {}, {80, 24});
    const auto column_of = [&](std::size_t row, char32_t code) {
        for (std::size_t column = 0; column < 80; ++column)
            if (canvas.at(row, column).code == code) return column;
        return std::size_t{80};
    };
    // "0/2" under "0/2": the slash stands in one column.
    EXPECT_EQ(column_of(3, U'/'), column_of(2, U'/'));
    EXPECT_EQ(column_of(4, U'/'), column_of(2, U'/'));
    EXPECT_EQ(canvas.row_text(3).substr(0, 9), " e??vil  ");
}

TEST_F(TopLayout, ALowScreenHasTheTableWithTheCursor) {
    EXPECT_THAT(frame({40, 5}), HasSubstr(" POOL^"));
    EXPECT_THAT(frame({40, 5}), testing::Not(HasSubstr("WORKER")));
    view_.focus = Focus::workers;
    EXPECT_THAT(frame({40, 5}), HasSubstr(" WORKER "));
    EXPECT_THAT(frame({40, 5}), testing::Not(HasSubstr("POOL")));
}

TEST_F(TopLayout, EverySizeIsFilledAndNoRowIsLonger) {
    for (const bool with_page : {false, true}) {
        if (with_page) view_.pages.push_back(help_page());
        for (std::size_t rows = 0; rows < 30; ++rows)
            for (std::size_t columns = 0; columns < 100; columns += 7) {
                const auto canvas = draw(model_, view_, {}, {columns, rows});
                for (std::size_t row = 0; row < rows; ++row)
                    ASSERT_LE(columns_of(canvas.row_text(row)), columns) << columns << 'x' << rows;
            }
    }
}

TEST_F(TopLayout, TheCursorsRowTheSortedTitleAndWhatIsBadStandOut) {
    EXPECT_EQ(role({80, 24}, 1, 1), Role::sorted);
    EXPECT_EQ(role({80, 24}, 1, 10), Role::heading);
    EXPECT_EQ(role({80, 24}, 2, 30), Role::selected);
    EXPECT_EQ(role({80, 24}, 4, 26), Role::warning);  // 3 of 4 are ready
    view_.focus = Focus::workers;
    EXPECT_EQ(role({80, 24}, 2, 10), Role::bad);  // quarantined
    EXPECT_EQ(role({80, 24}, 7, 30), Role::selected);
}

TEST_F(TopLayout, TheRoomIsSharedAndNoneIsWasted) {
    const auto heights = [](Size size, std::size_t pools, std::size_t workers) {
        const auto plan = top::plan(size, Focus::pools, pools, workers);
        return std::pair{plan.pools, plan.workers};
    };
    // 24 rows: the service, two headings, a gap, two rows of words and the keys leave 17.
    EXPECT_EQ(heights({80, 24}, 3, 100), (std::pair<std::size_t, std::size_t>{3, 14}));
    EXPECT_EQ(heights({80, 24}, 100, 3), (std::pair<std::size_t, std::size_t>{14, 3}));
    EXPECT_EQ(heights({80, 24}, 100, 100), (std::pair<std::size_t, std::size_t>{8, 9}));
    EXPECT_EQ(heights({80, 24}, 0, 0), (std::pair<std::size_t, std::size_t>{1, 16}));
    EXPECT_EQ(heights({40, 10}, 9, 9), (std::pair<std::size_t, std::size_t>{3, 3}));
    EXPECT_EQ(heights({40, 7}, 9, 9), (std::pair<std::size_t, std::size_t>{4, 0}));
    EXPECT_EQ(heights({40, 1}, 9, 9), (std::pair<std::size_t, std::size_t>{0, 0}));
}

TEST_F(TopLayout, APageOfTextWithItsPlace) {
    view_.pages.push_back({.title = "Crash report 01B", .lines = {"one", "two", "three", "four", "five"}, .at = 1});
    EXPECT_EQ(frame({40, 7}), R"(caisson 0.1.0  up 12.0s  1,256 calls/s
Crash report 01B
 two
 three
 four
 five
Esc back  j k scroll                 5/5
)");
    view_.pages.back().names = {"1", "2", "3", "4", "5"};
    view_.pages.back().heading = "NUMBER";
    EXPECT_EQ(frame({40, 7}), R"(caisson 0.1.0  up 12.0s  1,256 calls/s
Crash report 01B
 NUMBER
 one
>two
 three
Esc back  Enter show  j k choose     3/5
)");
}

}  // namespace
}  // namespace caisson::cli::top
