// SPDX-License-Identifier: Apache-2.0
/// Metrics, health and the verbs over HTTP: what is told, to whom, and what bad clients get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <future>
#include <memory>
#include <stdexcept>
#include <vector>

#include "support/http.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;

std::string two_pools() {
    return "[pool.math]\nworkers = 2\n[pool.chaos]\nworkers = 1\nplugin = \"" + chaos_library() + "\"\n";
}

std::string with_listen(const std::string& listen, const std::string& more = {}) {
    return "[metrics]\nlisten = \"" + listen + "\"\n" + more;
}

constexpr const char* any_port = "127.0.0.1:0";

std::string address(const Service& service) { return service.status().at("supervisor").at("http").at("address"); }

/// The value of one line of the metrics; -1 if there is no such line.
double value(const std::string& text, const std::string& metric) {
    const auto at = ("\n" + text).find("\n" + metric + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + metric.size() + 1));
}

/// Somebody else's address.
struct Taken {
    Fd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::string address;

    Taken() {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), size), 0);
        EXPECT_EQ(::listen(socket.get(), 1), 0);
        EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
        address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    }
};

TEST(Metrics, TellJustWhatWasDone) {
    Service service{{.pools = two_pools()}};
    auto client = service.client();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(call(client, "math.square", "7").outcome, Outcome::ok);
    EXPECT_EQ(call(client, "chaos.fail").outcome, Outcome::failed);
    EXPECT_EQ(call(client, "chaos.segv").outcome, Outcome::crashed);
    EXPECT_EQ(call(client, "chaos.sleep", "60000", {}, 50ms).outcome, Outcome::timed_out);
    EXPECT_EQ(call(client, "math.nonsense").outcome, Outcome::refused);
    EXPECT_EQ(call(client, "nowhere.square").outcome, Outcome::refused);
    service.await_pool("chaos");
    const auto text = get(address(service), "/metrics").body;
    EXPECT_EQ(value(text, R"(caisson_calls_total{pool="math",outcome="ok"})"), 5);
    EXPECT_EQ(value(text, R"(caisson_calls_total{pool="chaos",outcome="failed"})"), 1);
    EXPECT_EQ(value(text, R"(caisson_calls_total{pool="chaos",outcome="crashed"})"), 1);
    EXPECT_EQ(value(text, R"(caisson_calls_total{pool="chaos",outcome="timed_out"})"), 1);
    EXPECT_EQ(value(text, R"(caisson_method_calls_total{pool="math",method="square",outcome="ok"})"), 5);
    EXPECT_EQ(value(text, R"(caisson_calls_refused_total{pool="math",reason="unknown_method"})"), 1);
    EXPECT_EQ(value(text, R"(caisson_calls_refused_total{pool="",reason="unknown_pool"})"), 1);
    EXPECT_EQ(value(text, R"(caisson_worker_crashes_total{pool="chaos",signal="SIGSEGV"})"), 1);
    EXPECT_EQ(value(text, R"(caisson_worker_restarts_total{pool="chaos",cause="call"})"), 1);
    EXPECT_EQ(value(text, R"(caisson_calls_timed_out_total{pool="chaos",phase="running"})"), 1);
    EXPECT_EQ(value(text, R"(caisson_call_run_seconds_count{pool="math",method="square"})"), 5);
    EXPECT_EQ(value(text, R"(caisson_call_wait_seconds_count{pool="math",method="square"})"), 5);
    EXPECT_EQ(value(text, R"(caisson_pool_state{pool="chaos",state="ready"})"), 1);
    EXPECT_EQ(value(text, R"(caisson_workers{pool="math",state="idle"})"), 2);
    EXPECT_GE(value(text, "caisson_sessions"), 1);
    EXPECT_GT(value(text, "process_resident_memory_bytes"), 1e6);
    // The same without HTTP.
    const auto typed = service.run({"metrics"});
    EXPECT_EQ(typed.code, 0);
    EXPECT_EQ(value(typed.out, R"(caisson_calls_total{pool="math",outcome="ok"})"), 5);
}

