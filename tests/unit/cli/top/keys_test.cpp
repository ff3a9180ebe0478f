// SPDX-License-Identifier: Apache-2.0
#include "cli/top/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/top/layout.hpp"
#include "cli/top/pages.hpp"
#include "unit/cli/top/sample.hpp"

namespace caisson::cli::top {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Name = Key::Name;
using Kind = Wish::Kind;

/// Somebody at the keys of a screen.
class TopKeys : public testing::Test {
   protected:
    TopKeys() {
        EXPECT_THAT(workers(), testing::ElementsAre("math/2", "ledger/1", "math/1", "math/3", "math/10"));
        view_.workers.sorting = {};
        view_ = settled(view_, model_);
    }

    std::optional<Wish> press(Key key) {
        auto step = top::press(view_, key, seen(model_, view_, size_));
        view_ = std::move(step.view);
        return step.wish;
    }
    std::optional<Wish> press(Name name) { return press(Key{name}); }
    /// Letters; what the last of them wished for.
    std::optional<Wish> type(std::string_view letters) {
        std::optional<Wish> wish;
        for (const char letter : letters) wish = press(Key{Name::character, static_cast<char32_t>(letter)});
        return wish;
    }
    std::vector<std::string> pools() const {
        std::vector<std::string> out;
        for (const auto* row : shown_pools(view_, model_)) out.push_back(row->name);
        return out;
    }
    std::vector<std::string> workers() const {
        std::vector<std::string> out;
        for (const auto* row : shown_workers(view_, model_)) out.push_back(name_of(*row));
        return out;
    }

