// SPDX-License-Identifier: Apache-2.0
/// Each misbehaviour of chaos is real: it runs in a process of its own here, and the test looks at what is left.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "abi/fake_host.hpp"

namespace {

using caisson::test::Answer;
using caisson::test::Input;
using caisson::test::Instance;
using nlohmann::json;
using testing::HasSubstr;

constexpr int patience_ms = 20'000;
/// Long enough to tell a process that hangs from one that ends.
constexpr int hang_ms = 200;

/// A process that runs one thing as a worker would: its socket is fd 3, its output is captured, and it leads a group.
class Subject {
   public:
    explicit Subject(const std::function<void(int report)>& run) {
        std::array<int, 2> sockets{};
        std::array<int, 2> report{};
        std::array<int, 2> output{};
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0 ||
            pipe2(report.data(), O_CLOEXEC) != 0 || pipe2(output.data(), O_CLOEXEC) != 0)
            throw std::runtime_error("no sockets");
        pid_ = fork();
        if (pid_ == 0) {
            setpgid(0, 0);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            const rlimit no_core{0, 0};
            setrlimit(RLIMIT_CORE, &no_core);
            for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT}) std::signal(signal, SIG_DFL);  // no sanitizer's
            become_worker(sockets[1], output[1], report[1]);
            run(report_fd);
            _exit(0);
        }
        pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
        close(sockets[1]);
        close(report[1]);
        close(output[1]);
        socket_ = sockets[0];
        report_ = report[0];
        output_ = output[0];
    }
    ~Subject() {
        kill(-pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        for (const int fd : {pidfd_, socket_, report_, output_}) close(fd);
    }
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }

    [[nodiscard]] bool ends_within(int milliseconds) const {
        pollfd ended{pidfd_, POLLIN, 0};
        return poll(&ended, 1, milliseconds) == 1;
    }
    /// "exit 0", "signal 11", or "hangs".
    [[nodiscard]] std::string end() const {
        if (!ends_within(patience_ms)) return "hangs";
        siginfo_t info{};
        waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
        return (info.si_code == CLD_EXITED ? "exit " : "signal ") + std::to_string(info.si_status);
    }
    [[nodiscard]] std::string socket_bytes() const { return rest_of(socket_); }
    /// What the process reported, nothing if it did not come to that. One write, so one read: a grandchild may keep the
    /// pipe open.
    [[nodiscard]] std::string report() const {
        std::string text(65536, '\0');
        pollfd readable{report_, POLLIN, 0};
        const ssize_t count = poll(&readable, 1, patience_ms) == 1 ? read(report_, text.data(), text.size()) : 0;
        text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        return text;
    }
    /// The method's result, after it has returned.
    [[nodiscard]] std::string result() const { return json::parse(report()).at("output"); }
    [[nodiscard]] std::string output() const { return rest_of(output_); }

   private:
    static constexpr int report_fd = 100;

    /// Standard output, the socket as fd 3, the report, and nothing else.
    static void become_worker(int socket, int output, int report) {
        const int kept = fcntl(socket, F_DUPFD_CLOEXEC, report_fd + 1);
        dup2(report, report_fd);
        dup2(output, STDOUT_FILENO);
        dup2(output, STDERR_FILENO);
        dup2(kept, 3);
        close_range(4, report_fd - 1, 0);
        close_range(report_fd + 1, ~0U, 0);
    }
    static std::string rest_of(int fd) {
        std::string all;
        std::array<char, 65536> piece{};
        for (ssize_t count = 0; (count = read(fd, piece.data(), piece.size())) > 0;)
            all.append(piece.data(), static_cast<std::size_t>(count));
        return all;
    }

    pid_t pid_ = -1;
    int pidfd_ = -1;
    int socket_ = -1;
    int report_ = -1;
    int output_ = -1;
};