TEST(Metrics, OfABatchCountEachItem) {
    Service service;
    auto client = service.client();
    Batch batch;
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(batch.add(wire::bytes_of("7")));
    ASSERT_TRUE(client.submit({.target = "math.square"}, batch));
    while (client.outstanding() > 0) ASSERT_TRUE(client.next(patience));
    const auto text = service.run({"metrics"}).out;
    EXPECT_EQ(value(text, R"(caisson_call_run_seconds_count{pool="math",method="square"})"), 1000);
    EXPECT_EQ(value(text, R"(caisson_method_calls_total{pool="math",method="square",outcome="ok"})"), 1000);
}

TEST(Status, TellsRatesLatenciesAndTheLastCrash) {
    Service service{{.pools = two_pools()}};
    auto client = service.client();
    EXPECT_EQ(call(client, "chaos.sleep", "100").outcome, Outcome::ok);
    const auto report = document(call(client, "chaos.segv")).at("report");
    const auto pool = service.pool("chaos");
    const auto& latency = pool.at("latency").at("start");
    EXPECT_EQ(latency.at("calls"), 1);
    EXPECT_GE(latency.at("running").at("p50_s"), 0.08);
    EXPECT_GE(latency.at("total").at("p99_s"), 0.08);
    EXPECT_EQ(pool.at("last_crash").at("report"), report);
    EXPECT_EQ(pool.at("crashes").at("SIGSEGV"), 1);
    EXPECT_TRUE(eventually([&] { return service.pool("chaos").at("rates").at("60s") > 0; }));
    const auto text = service.run({"status", "chaos"}).out;
    EXPECT_THAT(text, HasSubstr("crashes: 1 SIGSEGV"));
    EXPECT_THAT(text, HasSubstr(report.get<std::string>()));
    EXPECT_THAT(text, HasSubstr("P99 LAST MINUTE"));
}

// ---- where it is answered -------------------------------------------------------------------------------------------

TEST(Http, IsBesideTheSocketUnlessTheFileSaysOtherwise) {
    Service service;
    const auto where = address(service);
    EXPECT_EQ(where, "unix:" + (service.folder() / "caisson.http.sock").string());
    const auto answer = get(where, "/healthz");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "ok\n");
    EXPECT_EQ(std::filesystem::status(service.folder() / "caisson.http.sock").permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(service.stop().code, 0);
    EXPECT_FALSE(std::filesystem::exists(service.folder() / "caisson.http.sock"));
    service.start();
    EXPECT_EQ(get(address(service), "/healthz").status, 200);
}

TEST(Http, MovesWithAReloadAndGoesOff) {
    Service service{{.access = with_listen(any_port)}};
    const auto first = address(service);
    EXPECT_THAT(first, HasSubstr("http://127.0.0.1:"));
    EXPECT_EQ(get(first, "/healthz").status, 200);
    service.configure({.access = with_listen("./web.sock")});
    EXPECT_THAT(service.run({"reload"}).out, HasSubstr("metrics.listen"));
    EXPECT_THROW((void)get(first, "/healthz"), std::runtime_error);
    EXPECT_EQ(get(address(service), "/healthz").status, 200);
    service.configure({.access = with_listen("off")});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    EXPECT_EQ(address(service), "");
    EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");
}

TEST(Http, AtAnAddressInUseIsSaidAndTriedAgain) {
    Taken taken;
    Service service{{.access = with_listen(taken.address)}};
    EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");
    EXPECT_EQ(address(service), "");
    EXPECT_THAT(service.status().at("supervisor").at("http").at("problem").get<std::string>(), HasSubstr("in use"));
    EXPECT_THAT(service.run({"events"}).out, HasSubstr("metrics_unavailable"));
    taken.socket.reset();
    EXPECT_EQ(service.run({"reload"}).code, 0);
    EXPECT_EQ(get(address(service), "/healthz").status, 200);
}

