// SPDX-License-Identifier: Apache-2.0
/// Inputs and outputs of any size travel as sealed memfds, and cost the supervisor no memory. A memfd that could still
/// change, or is not what it is said to be, is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "support/ends.hpp"
#include "support/ledger.hpp"
#include "support/memory.hpp"
#include "support/raw_client.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t MiB = 1024 * 1024;
constexpr std::size_t GiB = 1024 * MiB;

#if defined(CAISSON_SANITIZED)
constexpr std::uint64_t allowed_growth = 256 * MiB;  // a sanitizer keeps what was freed
#else
constexpr std::uint64_t allowed_growth = 16 * MiB;
#endif

std::string pattern(std::size_t bytes) {
    std::string text(bytes, '\0');
    std::uint32_t state = 4711;
    for (std::size_t i = 0; i < bytes; i += 251)
        text[i] = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return text;
}

std::size_t available_bytes() {
    std::ifstream lines{"/proc/meminfo"};
    for (std::string key; lines >> key;)
        if (std::size_t kilobytes = 0; key == "MemAvailable:" && lines >> kilobytes) return kilobytes * 1024;
    return 0;
}

class LargePayloads : public testing::Test {
   protected:
    /// Afterwards neither the supervisor nor a worker has more open files than before.
    LargePayloads() {
        (void)call(client_, "ledger.note", "warm");
        descriptors_ = open_descriptors(service_.pid());
        worker_descriptors_ = open_descriptors(service_.workers("ledger").at(0));
        resident_ = resident_bytes(service_.pid());
    }
    ~LargePayloads() override {
        EXPECT_EQ(call(client_, "ledger.note", "after").output, "after");
        EXPECT_TRUE(eventually([&] { return open_descriptors(service_.pid()) == descriptors_; }))
            << descriptors_ << " before, now " << open_descriptors(service_.pid());
        EXPECT_TRUE(eventually([&] {
            const auto workers = service_.workers("ledger");
            return !workers.empty() && open_descriptors(workers[0]) == worker_descriptors_;
        }));
        EXPECT_LT(peak_resident_bytes(service_.pid()), resident_ + allowed_growth);
    }

    Ledger ledger_;
    Service service_{
        {.pools = ledger_.pool("ledger",
                               "workers = 1\nstop.grace = \"100ms\"\npoison.crashes = 0\nrestart.call_crashes = 10000\n"
                               "retry_backoff = { min = \"1ms\", max = \"1ms\" }\n") +
                  "[pool.probe]\nworkers = 1\nplugin = \"" + fixture_library("probe") + "\"\n"}};
    Client client_ = service_.client();
    std::size_t descriptors_ = 0;
    std::size_t worker_descriptors_ = 0;
    std::uint64_t resident_ = 0;
};