/// Calls one method of chaos, and reports its status, output and error on `report`.
void call_and_report(int report, const std::string& method, const Input& input) {
    Instance instance{caisson::test::load(CHAOS_LIBRARY)};
    const Answer answer = instance.call(method, input);
    const auto text = json{{"status", answer.status}, {"output", answer.output}, {"error", answer.error}}.dump();
    static_cast<void>(!write(report, text.data(), text.size()));
}

[[nodiscard]] Subject run(const std::string& method, const Input& input = {}) {
    return Subject{[&](int report) { call_and_report(report, method, input); }};
}

struct Death {
    std::string method;
    std::string end;
};
void PrintTo(const Death& death, std::ostream* out) {  // NOLINT(readability-identifier-naming): GoogleTest's name
    *out << death.method;
}
class Dies : public testing::TestWithParam<Death> {};

TEST_P(Dies, AsItsNameSays) { EXPECT_EQ(run(GetParam().method).end(), GetParam().end); }

INSTANTIATE_TEST_SUITE_P(Methods, Dies,
                         testing::Values(Death{"segv", "signal 11"}, Death{"abort", "signal 6"},
                                         Death{"div0", "signal 8"}, Death{"stack_overflow", "signal 11"},
                                         Death{"kill_self", "signal 9"}, Death{"exit0", "exit 0"},
                                         Death{"exit3", "exit 3"}, Death{"quick_exit0", "exit 0"},
                                         Death{"second_thread_segv", "signal 11"},
                                         Death{"crash_while_writing", "signal 11"}),
                         [](const auto& test) { return test.param.method; });

TEST(Chaos, ExitsInTheMiddleOfTheCall) {
    EXPECT_EQ(run("exit0").report(), "");
    EXPECT_EQ(run("quick_exit0").report(), "");
}

TEST(Chaos, ThrowsWhatTheFaceCatches) {
    Instance chaos{caisson::test::load(CHAOS_LIBRARY)};
    EXPECT_EQ(chaos.call("throw").status, CAISSON_INTERNAL);
    EXPECT_EQ(chaos.call("throw").error, "thrown, as asked");
    EXPECT_EQ(chaos.call("throw_int").error, "threw int, which is not a std::exception");
    EXPECT_EQ(chaos.call("fail", {.params = R"({"status":"unavailable","message":"m"})"}).status, CAISSON_UNAVAILABLE);
}

