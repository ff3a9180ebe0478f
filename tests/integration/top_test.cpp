// SPDX-License-Identifier: Apache-2.0
/// caisson top in a real terminal: what it shows, what its keys do, and that the terminal is as before when it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <mutex>

#include "support/fake_service.hpp"
#include "support/service.hpp"
#include "support/terminal.hpp"

namespace caisson::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Rows = std::vector<std::string>;

// Whether one row has all of these texts in it.
bool one_row_has(const Rows& rows, const std::vector<std::string_view>& texts) {
    return std::ranges::any_of(rows, [&](const std::string& row) {
        return std::ranges::all_of(texts, [&](auto text) { return row.find(text) != std::string::npos; });
    });
}

// The place of the first row that begins so; beyond the end if none does.
std::size_t place_of(const Rows& rows, std::string_view beginning) {
    return static_cast<std::size_t>(
        std::ranges::find_if(rows, [&](const std::string& row) { return row.starts_with(beginning); }) - rows.begin());
}

/// The view of a service with a pool of math and a call that waits at a gate.
class Top : public testing::Test {
   protected:
    Top() { service_.await_running("ledger", 1); }
    ~Top() override {
        if (waiting_.running()) waiting_.signal(SIGINT);  // gives its call up
    }

    void start_top(const std::string& arguments = "") {
        terminal_.type(caisson_program().string() + " --socket " + service_.socket().string() + " top -d 0.2 " +
                       arguments + "; echo left with $?");
        terminal_.press({"Enter"});
        terminal_.await("vFOR");
    }
    // The process that has the terminal.
    pid_t top() const {
        for (const auto& process : descendants(::getpid()))
            if (process.name == "caisson" && process.pid != service_.pid() && process.pid != waiting_.pid())
                return process.pid;
        throw std::runtime_error("top does not run");
    }

    Service service_{{.pools = "[pool.math]\nworkers = 4\n[pool.ledger]\nworkers = 2\nplugin = \"" +
                               fixture_library("ledger") + "\"\n[pool.chaos]\nworkers = 1\nplugin = \"" +
                               chaos_library() + "\"\n"}};
    Gate gate_;
    Program waiting_{service_.command({"call", "ledger.gate", gate_.path()})};
    Terminal terminal_{80, 24};
};

TEST_F(Top, ShowsTheServiceThePoolsAndWhatEachWorkerRunsNow) {
    start_top();
    terminal_.await_rows(
        [](const Rows& rows) {
            return rows[0].starts_with("caisson ") && one_row_has(rows, {" ledger ", " ready ", " 2/2 "}) &&
                   one_row_has(rows, {" math ", " ready ", " 4/4 "}) &&
                   one_row_has(rows, {" ledger/", " running ", " gate ", "s "}) &&
                   one_row_has(rows, {" math/4 ", " idle "});
        },
        "pools and workers");
    // Seconds go by while it runs.
    terminal_.await_rows([](const Rows& rows) { return one_row_has(rows, {"gate", " 1.", "s "}); }, "how long");
    ASSERT_EQ(service_.run({"call", "math.square", "7"}).code, 0);
    terminal_.await_rows([](const Rows& rows) { return one_row_has(rows, {" math/", " idle ", " 1 "}); }, "its call");
    gate_.open("");
    terminal_.await_gone(" gate ");
    EXPECT_EQ(waiting_.wait().code, 0);
}

TEST_F(Top, SortsFiltersChoosesAndHelps) {
    start_top();
    terminal_.await_rows([](const Rows& rows) { return place_of(rows, ">chaos") == 2; }, "the first pool");
    terminal_.press({"s", "s"});  // READY, the most workers first
    terminal_.await_rows(
        [](const Rows& rows) { return place_of(rows, " math ") == 2 && place_of(rows, ">chaos") == 4; },
        "pools by their workers");
    terminal_.press({"r"});
    terminal_.await_rows([](const Rows& rows) { return place_of(rows, " math ") == 4; }, "the other order");

    terminal_.press({"/"});
    terminal_.type("gate");
    terminal_.await("filter: gate_");
    terminal_.await_gone(" math ");
    EXPECT_THAT(terminal_.text(), AllOf(HasSubstr("ledger/"), Not(HasSubstr(" math/"))));
    terminal_.press({"Escape"});
    terminal_.await(" math/1 ");

    terminal_.press({"End", "Enter"});
    terminal_.await("only math");
    terminal_.await_gone(" ledger/");
    terminal_.press({"Enter"});
    terminal_.await(" ledger/");

    terminal_.press({"?"});
    terminal_.await("Ctrl-L");
    EXPECT_THAT(terminal_.text(), Not(HasSubstr("vFOR")));
    terminal_.press({"q"});
    terminal_.await("vFOR");
}

