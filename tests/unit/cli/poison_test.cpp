// SPDX-License-Identifier: Apache-2.0
/// caisson poison: what is listed, asked and said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/document.hpp"
#include "cli/exit_code.hpp"
#include "support/fake_service.hpp"
#include "support/typed_command.hpp"

namespace caisson::cli {
namespace {

using test::FakeService;
using test::TypedCommand;
using testing::HasSubstr;

constexpr std::string_view two =
    R"({"poison":[{"id":"7f3a91c2","pool":"chaos","method":"segv","crashes":3,"since":"2026-01-31T12:00:00.000Z",)"
    R"("report":"01JD0000000000000000000000"},{"id":"b0","pool":"text","method":"grep","crashes":12,)"
    R"("since":"2026-01-31T11:00:00.000Z","report":"01JC0000000000000000000000"}]})";

class Poison : public testing::Test {
   protected:
    // Runs the command against a service that gives this answer.
    int run(std::string answer, std::vector<std::string> options = {}) {
        FakeService::Script script;
        script.on_request = [&](FakeService::Session& session, std::uint64_t id, const std::string& json) {
            asked_ = json;
            session.reply(id, answer);
        };
        FakeService service{script};
        options.insert(options.begin(), {"--socket", service.socket().string(), "poison"});
        TypedCommand command{options};
        const int code = command.wait();
        out_ = command.out;
        err_ = command.err;
        return code;
    }

    std::string asked_, out_, err_;
};

TEST_F(Poison, IsListedAsATable) {
    EXPECT_EQ(run(std::string{two}), 0);
    EXPECT_EQ(asked_, R"({"verb":"poison"})");
    EXPECT_EQ(out_,
              "ID        METHOD      CRASHES  LAST CRASH                REPORT\n"
              "7f3a91c2  chaos.segv        3  2026-01-31T12:00:00.000Z  01JD0000000000000000000000\n"
              "b0        text.grep        12  2026-01-31T11:00:00.000Z  01JC0000000000000000000000\n");
}

TEST_F(Poison, OfOnePoolOnly) {
    EXPECT_EQ(run(std::string{two}, {"--pool", "text"}), 0);
    EXPECT_THAT(out_, testing::AllOf(HasSubstr("text.grep"), testing::Not(HasSubstr("chaos.segv"))));
    EXPECT_EQ(run(std::string{two}, {"--pool", "text", "--json"}), 0);
    EXPECT_EQ(parse_document(out_)["poison"].size(), 1U);
    EXPECT_EQ(run(std::string{two}, {"--pool", "math"}), 0);
    EXPECT_EQ(out_, "no input is poison\n");
}

TEST_F(Poison, AnEmptyListSaysSo) {
    EXPECT_EQ(run(R"({"poison":[]})"), 0);
    EXPECT_EQ(out_, "no input is poison\n");
    EXPECT_EQ(run(R"({"poison":17})"), 0) << "what is no list is none";
}

TEST_F(Poison, WithJsonItIsTheServicesOwnDocument) {
    EXPECT_EQ(run(R"({"poison": [], "later": 1})", {"--json"}), 0);
    EXPECT_EQ(out_, "{\"poison\": [], \"later\": 1}\n");
}

TEST_F(Poison, IsClearedById) {
    EXPECT_EQ(run(R"({"cleared":1})", {"--clear", "7f3a"}), 0);
    EXPECT_EQ(asked_, R"({"id":"7f3a","verb":"clear_poison"})");
    EXPECT_EQ(out_, "cleared 1 input\n");
    EXPECT_EQ(run(R"({"cleared":0})", {"--clear", "zz"}), exit_refused);
    EXPECT_THAT(err_, HasSubstr("there is no such input as \"zz\"\n  `caisson poison` lists"));
}

TEST_F(Poison, IsClearedAsAWhole) {
    EXPECT_EQ(run(R"({"cleared":2})", {"--clear-all"}), 0);
    EXPECT_EQ(asked_, R"({"verb":"clear_poison"})");
    EXPECT_EQ(out_, "cleared 2 inputs\n");
    EXPECT_EQ(run(R"({"cleared":2})", {"--clear-all", "--pool", "chaos", "--json"}), 0);
    EXPECT_EQ(asked_, R"({"pool":"chaos","verb":"clear_poison"})");
    EXPECT_EQ(out_, "{\"cleared\":2}\n");
    EXPECT_EQ(run(R"({"cleared":0})", {"--clear-all"}), 0);
    EXPECT_EQ(out_, "there was nothing to clear\n");
}

}  // namespace
}  // namespace caisson::cli
