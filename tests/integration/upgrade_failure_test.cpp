// SPDX-License-Identifier: Apache-2.0
/// An upgrade to what does not come up: the reason is said, and nothing else has happened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "support/load.hpp"
#include "support/upgrades.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// As a program, it does not end and says nothing.
constexpr auto hang = "#!/bin/sh\nexec sleep 600\n";

class UpgradeFailure : public testing::Test {
   protected:
    [[nodiscard]] static std::string timeout(std::string_view time) {
        return "upgrade_timeout = \"" + std::string{time} + "\"\n";
    }
    [[nodiscard]] Configuration configuration(std::string service = timeout("20s")) const {
        return {.pools = "[pool.math]\nworkers = 2\n",
                .service = std::move(service),
                .plugin_dir = plugins_.path(),
                .program = install_.program()};
    }
    void reload(const Configuration& next) {
        service_.configure(next);
        const auto ended = service_.run({"reload"});
        ASSERT_EQ(ended.code, 0) << ended.err;
    }
    [[nodiscard]] static std::string first_bytes() {
        std::string bytes(64 * 1024, '\0');
        std::ifstream{caisson_program(), std::ios::binary}.read(bytes.data(),
                                                                static_cast<std::streamsize>(bytes.size()));
        return bytes;
    }
    // Refused with this text, everything as before, and a load has noticed nothing.
    void expect_refusal(std::string_view text) {
        const auto before = pids_of(service_, "math");
        Load load{service_.socket()};
        load.await();
        const auto ended = service_.run({"upgrade"});
        EXPECT_EQ(ended.code, 6) << ended.out;
        EXPECT_THAT(ended.err, HasSubstr(text));
        load.await();
        EXPECT_EQ(load.stop(), "");
        EXPECT_EQ(pids_of(service_, "math"), before);
        EXPECT_THAT(service_.log(), HasSubstr("event=upgrade_failed"));
        expect_alone();
    }
    // Its own keeper and two workers are all that the supervisor has started and not ended.
    void expect_alone() {
        std::vector<Process> there;
        EXPECT_TRUE(eventually([&] {
            return (there = descendants(service_.pid())).size() == 3 && zombies(service_.pid()).empty();
        })) << describe(there);
    }
    // Begins an upgrade that does not end, and waits until it is under way.
    Program begin_hanging() {
        install_.replace("caisson", hang);
        return Program{service_.command({"upgrade"})};
    }
    void await_successor() {
        ASSERT_TRUE(eventually([&] { return service_.log().find("event=upgrade_started") != std::string::npos; }));
    }

    Install install_;
    struct Plugins : Folder {
        Plugins() { std::filesystem::copy(plugin_folder() / "libmath.so", path() / "libmath.so"); }
    } plugins_;
    Service service_{configuration()};
};

TEST_F(UpgradeFailure, ToAFileThatIsNoProgram) {
    install_.replace("caisson", "garbage, and no program\n");
    expect_refusal("Exec format error");
}

TEST_F(UpgradeFailure, ToAProgramOfAnotherMachine) {
    auto program = first_bytes();
    program.at(18) = '\xb7';  // e_machine: 64-bit ARM
    program.at(19) = '\0';
    install_.replace("caisson", program);
    expect_refusal("Exec format error");
}

TEST_F(UpgradeFailure, ToHalfAProgram) {
    install_.replace("caisson", first_bytes());
    expect_refusal("did not take over: it ");
}

TEST_F(UpgradeFailure, ToNothing) {
    install_.remove("caisson");
    expect_refusal("there is no program");
}

TEST_F(UpgradeFailure, ToAFileThatMayNotBeExecuted) {
    install_.replace("caisson", "x");  // first: what stands there is a link to the program of the build
    std::filesystem::permissions(install_.program(), std::filesystem::perms::owner_read);
    expect_refusal("no program that may be executed");
}

TEST_F(UpgradeFailure, ToAProgramThatFails) {
    install_.replace_by_link("caisson", "/bin/false");
    expect_refusal("it ended with exit code 1");
}

TEST_F(UpgradeFailure, ToAScriptThatSaysWhy) {
    install_.replace("caisson", "#!/bin/sh\necho 'a library is missing' >&2\nexit 3\n");
    expect_refusal("a library is missing");
}

TEST_F(UpgradeFailure, ToAProgramThatHangs) {
    reload(configuration(timeout("300ms")));
    install_.replace("caisson", hang);
    expect_refusal("not ready after 300 ms (service.upgrade_timeout)");
}

