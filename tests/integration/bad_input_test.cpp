// SPDX-License-Identifier: Apache-2.0
/// What bad input gets: an error that says what, where, why and what to do, and its exit code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "support/raw_client.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr auto owner_all = std::filesystem::perms::owner_all;

struct BadToml {
    std::string name;
    std::string text;
    std::vector<std::string> said;
};
void PrintTo(const BadToml& row, std::ostream* out) {  // NOLINT(readability-identifier-naming): GoogleTest's name
    *out << row.name;
}

class BadConfiguration : public testing::TestWithParam<BadToml> {
   protected:
    [[nodiscard]] Ended serve(const std::vector<std::string>& more = {}) const {
        write_file(folder_ / "caisson.toml", GetParam().text);
        std::vector<std::string> line{"serve", "-c", (folder_ / "caisson.toml").string(), "--socket",
                                      (folder_ / "sock").string()};
        line.insert(line.end(), more.begin(), more.end());
        return caisson(line);
    }
    void expect_said(const std::string& text) const {
        for (const auto& part : GetParam().said) EXPECT_THAT(text, HasSubstr(part));
    }
    Folder folder_;
};

TEST_P(BadConfiguration, IsRefusedWithItsPlace) {
    const auto strict = serve({"--strict"});
    EXPECT_EQ(strict.code, 7);
    EXPECT_EQ(strict.out, "");
    expect_said(strict.err);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "sock"));

    const auto check = caisson({"check", (folder_ / "caisson.toml").string()});
    EXPECT_EQ(check.code, 7);
    expect_said(check.err);
}

INSTANTIATE_TEST_SUITE_P(
    Toml, BadConfiguration,
    testing::Values(
        BadToml{"SyntaxError", "[pool.math]\nworkers = \n", {"caisson.toml:2:", "syntax error"}},
        BadToml{"MisspeltKey",
                "[pool.math]\nworkres = 4\n",
                {"caisson.toml:2:1: ", "workres", "did you mean \"workers\"?"}},
        BadToml{"UnknownSection",
                "[servise]\nsocket = \"x\"\n",
                {"caisson.toml:1:", "unknown section \"servise\"", "did you mean \"service\"?"}},
        BadToml{"WrongType", "[pool.math]\ntimeout = true\n", {"caisson.toml:2:", "timeout is true", "\"30s\""}},
        BadToml{"NumberAsText",
                "[pool.math]\nworkers = \"four\"\n",
                {"caisson.toml:2:", "workers is the string \"four\"", "for example workers = 4"}},
        BadToml{"Negative", "[pool.math]\nworkers = -4\n", {"caisson.toml:2:", "workers is negative, -4"}},
        BadToml{"NegativeSize", "[pool.math.limits]\nmemory = \"-1GiB\"\n", {"caisson.toml:2:", "memory is no size"}},
        BadToml{"Absurd",
                "[pool.math]\nworkers = 100000\n",
                {"caisson.toml:2:", "workers is 100000, above its bound of 1024"}},
        BadToml{
            "AbsurdSize", "[pool.math.limits]\nmemory = \"900TiB\"\n", {"caisson.toml:2:", "above its bound of 64TiB"}},
        BadToml{"TwoPoolsOfOneName",
                "[pool.math]\nworkers = 4\n[pool.math]\nworkers = 2\n",
                {"caisson.toml:3:", "two pools of one name, [pool.math]", "the first is on line 1"}},
        BadToml{"LongSocket",
                "[service]\nsocket = \"/tmp/" + std::string(200, 's') + "\"\n",
                {"caisson.toml:2:", "socket is too long", "at most 107"}}),
    [](const auto& test) { return test.param.name; });

// ---- serve ----------------------------------------------------------------------------------------------------------

class BadInput : public testing::Test {
   protected:
    Service service_{{.pools = "[pool.math]\nworkers = 2\n[pool.text]\nworkers = 1\n"}};
};

constexpr const char* good_and_bad =
    "[pool.math]\nworkers = 2\n[pool.bad]\nworkres = 2\n[pool.lost]\nplugin = \"nowhere\"\n";

TEST(BadPool, DoesNotStopTheGoodOnes) {
    const Service service{{.pools = good_and_bad}};
    EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");
    const auto problems = service.status().at("supervisor").at("problems").dump();
    EXPECT_THAT(problems, AllOf(HasSubstr("workres"), HasSubstr("libnowhere.so"), HasSubstr("caisson.toml")));
    service.await_log("there is no libnowhere.so or nowhere.so in");
    service.await_log("workres");
    const auto refused = service.run({"call", "bad.square", "7"});
    EXPECT_EQ(refused.code, 6);
}

