// SPDX-License-Identifier: Apache-2.0
// The program as the supervisor starts it: a request through one pipe, an answer through another.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <string>

#include "base/fd.hpp"
#include "base/system.hpp"
#include "symbolizer/document.hpp"

namespace caisson::symbolizer {
namespace {

struct Ended {
    int status = 0;
    std::string output;
};

Ended run(const std::string& input) {
    auto to = sys::pipe();
    auto from = sys::pipe();
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(to->first.get(), 0);
        ::dup2(from->second.get(), 1);
        ::execl(CAISSON_SYMBOLIZER, "caisson-symbolizer", nullptr);
        ::_exit(127);
    }
    to->first.reset();
    from->second.reset();
    std::signal(SIGPIPE, SIG_IGN);
    for (std::size_t sent = 0; sent < input.size();) {
        const ssize_t count = ::write(to->second.get(), input.data() + sent, input.size() - sent);
        if (count <= 0) break;
        sent += static_cast<std::size_t>(count);
    }
    to->second.reset();
    Ended ended;
    char piece[4096];
    for (ssize_t count = 0; (count = ::read(from->first.get(), piece, sizeof piece)) > 0;) {
        ended.output.append(piece, static_cast<std::size_t>(count));
    }
    ::waitpid(child, &ended.status, 0);
    return ended;
}

TEST(SymbolizerProgram, AnswersARequest) {
    const nlohmann::json request = {
        {"frames",
         {{{"module", CAISSON_FIXTURES "/plugins/places.so"}, {"offset", 0x1110}, {"return_address", true}},
          {{"module", "caisson-symbolizer"}, {"offset", 0x10}},
          {{"module", "/no/such.so"}, {"offset", 255}}}}};
    const Ended ended = run(request.dump());
    EXPECT_EQ(ended.status, 0);
    const auto frames = nlohmann::json::parse(ended.output).at("frames");
    ASSERT_GE(frames.size(), 3U);
    EXPECT_EQ(frames[0]["module"], "places.so");
    EXPECT_EQ(frames.back(), nlohmann::json::parse(R"({"module":"such.so","offset":"0xff"})"));
}

TEST(SymbolizerProgram, RefusesRubbishAndFloods) {
    EXPECT_EQ(WEXITSTATUS(run("rubbish").status), 2);
    EXPECT_EQ(WEXITSTATUS(run("").status), 2);
    EXPECT_EQ(WEXITSTATUS(run(std::string(max_request_bytes + 100, ' ')).status), 2);
}

}  // namespace
}  // namespace caisson::symbolizer