TEST_F(LargePayloads, BothWays) {
    for (const std::size_t bytes : {std::size_t{0}, 65'535UL, 65'536UL, 65'537UL, MiB, 70'000'000UL}) {
        const auto body = pattern(bytes);
        const auto result = call(client_, "ledger.twice", body);
        ASSERT_EQ(result.outcome, Outcome::ok) << result.json;
        ASSERT_TRUE(result.bytes() == body + body) << bytes << " bytes came back as " << result.bytes().size();
        EXPECT_EQ(result.memory != nullptr, bytes * 2 > 65'536);
    }
}

TEST_F(LargePayloads, AMemfdOfTheCallersOwn) {
    const auto body = pattern(10 * MiB);
    const Fd memory = memory_of(body);
    const auto result = client_.call({.target = "ledger.twice", .memory = memory.get()});
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_TRUE(result->bytes() == body + body);
    const Fd open = memory_of(body, 0);
    const auto refused = client_.call({.target = "ledger.twice", .memory = open.get()});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ClientError::Kind::invalid);
}

// An output is handed on as it came: no copy of it is made on its way from call to call.
TEST_F(LargePayloads, AnOutputIsTheInputOfTheNextCall) {
    const auto body = pattern(MiB);
    const auto first = call(client_, "ledger.twice", body);
    ASSERT_NE(first.memory, nullptr);
    const auto second = client_.call({.target = "ledger.twice", .memory = first.memory->descriptor()});
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_TRUE(second->bytes() == body + body + body + body);
}

TEST_F(LargePayloads, OfTwoGibibytes) {
    if (available_bytes() < 8 * GiB) GTEST_SKIP() << "it takes 4 GiB, and 8 GiB are not available";
    constexpr std::size_t bytes = 2 * GiB;
    const Fd memory = memory_of("");
    const Fd filled{::memfd_create("caisson-test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    ASSERT_EQ(::ftruncate(filled.get(), static_cast<off_t>(bytes)), 0);
    auto* const map = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, filled.get(), 0);
    ASSERT_NE(map, MAP_FAILED);
    auto* const words = static_cast<std::uint64_t*>(map);
    for (std::size_t page = 0; page < bytes / 4096; ++page)
        words[page * 512 + page % 512] = page * 0x9E3779B97F4A7C15U + 1;
    ::munmap(map, bytes);
    ASSERT_EQ(::fcntl(filled.get(), F_ADD_SEALS, all_seals), 0);

    const auto result = client_.call({.target = "probe.echo", .memory = filled.get()});
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->outcome, Outcome::ok) << result->json;
    ASSERT_EQ(result->bytes().size(), bytes);
    const auto* const back = reinterpret_cast<const std::uint64_t*>(result->bytes().data());
    std::size_t wrong = 0;
    for (std::size_t page = 0; page < bytes / 4096; ++page)
        wrong += back[page * 512 + page % 512] == page * 0x9E3779B97F4A7C15U + 1 ? 0 : 1;
    EXPECT_EQ(wrong, 0U);
}

TEST_F(LargePayloads, ByTheCommand) {
    const auto body = pattern(70'000'000);
    const auto in = service_.folder() / "in";
    const auto out = service_.folder() / "out";
    write_file(in, body);
    const auto ended = service_.run({"call", "ledger.twice", "@" + in.string(), "-o", out.string()});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_TRUE(read_file(out) == body + body);
}

TEST_F(LargePayloads, ACrashWhileOneIsInFlightFailsItsCallOnly) {
    Ends ends{client_};
    const auto large = std::string{"bad 255 segv\n"} + std::string(200 * MiB, 'x');
    const auto fine = std::string{"fine\n"} + std::string(200 * MiB, 'x');
    const auto bad = ends.submit({.target = "ledger.try", .body = wire::bytes_of(large)});
    const auto good = ends.submit({.target = "ledger.try", .body = wire::bytes_of(fine)});
    const auto tiny = ends.submit({.target = "ledger.note", .body = wire::bytes_of("tiny")});
    ends.take_all();
    EXPECT_EQ(ends.of(bad), "crashed signaled SIGSEGV");
    EXPECT_EQ(ends.of(good), "ok fine");
    EXPECT_EQ(ends.of(tiny), "ok tiny");
}

TEST_F(LargePayloads, AKillWhileOneIsWrittenFailsItsCallOnly) {
    for (int round = 0; round < 5; ++round) {
        Ends ends{client_};
        const auto lines = ledger_.lines().size();
        const auto bad = ends.submit({.target = "ledger.pour", .body = wire::bytes_of("200")});
        const auto good = ends.submit({.target = "ledger.twice", .body = wire::bytes_of("ab")});
        ASSERT_TRUE(client_.flush());
        ASSERT_TRUE(eventually([&] { return ledger_.lines().size() > lines + static_cast<std::size_t>(round) * 20; }));
        ::kill(service_.workers("ledger").at(0), SIGKILL);
        ends.take_all();
        EXPECT_EQ(ends.of(bad), "crashed signaled SIGKILL");
        EXPECT_EQ(ends.of(good), "ok abab");
    }
}

TEST_F(LargePayloads, AreThereForEachAttempt) {
    const auto body = std::string{"a 2 segv\n"} + std::string(MiB, 'x');
    const auto result = client_.call({.target = "ledger.try", .body = wire::bytes_of(body), .retries = 2});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->output, "a") << result->json;
    EXPECT_EQ(result->attempts, 3U);
}

TEST_F(LargePayloads, ThatWaitAreBoundedByName) {
    const Gate gate;
    auto other = service_.client();
    Ends blocked{other};
    blocked.submit({.target = "ledger.gate", .body = wire::bytes_of(gate.path())});
    ASSERT_TRUE(other.flush());
    service_.await_running("ledger", 1);
    Ends ends{client_};
    const std::string body = "a\n" + std::string(70'000, 'x');
    std::size_t refused = 0;
    for (int i = 0; i < 300; ++i) ends.submit({.target = "ledger.try", .body = wire::bytes_of(body)});
    while (refused < 44) {
        ends.take_one();
        refused = static_cast<std::size_t>(ends.count()["refused large_payloads"]);
    }
    gate.open("");
    ends.take_all();
    blocked.take_all();
    EXPECT_EQ(ends.count()["refused large_payloads"], 44);
    EXPECT_EQ(ends.count()["ok"], 256);
}

TEST_F(LargePayloads, OfAClientThatGoesAreLetGo) {
    const Gate gate;
    {
        auto other = service_.client();
        Ends ends{other};
        ends.submit({.target = "ledger.gate", .body = wire::bytes_of(gate.path())});
        ASSERT_TRUE(other.flush());
        service_.await_running("ledger", 1);
        for (int i = 0; i < 20; ++i)
            ends.submit({.target = "ledger.try", .body = wire::bytes_of(std::string(MiB, 'x'))});
        ASSERT_TRUE(other.flush());
        ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("queued") == 20; }));
    }
    ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("queued") == 0; }));
}

TEST_F(LargePayloads, OutputsThatNobodyTakesAreBounded) {
    const RawClient raw{service_.socket()};
    ASSERT_TRUE(raw.hello());
    for (std::uint64_t id = 1; id <= 200; ++id) ASSERT_TRUE(raw.call(id, "ledger.pour", "1"));
    ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("calls").at("ok") >= 1; }));
    EXPECT_EQ(call(client_, "ledger.note", "meanwhile").output, "meanwhile");
    EXPECT_LT(open_descriptors(service_.pid()), descriptors_ + 64);
}