TEST(Http, StaysWhereItIsIfTheNewAddressCannotBeHad) {
    const Taken taken;
    Service service{{.access = with_listen(any_port)}};
    const auto before = address(service);
    service.configure({.access = with_listen(taken.address)});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    EXPECT_EQ(address(service), before);
    EXPECT_EQ(get(before, "/healthz").status, 200);
    EXPECT_THAT(service.run({"events"}).out, HasSubstr("metrics_unavailable"));
}

TEST(Http, ForEverybodyIsWarnedOf) {
    Service service{{.access = with_listen("0.0.0.0:0")}};
    EXPECT_THAT(service.run({"events"}).out, HasSubstr("metrics_public"));
}

// ---- health ---------------------------------------------------------------------------------------------------------

TEST(Health, IsReadyUnlessAPoolIsQuarantined) {
    Service service{{.pools = "[pool.math]\nworkers = 1\n[pool.bad]\nworkers = 1\nplugin = \"" +
                              fixture_library("crash_at_load") +
                              "\"\n[pool.bad.restart]\nintensity = 0\nbackoff = { min = \"1ms\", max = \"1ms\" }\n"}};
    service.await_pool("bad", "quarantined");
    const auto where = address(service);
    EXPECT_EQ(get(where, "/healthz").status, 200);
    const auto bad = get(where, "/readyz");
    EXPECT_EQ(bad.status, 503);
    EXPECT_EQ(bad.body, "not ready\nbad quarantined\n");
    EXPECT_EQ(get(where, "/readyz?json").json().at("pools").at("bad"), "quarantined");
    service.configure({.pools = "[pool.math]\nworkers = 1\n"});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    EXPECT_TRUE(eventually([&] { return get(where, "/readyz").status == 200; }));
}

TEST(Health, IsNotReadyWhileItStops) {
    Service service{{.pools = two_pools()}};
    auto client = service.client();
    ASSERT_TRUE(client.submit({.target = "chaos.sleep", .body = wire::bytes_of("60000")}));
    ASSERT_TRUE(client.flush());
    service.await_running("chaos", 1);
    const auto where = address(service);
    service.signal(SIGTERM);
    service.await_state("stopping");
    const auto answer = get(where, "/readyz");
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr("stopping"));
    EXPECT_EQ(get(where, "/healthz").status, 200);
    EXPECT_EQ(service.run({"stop", "--now"}).code, 0);
}

// ---- the verbs ------------------------------------------------------------------------------------------------------

TEST(Api, LooksAndWaitsForNews) {
    Service service{{.pools = two_pools(), .access = with_listen(any_port)}};
    const auto where = address(service);
    EXPECT_EQ(get(where, "/api/status").json().at("pools").size(), 2U);
    EXPECT_EQ(get(where, "/api/status?pool=math").json().at("pools").size(), 1U);
    EXPECT_EQ(get(where, "/api/status?pool=nowhere").status, 404);
    EXPECT_EQ(service.run({"call", "chaos.segv"}).code, 4);
    const auto id = get(where, "/api/crashes").json().at("crashes").at(0).at("report").get<std::string>();
    EXPECT_EQ(get(where, "/api/crashes/" + id).json().at("crash").at("method"), "segv");
    EXPECT_EQ(get(where, "/api/crashes/nonsense").status, 404);
    EXPECT_EQ(get(where, "/api/crashes/").status, 404);
    EXPECT_TRUE(get(where, "/api/poison").json().contains("poison"));
    EXPECT_TRUE(get(where, "/api/logs?limit=3").json().contains("lines"));
    for (const char* const wrong : {"/api/events?after=x", "/api/events?wait_s=31", "/api/events?limit=-1"})
        EXPECT_EQ(get(where, wrong).status, 400) << wrong;

    const auto next = get(where, "/api/events").json().at("next").dump();
    auto news =
        std::async(std::launch::async, [&] { return get(where, "/api/events?wait_s=30&pool=math&after=" + next); });
    EXPECT_TRUE(eventually([&] {  // until it waits: before, it is answered at once
        EXPECT_EQ(service.run({"resize", "math", "3"}).code, 0);
        EXPECT_EQ(service.run({"resize", "math", "2"}).code, 0);
        return news.wait_for(1ms) == std::future_status::ready;
    }));
    EXPECT_FALSE(news.get().json().at("events").empty());
}