TEST(Chaos, CanBehave) {
    Instance chaos{caisson::test::load(CHAOS_LIBRARY)};
    EXPECT_EQ(chaos.call("ok", {.body = "7"}).output, "7");
    EXPECT_EQ(chaos.call("echo", {.body = {"\0\xFF", 2}}).output, std::string("\0\xFF", 2));
    EXPECT_EQ(chaos.call("sleep", {.body = "1"}).output, "1");
    EXPECT_EQ(chaos.call("sleep", {.body = "600000", .cancelled = true}).status, CAISSON_CANCELLED);
    EXPECT_EQ(chaos.call("pour", {.body = "100000"}).output.size(), 100'000u);
}

TEST(Chaos, SaysItOnBothStreams) {
    const Subject subject = run("say", {.body = "hello"});
    EXPECT_EQ(subject.output(), "hello\nhello\n");
}

// ----------------------------------------------------------------------------------------------------------- starts

[[nodiscard]] Subject start(const std::string& settings) {
    return Subject{[&](int) {
        const Instance instance{caisson::test::load(CHAOS_LIBRARY), settings};
        if (instance.created() != CAISSON_OK) _exit(9);
    }};
}

TEST(Chaos, CrashesAtStartAndEnd) {
    EXPECT_EQ(start("{}").end(), "exit 0");
    EXPECT_EQ(start(R"({"crash":"create"})").end(), "signal 11");
    EXPECT_EQ(start(R"({"crash":"destroy"})").end(), "signal 11");
    const Subject failed = start(R"({"crash":"create_fails"})");
    EXPECT_EQ(failed.end(), "exit 9");
    EXPECT_EQ(failed.output(), "chaos: chaos does not want to start\n");
    EXPECT_FALSE(start(R"({"crash":"create_hangs"})").ends_within(hang_ms));
}

TEST(Chaos, CrashesInAStaticConstructor) {
    const Subject subject{[](int) {
        setenv("CAISSON_CHAOS_STATIC", "1", 1);
        // A program of its own: this process has loaded the library before.
        execl("/proc/self/exe", "chaos_test", "--gtest_filter=Chaos.CanBehave", nullptr);
    }};
    EXPECT_EQ(subject.end(), "signal 11");
}

// ------------------------------------------------------------------------------------------------------------ hunger

TEST(Chaos, OutOfMemoryAborts) {
#ifdef CAISSON_SANITIZED
    GTEST_SKIP() << "the sanitizer's allocator ends the process in its own way";
#endif
    const Subject subject{[](int report) {
        constexpr rlim_t bytes = 256 * 1024 * 1024;
        const rlimit limit{bytes, bytes};
        setrlimit(RLIMIT_DATA, &limit);
        call_and_report(report, "oom", {});
    }};
    EXPECT_EQ(subject.end(), "signal 6");
    EXPECT_THAT(subject.output(), HasSubstr("std::bad_alloc"));
}

TEST(Chaos, OutOfMemoryHasABoundOfItsOwn) {
#ifdef CAISSON_SANITIZED
    GTEST_SKIP() << "the sanitizer's allocator ends the process in its own way";
#endif
    EXPECT_EQ(run("oom", {.body = "32"}).end(), "signal 6");
}

TEST(Chaos, FilesRunOutAndStayOpen) {
    const Subject subject{[](int report) {
        const rlimit limit{64, 64};
        setrlimit(RLIMIT_NOFILE, &limit);
        call_and_report(report, "fds", {});
        if (open("/dev/null", O_RDONLY) < 0 && errno == EMFILE) _exit(7);
    }};
    EXPECT_EQ(subject.end(), "exit 7");
    const auto report = json::parse(subject.report());
    EXPECT_EQ(report.at("status"), CAISSON_UNAVAILABLE);
    EXPECT_THAT(report.at("error"), HasSubstr("Too many open files"));
}

TEST(Chaos, ForkBombIsBounded) {
    const Subject subject = run("fork_bomb", {.body = "4"});
    EXPECT_EQ(subject.result(), "4");
    EXPECT_EQ(subject.end(), "exit 0");
    EXPECT_EQ(kill(-subject.pid(), 0), 0);  // the children are still there
}

TEST(Chaos, DaemonOutlivesSigterm) {
    const Subject subject = run("daemonize");
    const pid_t daemon = std::stoi(subject.result());
    EXPECT_EQ(subject.end(), "exit 0");
    ASSERT_GT(daemon, 0);
    const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, daemon, 0));
    EXPECT_NE(getsid(daemon), getsid(0));
    EXPECT_NE(getpgid(daemon), subject.pid());
    kill(daemon, SIGTERM);
    pollfd ended{pidfd, POLLIN, 0};
    EXPECT_EQ(poll(&ended, 1, hang_ms), 0);
    kill(daemon, SIGKILL);
    close(pidfd);
}

TEST(Chaos, FloodsStdout) {
    EXPECT_EQ(run("flood_stdout", {.body = "1000000"}).output(), std::string(1'000'000, '~'));
    const auto lines = run("flood_stdout", {.params = R"({"n":800,"newlines":true})"}).output();
    EXPECT_EQ(lines.size(), 800u);
    EXPECT_EQ(std::ranges::count(lines, '\n'), 10);
    EXPECT_EQ(lines.find('\n'), 79u);
}

TEST(Chaos, ClosesEveryFile) {
    const Subject subject{[](int report) {
        call_and_report(report, "close_fds", {});
        _exit(fcntl(3, F_GETFD) < 0 && fcntl(STDOUT_FILENO, F_GETFD) < 0 && fcntl(report, F_GETFD) < 0 ? 7 : 0);
    }};
    EXPECT_EQ(subject.end(), "exit 7");
}