TEST_F(Top, ShowsTheCrashesAndOneInFull) {
    ASSERT_EQ(service_.run({"call", "chaos.segv"}).code, 4);
    start_top();
    terminal_.press({"c"});
    terminal_.await("chaos.segv");
    terminal_.press({"Enter"});
    terminal_.await("stack, innermost first:");
    EXPECT_THAT(terminal_.text(), AllOf(HasSubstr("Crash report "), HasSubstr("chaos.segv crashed: SIGSEGV")));
    terminal_.press({"Escape"});
    terminal_.await("Crashes, newest first");
    terminal_.press({"Escape"});
    terminal_.await("vFOR");
}

TEST_F(Top, FitsASmallTerminalAndALargeOneAgain) {
    start_top();
    terminal_.await("RESTARTS");
    terminal_.resize(40, 10);
    terminal_.await_rows(
        [](const Rows& rows) {
            return rows.size() == 10 && rows[0].starts_with("caisson ") && rows[1].starts_with(" POOL^") &&
                   rows[5].starts_with(" WORKER ") && rows[9].starts_with("h help");
        },
        "the small one");
    for (const auto& row : terminal_.rows()) EXPECT_LE(row.size(), 40U) << row;
    EXPECT_THAT(terminal_.text(), Not(HasSubstr("RESTARTS")));
    terminal_.resize(80, 24);
    terminal_.await_rows([](const Rows& rows) { return rows.size() == 24 && one_row_has(rows, {"POOL^", "RESTARTS"}); },
                         "the large one");
    terminal_.await_rows([](const Rows& rows) { return rows[23].starts_with("h help"); }, "its last row");
}

TEST_F(Top, AServiceThatEndsIsSaidAndIsThereAgainWhenItComesBack) {
    start_top();
    gate_.open("");
    EXPECT_EQ(waiting_.wait().code, 0);
    EXPECT_EQ(service_.stop().code, 0);
    terminal_.await("service lost, next try in");
    EXPECT_THAT(terminal_.text(), HasSubstr(" math/4 "));  // as it was last seen
    service_.start();
    terminal_.await_rows([](const Rows& rows) { return rows[0].starts_with("caisson "); }, "the service");
    terminal_.await_rows([](const Rows& rows) { return one_row_has(rows, {" math ", " ready ", " 4/4 "}); }, "a pool");
}

TEST_F(Top, TheTerminalIsAsBeforeHoweverItEnds) {
    terminal_.type("stty -g > " + terminal_.file("before") + "; echo a line from before");
    terminal_.press({"Enter"});
    terminal_.await("\na line from before");
    const auto check_end = [&](std::string_view code) {
        terminal_.await("left with " + std::string{code});
        EXPECT_THAT(terminal_.text(), AllOf(HasSubstr("\na line from before"), Not(HasSubstr("vFOR"))));
        terminal_.type("stty -g > " + terminal_.file("after") + "; clear; echo; echo a line from before");
        terminal_.press({"Enter"});
        terminal_.await_gone("left with");
        terminal_.await("\na line from before");
        EXPECT_EQ(read_file(terminal_.file("after")), read_file(terminal_.file("before")));
    };
    start_top();
    terminal_.press({"q"});
    check_end("0");
    start_top();
    terminal_.press({"C-c"});
    check_end("0");
    start_top();
    ::kill(top(), SIGTERM);
    check_end("8");
    start_top();
    ::kill(top(), SIGSEGV);  // a bug of its own
    check_end("139");
}

TEST_F(Top, StopsAndGoesOn) {
    start_top();
    terminal_.press({"C-z"});
    terminal_.await("Stopped");
    EXPECT_THAT(terminal_.text(), Not(HasSubstr("vFOR")));
    terminal_.resize(60, 16);
    terminal_.type("fg");
    terminal_.press({"Enter"});
    terminal_.await_rows(
        [](const Rows& rows) {
            return rows.size() == 16 && rows[15].starts_with("h help") && one_row_has(rows, {"vFOR"});
        },
        "the view");
    terminal_.press({"j"});
    terminal_.await(">ledger");
    terminal_.press({"q"});
    terminal_.await("prompt>");
}