TEST(Api, WhoWaitsIsAnsweredWhenTheServiceStops) {
    Service service;
    const auto where = address(service);
    const auto next = get(where, "/api/events").json().at("next").dump();
    HttpConnection waiting{where};
    waiting.send("GET /api/events?wait_s=30&pool=none&after=" + next + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(eventually([&] { return value(service.run({"metrics"}).out, "caisson_http_connections") >= 1; }));
    EXPECT_EQ(service.stop().code, 0);
    EXPECT_TRUE(waiting.ended());
}

TEST(Api, OperatesOnlyIfItMayAndForOurOwnPage) {
    const std::string own = "X-Caisson: 1\r\n";
    const std::string resize = R"({"verb": "resize", "pool": "math", "workers": 3})";
    Service service{{.access = with_listen(any_port)}};
    EXPECT_EQ(http(address(service), "POST", "/api/operate", own, resize).status, 403);
    service.configure({.access = with_listen(any_port, "operate = true\n")});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    const auto where = address(service);
    EXPECT_EQ(http(where, "POST", "/api/operate", "", resize).status, 403) << "a form could send it";
    EXPECT_EQ(http(where, "POST", "/api/operate", own + "Origin: http://evil.org\r\n", resize).status, 403);
    EXPECT_EQ(http(where, "POST", "/api/operate", own + "Sec-Fetch-Site: cross-site\r\n", resize).status, 403);
    EXPECT_EQ(service.pool("math").at("target"), 4);
    const auto done = http(where, "POST", "/api/operate", own + "Origin: http://localhost\r\n", resize);
    EXPECT_EQ(done.status, 200) << done.body;
    EXPECT_EQ(service.pool("math").at("target"), 3);
    EXPECT_EQ(http(where, "POST", "/api/operate", own, R"({"verb": "stop"})").status, 403);
    EXPECT_EQ(http(where, "POST", "/api/operate", own, R"({"verb": "nonsense"})").status, 409);
    EXPECT_EQ(http(where, "POST", "/api/operate", own, "nonsense").status, 409);
    EXPECT_EQ(http(where, "POST", "/api/operate", own, R"({"verb": "reload"})").status, 200);
    EXPECT_TRUE(service.running());
}

// ---- bad clients ----------------------------------------------------------------------------------------------------

class BadHttp : public testing::Test {
   protected:
    Service service_{{.pools = "[pool.math]\nworkers = 1\n", .access = with_listen(any_port, "operate = true\n")}};
    std::string where_ = address(service_);
    void expect_well() {
        EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
        EXPECT_EQ(get(where_, "/healthz").status, 200);
    }
};

TEST_F(BadHttp, RequestsGetTheirStatus) {
    EXPECT_EQ(get(where_, "/nonsense").status, 404);
    EXPECT_EQ(get(where_, "/../etc/passwd").status, 404);
    EXPECT_EQ(http(where_, "POST", "/metrics").status, 405);
    EXPECT_TRUE(http(where_, "DELETE", "/metrics").has("allow: get, head"));
    EXPECT_EQ(http(where_, "OPTIONS", "/api/operate").status, 405);
    EXPECT_EQ(get(where_, "/" + std::string(60'000, 'x')).status, 414);
    EXPECT_EQ(http(where_, "GET", "/metrics", "X-Large: " + std::string(60'000, 'x') + "\r\n").status, 431);
    EXPECT_EQ(http(where_, "POST", "/api/operate", "X-Caisson: 1\r\n", std::string(70'000, 'x')).status, 413);
    for (const char* const garbage : {"nonsense\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x01\x01\r\n\r\n",
                                      "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n"}) {
        HttpConnection connection{where_};
        connection.send(garbage);
        const auto answer = connection.receive();
        EXPECT_TRUE(answer.status == 0 || answer.status >= 400) << garbage << answer.status;
    }
    expect_well();
}

TEST_F(BadHttp, NamesOfOthersAreRefused) {
    EXPECT_EQ(http(where_, "GET", "/metrics", "Host: evil.org\r\n").status, 403);
    EXPECT_EQ(http(where_, "GET", "/", "Host: 127.0.0.1.evil.org\r\n").status, 403);
    EXPECT_EQ(http(where_, "GET", "/metrics", "Host: 127.0.0.1:1\r\n").status, 200);
    service_.configure({.pools = "[pool.math]\nworkers = 1\n",
                        .access = with_listen(any_port, "hosts = [\"metrics.example.org\"]\n")});
    EXPECT_EQ(service_.run({"reload"}).code, 0);
    EXPECT_EQ(http(where_, "GET", "/metrics", "Host: metrics.example.org\r\n").status, 200);
}

TEST_F(BadHttp, AnswersCarryTheWalls) {
    for (const char* const path : {"/", "/metrics", "/api/status", "/nonsense"}) {
        const auto answer = get(where_, path);
        EXPECT_TRUE(answer.has("content-security-policy: default-src 'self'")) << path;
        EXPECT_TRUE(answer.has("frame-ancestors 'none'"));
        EXPECT_TRUE(answer.has("x-content-type-options: nosniff"));
        EXPECT_TRUE(answer.has("referrer-policy: no-referrer"));
        EXPECT_TRUE(answer.has("cache-control: no-"));
    }
}

TEST_F(BadHttp, AThousandConnectionsAreBoundedAndNotTheEnd) {
    std::vector<std::unique_ptr<HttpConnection>> crowd;
    for (int i = 0; i < 1000; ++i) {
        crowd.push_back(std::make_unique<HttpConnection>(where_));
        crowd.back()->send("GET /metr");  // and never more
    }
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
    EXPECT_TRUE(eventually([&] {
        const auto there = value(service_.run({"metrics"}).out, "caisson_http_connections");
        return there > 0 && there <= 64;
    }));
    crowd.clear();
    EXPECT_TRUE(eventually([&] { return value(service_.run({"metrics"}).out, "caisson_http_connections") == 0; }));
    expect_well();
}

TEST_F(BadHttp, WhoSendsAByteNowAndThenIsCutOff) {
    HttpConnection slow{where_};
    bool cut = false;
    for (int i = 0; i < 60 && !cut; ++i) {
        slow.send(i == 0 ? "GET /metrics HTTP/1.1\r\nX: " : "x");
        cut = slow.ended(1s);
    }
    EXPECT_TRUE(cut);
    expect_well();
}

TEST_F(BadHttp, OneRequestPerConnectionOrMany) {
    HttpConnection connection{where_};
    for (int i = 0; i < 100; ++i) {
        connection.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        const auto answer = connection.receive();
        ASSERT_EQ(answer.status, 200);
        ASSERT_EQ(answer.body, "ok\n");
    }
}

TEST_F(BadHttp, AnIdleServiceSleepsAfterIt) {
    for (int i = 0; i < 10; ++i) EXPECT_EQ(get(where_, "/metrics").status, 200);
    EXPECT_TRUE(eventually([&] { return value(service_.run({"metrics"}).out, "caisson_http_connections") == 0; }));
    // Turns of the loop in a second in which nobody asks for anything.
    const auto switches = [&] {
        const auto text = read_file("/proc/" + std::to_string(service_.pid()) + "/status");
        return std::stol(text.substr(text.find("\nvoluntary_ctxt_switches:") + 25));
    };
    EXPECT_TRUE(eventually([&] {
        const auto before = switches();
        const Program pause{{"/bin/sleep", "1"}};
        while (pause.running()) (void)readable_within(-1, 10ms);
        return switches() == before;
    }));
}

}  // namespace
}  // namespace caisson::test