TEST(BadPool, StopsAStrictService) {
    const Folder folder;
    write_file(folder / "caisson.toml", good_and_bad);
    const auto ended = caisson({"serve", "--strict", "-c", (folder / "caisson.toml").string(), "--socket",
                                (folder / "sock").string(), "--plugin-dir", plugin_folder().string()});
    EXPECT_EQ(ended.code, 7);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("workres"), HasSubstr("there is no libnowhere.so or nowhere.so in")));
}

TEST(BadPool, OfAPluginThatCannotLoadStopsAStrictService) {
    const Folder folder;
    write_file(folder / "caisson.toml", "[service]\ndiscover = false\n[pool.math]\n[pool.bad]\nplugin = \"" +
                                            (fixture_folder() / "broken" / "no_symbol.so").string() + "\"\n");
    const auto ended = caisson({"serve", "--strict", "-c", (folder / "caisson.toml").string(), "--socket",
                                (folder / "sock").string(), "--plugin-dir", plugin_folder().string()});
    EXPECT_EQ(ended.code, 7);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("pool bad"), HasSubstr("does not export caisson_plugin_entry")));
    EXPECT_THAT(ended.err, Not(HasSubstr("pool math")));
}

TEST(BadPool, AStrictServiceWithGoodOnesServes) {
    const Service service{{.pools = "[pool.math]\nworkers = 1\n"}, {"--strict"}};
    EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");
}

TEST(BadServe, WithoutItsFile) {
    const auto ended = caisson({"serve", "-c", "/nowhere/caisson.toml"});
    EXPECT_EQ(ended.code, 7);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("/nowhere/caisson.toml"), HasSubstr("No such file")));
}

TEST(BadServe, WithASocketPathThatIsTooLong) {
    const Folder folder;
    write_file(folder / "caisson.toml", "[pool.math]\n");
    const auto ended = caisson({"serve", "-c", (folder / "caisson.toml").string(), "--socket",
                                (folder / std::string(150, 's')).string(), "--plugin-dir", plugin_folder().string()});
    EXPECT_EQ(ended.code, 7);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("a socket's path may have at most 107"), HasSubstr("shorter path")));
}

TEST_F(BadInput, ASocketInUseIsNotTakenOver) {
    const auto ended = caisson({"serve", "-c", service_.config().string()});
    EXPECT_EQ(ended.code, 3);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("a service is already running at " + service_.socket().string()),
                                 HasSubstr("(pid " + std::to_string(service_.pid()) + ")"), HasSubstr("caisson stop")));
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
}

TEST_F(BadInput, AStaleSocketFileIsReplaced) {
    EXPECT_EQ(service_.stop().code, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, service_.socket().c_str(), sizeof address.sun_path - 1);
    const Fd stale{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ASSERT_EQ(::bind(stale.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    service_.start();
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
}

TEST_F(BadInput, WhatIsNoSocketIsNotRemoved) {
    EXPECT_EQ(service_.stop().code, 0);
    write_file(service_.socket(), "precious");
    const auto ended = caisson({"serve", "-c", service_.config().string()});
    EXPECT_EQ(ended.code, 3);
    EXPECT_THAT(ended.err, HasSubstr("exists and is not a socket"));
    EXPECT_EQ(read_file(service_.socket()), "precious");
    const auto client = service_.run({"status"});
    EXPECT_EQ(client.code, 3);
    EXPECT_THAT(client.err, HasSubstr("is not a socket"));
    std::filesystem::remove(service_.socket());
    service_.start();
}

// ---- clients --------------------------------------------------------------------------------------------------------

TEST_F(BadInput, AnUnknownMethodListsThoseThatThereAre) {
    const auto ended = service_.run({"call", "math.sqare", "7"});
    EXPECT_EQ(ended.code, 6);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, AllOf(HasSubstr("pool math has no method sqare"), HasSubstr("did you mean math.square?"),
                                 HasSubstr("methods of math: pow, primes, square, sum")));
}

TEST_F(BadInput, AnUnknownPoolListsThoseThatThereAre) {
    const auto ended = service_.run({"call", "mth.square", "7"});
    EXPECT_EQ(ended.code, 6);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("there is no pool mth"), HasSubstr("did you mean math.square?"),
                                 HasSubstr("pools: math, text")));
    const auto status = service_.run({"status", "mth"});
    EXPECT_EQ(status.code, 6);
    EXPECT_THAT(status.err, AllOf(HasSubstr("there is no pool mth"), HasSubstr("math")));
}