TEST_F(UpgradeFailure, ToAProgramThatFloodsItsOutput) {
    reload(configuration(timeout("500ms")));
    install_.replace("caisson", "#!/bin/sh\nexec yes 'nonsense'\n");
    expect_refusal("not ready after 500 ms");
}

TEST_F(UpgradeFailure, ToAProgramThatTalksNonsense) {
    install_.replace("caisson", "#!/bin/bash\necho 'hello' >&$CAISSON_HANDOVER\nexec sleep 600\n");
    expect_refusal("it sent a message that is no JSON object");
    install_.replace("caisson", "#!/bin/bash\necho '{\"type\":\"taken\"}' >&$CAISSON_HANDOVER\nexec sleep 600\n");
    expect_refusal("\"taken\" out of turn");
}

TEST_F(UpgradeFailure, ToAConfigurationThatIsWrong) {
    write_file(service_.config(), "[service]\nsocket = 7\n");
    expect_refusal("caisson.toml:2");
    auto wrong = configuration();
    wrong.access = "call = [\"nobody-of-this-name\"]\n";
    service_.configure(wrong);
    expect_refusal("there is no user nobody-of-this-name");
    service_.configure(configuration());
    upgrade(service_);
}

TEST_F(UpgradeFailure, ToAPoolThatDoesNotComeUp) {
    std::filesystem::copy(fixture_library("crash_at_load"), plugins_ / "bad");
    std::filesystem::rename(plugins_ / "bad", plugins_ / "libmath.so");
    const auto before = pids_of(service_, "math");
    const auto ended = service_.run({"upgrade"});
    EXPECT_EQ(ended.code, 6);
    EXPECT_THAT(ended.err, HasSubstr("pool math would not serve"));
    EXPECT_EQ(pids_of(service_, "math"), before);
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
    expect_alone();
}

TEST_F(UpgradeFailure, TheNextOneMaySucceed) {
    install_.replace("caisson", "garbage");
    expect_refusal("Exec format error");
    install_.replace_by_link("caisson", caisson_program());
    upgrade(service_);
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
}

TEST_F(UpgradeFailure, OneAtATime) {
    auto first = begin_hanging();
    await_successor();
    const auto second = service_.run({"upgrade"});
    EXPECT_EQ(second.code, 6);
    EXPECT_THAT(second.err, HasSubstr("an upgrade is under way already"));
    const auto reload = service_.run({"reload"});
    EXPECT_EQ(reload.code, 6);
    EXPECT_THAT(reload.err, HasSubstr("an upgrade is under way"));
    EXPECT_EQ(service_.run({"resize", "math", "3"}).code, 0) << "this is no matter of the file";
    EXPECT_EQ(service_.run({"stop"}).code, 0);
    EXPECT_EQ(service_.wait().code, 0);
    EXPECT_EQ(first.wait().code, 6);
    EXPECT_THAT(first.err(), HasSubstr("the service was told to stop"));
    EXPECT_TRUE(eventually([] { return descendants(::getpid()).empty(); })) << describe(descendants(::getpid()));
    install_.replace_by_link("caisson", caisson_program());
    service_.start();
}

TEST_F(UpgradeFailure, TheNewOneIsKilledMeanwhile) {
    auto asked = begin_hanging();
    await_successor();
    const auto keeper = service_.keeper();
    std::vector<pid_t> others;
    ASSERT_TRUE(eventually([&] {
        others.clear();
        for (const auto& process : descendants(service_.pid()))
            if (process.parent == service_.pid() && process.pid != keeper) others.push_back(process.pid);
        return others.size() == 1;
    }));
    ::kill(others.at(0), SIGKILL);
    EXPECT_EQ(asked.wait().code, 6);
    EXPECT_THAT(asked.err(), HasSubstr("it was ended by SIGKILL"));
    expect_alone();
}

TEST_F(UpgradeFailure, TheOldOneIsKilledMeanwhile) {
    auto asked = begin_hanging();
    await_successor();
    const auto everybody = watch_all(descendant_pids(service_.pid()));
    service_.signal(SIGKILL);
    (void)service_.wait();
    EXPECT_THAT(left_after(everybody, 2s), testing::IsEmpty()) << "what was to take over goes with it";
    EXPECT_NE(asked.wait().code, 0);
    install_.replace_by_link("caisson", caisson_program());
    service_.start();
}

}  // namespace
}  // namespace caisson::test