    Model model_ = sample();
    Size size_{80, 24};
    View view_;
};

TEST_F(TopKeys, TheCursorMovesAndStaysInside) {
    EXPECT_EQ(view_.pools.cursor, (Cursor{"bad", 0}));
    press(Name::up);
    EXPECT_EQ(view_.pools.cursor.name, "bad");
    type("j");
    EXPECT_EQ(view_.pools.cursor.name, "ledger");
    press(Name::page_down);
    press(Name::down);
    EXPECT_EQ(view_.pools.cursor.name, "math");
    type("k");
    EXPECT_EQ(view_.pools.cursor.name, "ledger");
    press(Name::end);
    EXPECT_EQ(view_.pools.cursor.name, "math");
    press(Name::home);
    EXPECT_EQ(view_.pools.cursor.name, "bad");
    type("Gg");
    EXPECT_EQ(view_.pools.cursor.name, "bad");
}

TEST_F(TopKeys, TheCursorFollowsItsRowAndIsTakenOverWhenItGoes) {
    type("j");
    model_.pools.erase(model_.pools.begin());
    view_ = settled(view_, model_);
    EXPECT_EQ(view_.pools.cursor, (Cursor{"ledger", 0}));
    model_.pools.erase(model_.pools.begin());
    view_ = settled(view_, model_);
    EXPECT_EQ(view_.pools.cursor, (Cursor{"math", 0}));
    model_ = {};
    view_ = settled(view_, model_);
    EXPECT_EQ(view_.pools.cursor, Cursor{});
    for (const auto name : {Name::up, Name::down, Name::page_down, Name::end, Name::enter}) press(name);
    type("RyKysr");
    EXPECT_EQ(view_.question, std::nullopt);
}

TEST_F(TopKeys, TabGoesToTheOtherTable) {
    press(Name::tab);
    press(Name::down);
    EXPECT_EQ(view_.workers.cursor.name, "math/1");
    EXPECT_EQ(view_.pools.cursor.name, "bad");
    press(Name::tab);
    press(Name::down);
    EXPECT_EQ(view_.pools.cursor.name, "ledger");
}

TEST_F(TopKeys, SortsByTheNextColumnNumbersWithTheLargestFirst) {
    EXPECT_THAT(pools(), ElementsAre("bad", "ledger", "math"));
    type("sssss");  // state, ready, run, queue, calls/s
    EXPECT_THAT(pools(), ElementsAre("math", "bad", "ledger"));
    type("r");
    EXPECT_THAT(pools(), ElementsAre("ledger", "bad", "math"));
    type("<<<<<");
    EXPECT_THAT(pools(), ElementsAre("bad", "ledger", "math"));
    type("<");  // from the first to the last: memory, which one pool tells; unknown is last in either order
    EXPECT_THAT(pools(), ElementsAre("math", "bad", "ledger"));
    type("r");
    EXPECT_THAT(pools(), ElementsAre("math", "bad", "ledger"));
    type(">");
    EXPECT_THAT(pools(), ElementsAre("bad", "ledger", "math"));
}

TEST_F(TopKeys, EachTableHasAnOrderOfItsOwn) {
    press(Name::tab);
    type("ssss");  // pid, state, method, for
    EXPECT_THAT(workers(), ElementsAre("math/2", "ledger/1", "math/1", "math/3", "math/10"));
    EXPECT_THAT(pools(), ElementsAre("bad", "ledger", "math"));
}

TEST_F(TopKeys, TheFilterTakesPoolMethodStateAndPid) {
    type("/SQUAre");
    EXPECT_TRUE(view_.typing);
    EXPECT_THAT(pools(), ElementsAre("math"));
    EXPECT_THAT(workers(), ElementsAre("math/1", "math/2"));
    press(Name::enter);
    EXPECT_FALSE(view_.typing);
    EXPECT_THAT(workers(), ElementsAre("math/1", "math/2"));
    press(Name::escape);
    EXPECT_THAT(pools(), ElementsAre("bad", "ledger", "math"));
    type("/quarantined");
    EXPECT_THAT(pools(), ElementsAre("bad"));
    EXPECT_THAT(workers(), IsEmpty());
    press(Name::escape);
    type("/5001");
    EXPECT_THAT(pools(), ElementsAre("ledger"));
    EXPECT_THAT(workers(), ElementsAre("ledger/1"));
}

TEST_F(TopKeys, WhileTypingLettersAreTextAndArrowsMove) {
    type("/q");
    EXPECT_EQ(type(" jRK"), std::nullopt);
    EXPECT_EQ(view_.filter, "q jRK");
    for (int i = 0; i < 4; ++i) press(Name::erase);
    EXPECT_EQ(view_.filter, "q");
    press(Key{Name::character, U'é'});
    press(Name::erase);
    EXPECT_EQ(view_.filter, "q");
    press(Name::tab);
    EXPECT_EQ(view_.focus, Focus::workers);
    press(Name::down);
    EXPECT_EQ(view_.workers.cursor.name, "math/2");
    type(std::string(200, 'x'));
    EXPECT_LE(view_.filter.size(), 64U);
}

TEST_F(TopKeys, EnterShowsTheWorkersOfOnePool) {
    press(Name::end);
    press(Name::enter);
    EXPECT_THAT(workers(), ElementsAre("math/1", "math/2", "math/3", "math/10"));
    EXPECT_THAT(pools(), ElementsAre("bad", "ledger", "math"));
    press(Name::enter);
    EXPECT_THAT(workers(), testing::SizeIs(5));
    press(Name::tab);
    press(Name::home);
    press(Name::enter);  // the pool of the worker under the cursor
    EXPECT_THAT(workers(), ElementsAre("ledger/1"));
    press(Name::escape);
    EXPECT_THAT(workers(), testing::SizeIs(5));
}

TEST_F(TopKeys, APoolThatWasChosenAndHasGoneHidesNothing) {
    press(Name::end);
    press(Name::enter);
    model_.pools.pop_back();
    EXPECT_EQ(settled(view_, model_).only_pool, "");
}

TEST_F(TopKeys, RestartAndKillAreAskedBackAndOnlyYesDoesIt) {
    EXPECT_EQ(type("R"), std::nullopt);
    ASSERT_TRUE(view_.question);
    EXPECT_EQ(type("n"), std::nullopt);
    EXPECT_EQ(view_.question, std::nullopt);
    type("R");
    EXPECT_EQ(press(Name::enter), std::nullopt);
    EXPECT_EQ(view_.only_pool, "");
    EXPECT_EQ(type("Rq"), std::nullopt);
    const auto pool = type("Ry");
    ASSERT_TRUE(pool);
    EXPECT_EQ(pool->kind, Kind::restart);
    EXPECT_EQ(pool->pool, "bad");
    EXPECT_EQ(pool->worker, 0);

    press(Name::tab);
    press(Name::end);
    const auto worker = type("Ky");
    ASSERT_TRUE(worker);
    EXPECT_EQ(worker->kind, Kind::kill);
    EXPECT_EQ(worker->pool, "math");
    EXPECT_EQ(worker->worker, 10);
}

TEST_F(TopKeys, TheAnswerIsForWhatWasAskedAlthoughRowsHaveMovedSince) {
    type("R");
    model_.pools.erase(model_.pools.begin());
    view_ = settled(view_, model_);
    EXPECT_EQ(type("y")->pool, "bad");
}

TEST_F(TopKeys, KillWantsAWorker) {
    EXPECT_EQ(type("Ky"), std::nullopt);
    type("K");
    EXPECT_NE(view_.note, "");
    EXPECT_TRUE(view_.note_is_bad);
    press(Name::down);
    EXPECT_EQ(view_.note, "");
}

TEST_F(TopKeys, WishesForTheServiceAndTheProgram) {
    EXPECT_EQ(type("q")->kind, Kind::quit);
    EXPECT_EQ(type("c")->kind, Kind::crashes);
    EXPECT_EQ(type("e")->kind, Kind::events);
    EXPECT_EQ(press(Name::redraw)->kind, Kind::redraw);
    type("p");
    EXPECT_TRUE(view_.paused);
    type("p");
    EXPECT_FALSE(view_.paused);
    EXPECT_EQ(press(Name::unknown), std::nullopt);
    EXPECT_EQ(type("xyzXYZ1"), std::nullopt);
}

TEST_F(TopKeys, APageScrollsToItsLastLineAndGoes) {
    size_ = {80, 10};
    type("h");
    ASSERT_EQ(view_.pages.size(), 1U);
    const auto lines = view_.pages.back().lines.size();
    press(Name::end);
    EXPECT_EQ(view_.pages.back().at, lines - 7);
    press(Name::down);
    EXPECT_EQ(view_.pages.back().at, lines - 7);
    press(Name::page_up);
    EXPECT_EQ(view_.pages.back().at, lines - 14);
    EXPECT_EQ(type("q"), std::nullopt);
    EXPECT_THAT(view_.pages, IsEmpty());
    EXPECT_EQ(view_.pools.cursor.name, "bad");
    type("?");
    press(Name::escape);
    EXPECT_THAT(view_.pages, IsEmpty());
}

TEST_F(TopKeys, ACrashIsChosenFromTheList) {
    view_.pages.push_back(crashes_page(parse_document(
        R"({"crashes":[{"report":"01A","pool":"math","method":"square","time":"soon","message":"SIGSEGV"},
                       {"report":"01B","pool":"math","time":"soon","message":"exited 3"}]})")));
    press(Name::down);
    press(Name::down);
    const auto wish = press(Name::enter);
    ASSERT_TRUE(wish);
    EXPECT_EQ(wish->kind, Kind::report);
    EXPECT_EQ(wish->report, "01B");
    view_.pages.push_back(report_page(parse_document(R"({"crash":{"report":"01B","pool":"math"}})")));
    EXPECT_EQ(press(Name::enter), std::nullopt);
    press(Name::escape);
    EXPECT_EQ(view_.pages.size(), 1U);
    press(Name::escape);
    EXPECT_THAT(view_.pages, IsEmpty());
    EXPECT_EQ(press(Name::enter), std::nullopt);
}

TEST_F(TopKeys, EveryKeyInEveryStateLeavesAViewThatCanBeDrawn) {
    const std::string letters = "qh?s><r/pceRKynjkgG bx";
    for (unsigned seed = 1; seed < 50; ++seed) {
        view_ = settled({}, model_);
        unsigned state = seed;
        for (int i = 0; i < 60; ++i) {
            state = state * 1664525 + 1013904223;
            const auto pick = state >> 16;
            if (pick % 2 == 0)
                press(Key{Name::character, static_cast<char32_t>(letters[pick / 2 % letters.size()])});
            else
                press(static_cast<Name>(1 + pick / 2 % 12));
            size_ = {1 + pick % 90, 1 + pick / 7 % 30};
            const auto canvas = draw(model_, view_, {}, size_);
            ASSERT_EQ(canvas.size(), size_);
        }
    }
}

}  // namespace
}  // namespace caisson::cli::top