TEST_F(Top, ATerminalThatCannotMoveItsCursorIsToldWhatToUse) {
    terminal_.type("TERM=dumb " + caisson_program().string() + " --socket " + service_.socket().string() +
                   " top; echo left with $?");
    terminal_.press({"Enter"});
    terminal_.await("left with 2");
    EXPECT_THAT(terminal_.text(), AllOf(HasSubstr("TERM is"), HasSubstr("status --watch")));
}

/// The view of a service that says whatever the test likes.
class TopOfFake : public testing::Test {
   protected:
    static constexpr std::string_view status =
        R"({"supervisor":{"pid":100,"version":"9.9","uptime_s":12.0,"state":"serving"},
        "pools":[{"name":"日本語プール","state":"ready","target":1,"calls":{"ok":1},
                  "last_crash":{"message":"\u001b[31mred"},
                  "workers":[{"id":1,"pid":11,"state":"running","running_s":2,
                              "method":"evil\u001b[2J\u001b]0;title\u0007\r\n"}]},
                 {"name":"plain","state":"ready","target":1,"calls":{"ok":1},
                  "workers":[{"id":7,"pid":12,"state":"idle"}]}]})";

    TopOfFake() {
        script_.on_request = [this](FakeService::Session& session, std::uint64_t id, const std::string& json) {
            const auto request = Json::parse(json);
            if (request.at("verb") == "status") return session.reply(id, status);
            const std::lock_guard lock{mutex_};
            asked_.push_back(request);
            session.reply(id, R"({"message":"you may \u001b[2Jnot"})", asked_.size() > 1);
        };
    }
    std::size_t asked() {
        const std::lock_guard lock{mutex_};
        return asked_.size();
    }
    void start_top(const Terminal& terminal, const std::string& environment = "") {
        terminal.type(environment + caisson_program().string() + " --socket " + service_.socket().string() + " top");
        terminal.press({"Enter"});
        terminal.await("vFOR");
    }

    std::mutex mutex_;
    std::vector<Json> asked_;
    FakeService::Script script_;
    FakeService service_{
        FakeService::Script{.on_request = [this](FakeService::Session& session, std::uint64_t id,
                                                 const std::string& json) { script_.on_request(session, id, json); }}};
};

TEST_F(TopOfFake, RestartAndKillAreAskedBackAndReachTheService) {
    Terminal terminal{80, 24};
    start_top(terminal);
    terminal.press({"R"});
    terminal.await("Restart pool plain? y or n");
    terminal.press({"n"});
    terminal.await_gone("y or n");
    EXPECT_EQ(asked(), 0U);
    terminal.press({"Tab", "End", "K"});
    terminal.await("Kill worker plain/7? y or n");
    terminal.press({"y"});
    terminal.await("killed plain/7");
    ASSERT_EQ(asked(), 1U);
    EXPECT_EQ(asked_[0], Json::parse(R"({"verb":"restart","pool":"plain","worker":7,"now":true})"));
    terminal.press({"Tab", "R", "y"});
    terminal.await("restart plain: you may \\x1b[2Jnot");
    EXPECT_EQ(asked_[1], Json::parse(R"({"verb":"restart","pool":"plain"})"));
}

TEST_F(TopOfFake, NamesCannotMoveTheCursorAndWideOnesKeepTheColumns) {
    Terminal terminal{80, 24};
    start_top(terminal);
    terminal.await("evil\\x1b[2J\\x1b]0;titl…");
    terminal.await_rows(
        [](const Rows& rows) {
            // A wide name of twelve columns, in a column of twelve.
            return rows[2].starts_with(">plain         ready") && rows[3].starts_with(" 日本語プール  ready");
        },
        "names in their columns");
    EXPECT_THAT(terminal.rows()[0], StartsWith("caisson 9.9"));
}

TEST_F(TopOfFake, InAPlainLocaleAndWithoutColour) {
    Terminal terminal{80, 24, {"LC_ALL=C"}};
    start_top(terminal, "TERM=vt100 NO_COLOR=1 ");
    terminal.await_rows([](const Rows& rows) { return rows[3].starts_with(" ??????    ready"); }, "question marks");
}

}  // namespace
}  // namespace caisson::test