// ---- bad memfds -----------------------------------------------------------------------------------------------------

class BadMemory : public LargePayloads {
   protected:
    static constexpr std::string_view target = "ledger.twice";
    /// A call whose body is said to be `bytes` long, in `descriptor`.
    [[nodiscard]] static std::string detached_call(std::uint64_t bytes, std::uint64_t id = 1) {
        return frame_bytes({.type = wire::Type::call,
                            .flags = wire::flag::detached,
                            .id = id,
                            .a = static_cast<std::uint32_t>(target.size())},
                           target, {reinterpret_cast<const char*>(&bytes), sizeof bytes});
    }
    void expect_refused(const Fd& descriptor, std::uint64_t said_bytes, const char* bound, std::string_view why) const {
        const RawClient raw{service_.socket()};
        ASSERT_TRUE(raw.enters());
        ASSERT_TRUE(raw.send_with(detached_call(said_bytes), {descriptor.get()}));
        const auto outcome = raw.outcome();
        EXPECT_EQ(outcome.at("outcome"), "refused");
        EXPECT_EQ(outcome.at("bound"), bound);
        EXPECT_THAT(outcome.at("message"), HasSubstr(std::string{why}));
        // The session goes on.
        ASSERT_TRUE(raw.send_with(detached_call(2, 2), {memory_of("ab").get()}));
        const auto good = raw.receive();
        EXPECT_EQ(good.payload, "abab");
    }
    void expect_session_ends(const std::string& bytes, const std::vector<int>& descriptors) const {
        const RawClient raw{service_.socket()};
        ASSERT_TRUE(raw.enters());
        if (descriptors.empty())
            ASSERT_TRUE(raw.send(bytes));
        else
            (void)raw.send_with(bytes, descriptors);
        (void)raw.read_to_end();
    }
    const std::string text_ = std::string(100'000, 'x');
};

TEST_F(BadMemory, WithoutSeals) { expect_refused(memory_of(text_, 0), text_.size(), "sealed_memory", "not sealed"); }

TEST_F(BadMemory, SealedAgainstSomeChangesOnly) {
    for (const int seals : {F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_GROW,
                            F_SEAL_GROW | F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_WRITE})
        expect_refused(memory_of(text_, seals), text_.size(), "sealed_memory", "not sealed");
}

TEST_F(BadMemory, OfAnotherSizeThanSaid) {
    expect_refused(memory_of(text_), text_.size() + 1, "sealed_memory", "were announced");
    expect_refused(memory_of(text_), text_.size() - 1, "sealed_memory", "were announced");
    expect_refused(memory_of(text_), 0, "sealed_memory", "were announced");
    expect_refused(memory_of(text_), UINT64_MAX, "max_memory_bytes", "max_memory_bytes");
    expect_refused(memory_of(text_), std::uint64_t{1} << 63, "max_memory_bytes", "max_memory_bytes");
}

TEST_F(BadMemory, SomethingElse) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
    const Fd reader{pipe_ends[0]};
    const Fd writer{pipe_ends[1]};
    expect_refused(reader, 100, "sealed_memory", "no memfd");
    expect_refused(Fd{::open("/dev/null", O_RDWR | O_CLOEXEC)}, 0, "sealed_memory", "no memfd");
    expect_refused(Fd{::open("/dev/zero", O_RDWR | O_CLOEXEC)}, 100, "sealed_memory", "no memfd");
    expect_refused(Fd{::open("/", O_RDONLY | O_CLOEXEC)}, 4096, "sealed_memory", "no memfd");
    write_file(service_.folder() / "file", text_);
    expect_refused(Fd{::open((service_.folder() / "file").c_str(), O_RDONLY | O_CLOEXEC)}, text_.size(),
                   "sealed_memory", "no");
}

TEST_F(BadMemory, Missing) { expect_session_ends(detached_call(100), {}); }

TEST_F(BadMemory, ManyInOneMessage) {
    const Fd memory = memory_of("ab");
    // More than a message of ours ever has: the kernel cuts them off, or there are more than frames.
    expect_session_ends(detached_call(2), std::vector<int>(100, memory.get()));
    expect_session_ends(detached_call(2), std::vector<int>(253, memory.get()));
}

TEST_F(BadMemory, ManyWithoutFrames) {
    const Fd memory = memory_of("ab");
    const RawClient raw{service_.socket()};
    ASSERT_TRUE(raw.enters());
    const auto call = frame_bytes({.type = wire::Type::call, .id = 1, .a = 11}, "nosuch.note", "x");
    for (int i = 0; i < 100; ++i)
        if (!raw.send_with(call, {memory.get()})) break;
    (void)raw.read_to_end();
}

TEST_F(BadMemory, WithABodyThatIsNoNumber) {
    const Fd memory = memory_of("ab");
    for (const std::string_view body : {"", "1234567", "123456789"})
        expect_session_ends(
            frame_bytes({.type = wire::Type::call, .flags = wire::flag::detached, .id = 1, .a = 12}, target, body),
            {memory.get()});
}

}  // namespace
}  // namespace caisson::test