// ------------------------------------------------------------------------------------------------------------- hangs

class Hangs : public testing::TestWithParam<std::string> {};

TEST_P(Hangs, ThoughItIsCancelled) {
#ifdef CAISSON_SANITIZED
    if (GetParam() == "deadlock") GTEST_SKIP() << "a sanitizer ends the process";
#endif
    const Subject subject = run(GetParam(), {.cancelled = true});
    EXPECT_FALSE(subject.ends_within(hang_ms));
}

INSTANTIATE_TEST_SUITE_P(Methods, Hangs, testing::Values("spin", "deadlock", "ignore_term", "close_socket"),
                         [](const auto& test) { return test.param; });

/// True once /proc says that the process ignores SIGTERM.
bool ignores_term(pid_t pid) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{patience_ms};
    while (std::chrono::steady_clock::now() < deadline) {
        std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("SigIgn:") && (std::stoull(line.substr(7), nullptr, 16) >> (SIGTERM - 1) & 1) != 0)
                return true;
    }
    return false;
}

TEST(Chaos, IgnoresSigterm) {
    const Subject subject = run("ignore_term");
    ASSERT_TRUE(ignores_term(subject.pid()));
    kill(subject.pid(), SIGTERM);
    EXPECT_FALSE(subject.ends_within(hang_ms));
}

TEST(Chaos, StopsItselfUntilSomebodyContinuesIt) {
    const Subject subject = run("sigstop_self");
    int status = 0;
    ASSERT_EQ(waitpid(subject.pid(), &status, WUNTRACED), subject.pid());
    EXPECT_TRUE(WIFSTOPPED(status));
    kill(subject.pid(), SIGCONT);
    EXPECT_EQ(subject.end(), "exit 0");
}

// -------------------------------------------------------------------------------------------------------------- lies

TEST(Chaos, ClosesTheSocketAndRunsOn) {
    const Subject subject = run("close_socket");
    EXPECT_EQ(subject.socket_bytes(), "");  // to the end of the stream, while the process lives
    EXPECT_FALSE(subject.ends_within(0));
}

/// A frame's header, from docs/wire.md.
struct Header {
    std::uint32_t payload_size;
    std::uint8_t type;
    std::uint8_t encoding;
    std::uint16_t attempt;
    std::uint64_t id;
    std::uint32_t a;
    std::uint32_t head_size;
    std::int64_t time_ns;
};

std::pair<Header, std::string> frame_of(const std::string& method) {
    const auto bytes = run(method, {.id = 7}).socket_bytes();
    Header header{};
    if (bytes.size() < sizeof header) return {header, "too short"};
    std::memcpy(&header, bytes.data(), sizeof header);
    return {header, bytes.substr(sizeof header)};
}

TEST(Chaos, SendsWhatIsNoFrame) { EXPECT_EQ(run("garbage_frames").socket_bytes(), std::string(4096, '\xFF')); }

TEST(Chaos, SendsFramesThatAreLies) {
    auto [header, rest] = frame_of("huge_frame");
    EXPECT_EQ(header.payload_size, UINT32_MAX);
    EXPECT_EQ(header.type, 22);

    std::tie(header, rest) = frame_of("partial_frame");
    EXPECT_EQ(header.payload_size, 100u);
    EXPECT_LT(rest.size(), 100u);

    std::tie(header, rest) = frame_of("wrong_call_id");
    EXPECT_EQ(header.id, 1'000'007u);
    EXPECT_EQ(rest, "1");

    std::tie(header, rest) = frame_of("double_reply");
    EXPECT_EQ(header.id, 7u);
    EXPECT_EQ(rest, "1");
    EXPECT_EQ(run("double_reply").result(), "2");
}

}  // namespace