TEST_F(BadInput, AnUnknownReportIsRefused) {
    const auto ended = service_.run({"crashes", "01NOSUCHREPORT"});
    EXPECT_EQ(ended.code, 6);
    EXPECT_THAT(ended.err, HasSubstr("there is no crash report 01NOSUCHREPORT"));
}

TEST_F(BadInput, ABodyOverTheBoundOfAFrameIsRefusedByItsName) {
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.hello());
    ASSERT_TRUE(client.call(1, "text.wordcount", std::string(std::size_t{16} * 1024 * 1024 + 1, 'x')));
    EXPECT_EQ(client.outcome().at("bound"), "max_body_bytes");
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
}

TEST_F(BadInput, WrongUsageIsExplained) {
    struct Row {
        std::vector<std::string> typed;
        std::string said;
    };
    for (const auto& row :
         std::vector<Row>{{{"call", "math"}, "is not POOL.METHOD"},
                          {{"call"}, "POOL.METHOD"},
                          {{"cal", "math.square"}, "did you mean call?"},
                          {{"call", "math.square", "7", "--timeot", "2s"}, "did you mean --timeout?"},
                          {{"call", "math.square", "7", "--timeout", "soon"}, "--timeout"},
                          {{"call", "math.square", "7", "--params", "[1]"}, "--params wants a JSON object"},
                          {{"status", "math", "text"}, "one argument too many"}}) {
        const auto ended = service_.run(row.typed);
        EXPECT_EQ(ended.code, 2) << row.said;
        EXPECT_THAT(ended.err, HasSubstr(row.said));
    }
    const auto lost = service_.run({"call", "text.wordcount", "@/nowhere/at/all"});
    EXPECT_EQ(lost.code, 9);
    EXPECT_THAT(lost.err, HasSubstr("/nowhere/at/all"));
}

TEST_F(BadInput, NoSupervisorIsSaid) {
    const auto socket = (service_.folder() / "nobody.sock").string();
    const auto ended = caisson({"--socket", socket, "status"});
    EXPECT_EQ(ended.code, 3);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("no service at " + socket), HasSubstr("caisson serve")));
}

// Root may do everything, so as root the client becomes somebody else; anybody else is shut out by the mode alone.
class NoRights : public BadInput {
   protected:
    [[nodiscard]] Ended as_stranger(std::vector<std::string> arguments) const {
        return service_.run(std::move(arguments), {.as_nobody = ::geteuid() == 0});
    }
    void SetUp() override {
        std::filesystem::permissions(service_.folder().path(), std::filesystem::perms{0755});
        if (::geteuid() != 0) std::filesystem::permissions(service_.socket(), std::filesystem::perms::none);
    }
};

TEST_F(NoRights, ToTheSocketIsSaidWithItsOwnerAndMode) {
    const auto ended = as_stranger({"call", "math.square", "7"});
    EXPECT_EQ(ended.code, 3);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("permission denied for the socket " + service_.socket().string()),
                                 HasSubstr("and has mode 0"), HasSubstr("and you are ")));
    EXPECT_EQ(service_.run({"status"}).code, ::geteuid() == 0 ? 0 : 3);
}

TEST_F(NoRights, ToTheServiceIsSaidWithTheKeyThatGivesThem) {
    if (::geteuid() != 0) {
        // One user only: whoever reaches the socket is the service's own, and may do everything.
        std::filesystem::permissions(service_.socket(), owner_all);
        EXPECT_EQ(as_stranger({"status"}).code, 0);
        return;
    }
    std::filesystem::permissions(service_.socket(), std::filesystem::perms{0666});
    const auto call = as_stranger({"call", "math.square", "7"});
    EXPECT_EQ(call.code, 3);
    EXPECT_THAT(call.err, AllOf(HasSubstr("may not use this service"), HasSubstr("access.call")));

    service_.configure({.pools = "[pool.math]\nworkers = 2\n[pool.text]\nworkers = 1\n", .access = "call = [\"*\"]\n"});
    EXPECT_EQ(service_.run({"reload"}).code, 0);
    EXPECT_EQ(as_stranger({"call", "math.square", "7"}).out, "49");
    const auto resize = as_stranger({"resize", "math", "1"});
    EXPECT_EQ(resize.code, 6);
    EXPECT_THAT(resize.err, AllOf(HasSubstr("may not resize this service"), HasSubstr("access.operate")));
    EXPECT_EQ(as_stranger({"stop"}).code, 6);
    EXPECT_EQ(service_.workers("math").size(), 2U);
}

}  // namespace
}  // namespace caisson::test
