// SPDX-License-Identifier: Apache-2.0
#include "control/http_server.hpp"

#include <microhttpd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <map>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace caisson::control {
namespace {

std::optional<std::string_view> value_of(const HttpRequest::Pairs& pairs, std::string_view name) {
    const auto found = std::ranges::find(pairs, name, [](const auto& pair) { return std::string_view{pair.first}; });
    return found == pairs.end() ? std::nullopt : std::optional<std::string_view>{found->second};
}

std::string lower(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

/// A request from its first byte until its answer has left.
struct Exchange {
    MHD_Connection* connection = nullptr;
    HttpRequest request;
    std::optional<HttpResponse> response;
    bool too_large = false;
    bool asked = false;
    bool resting = false;
};

/// A connection, and since when its client owes something: a request, or to take its answer.
struct Visitor {
    int descriptor = -1;
    TimePoint since{};
    bool waits = false;  // for our answer: it owes nothing
};

MHD_Result add_pair(void* to, MHD_ValueKind kind, const char* name, const char* value) {
    auto& pairs = *static_cast<HttpRequest::Pairs*>(to);
    pairs.emplace_back(kind == MHD_HEADER_KIND ? lower(name) : std::string{name}, value != nullptr ? value : "");
    return MHD_YES;
}

HttpResponse plain(int status, std::string_view text) {
    return {.status = status, .content_type = "text/plain; charset=utf-8", .body = cat(text, '\n')};
}

}  // namespace

std::optional<std::string_view> HttpRequest::header(std::string_view lower_name) const {
    return value_of(headers, lower_name);
}
std::optional<std::string_view> HttpRequest::parameter(std::string_view name) const { return value_of(query, name); }

struct HttpServer::Impl {
    Impl(Loop& the_loop, Log& the_log, Handle the_handle)
        : loop(the_loop), log(the_log), handle(std::move(the_handle)), timer(the_loop.timer()) {}

    Loop& loop;
    Log& log;
    Handle handle;
    MHD_Daemon* daemon = nullptr;
    Loop::Watch watch;
    Loop::Timer timer;
    bool run_due = false;
    std::map<MHD_Connection*, Visitor> visitors;
    std::map<MHD_Connection*, std::shared_ptr<Exchange>> exchanges;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);

    ~Impl() {
        *alive = false;
        watch = {};
        // Who rests has to be woken first, or the library does not know how to end.
        for (const auto& [connection, exchange] : exchanges)
            if (std::exchange(exchange->resting, false)) MHD_resume_connection(connection);
        if (daemon != nullptr) MHD_stop_daemon(daemon);
    }

    [[nodiscard]] bool start();
    void run();
    void run_soon();
    void arm();
    void cut_slow(TimePoint now);
    [[nodiscard]] MHD_Result on_request(MHD_Connection* connection, const char* url, const char* method,
                                        std::string_view upload, void** context);
    void begin(Exchange& exchange, const char* url, const char* method);
    void ask(const std::shared_ptr<Exchange>& exchange);
    [[nodiscard]] MHD_Result send(Exchange& exchange);
    void on_completed(MHD_Connection* connection);
    void on_connection(MHD_Connection* connection, MHD_ConnectionNotificationCode what);
};

// ---- the library's doors --------------------------------------------------------------------------------------------

bool HttpServer::Impl::start() {
    const auto handler = [](void* self, MHD_Connection* connection, const char* url, const char* method, const char*,
                            const char* upload, std::size_t* upload_bytes, void** context) {
        const std::string_view bytes{upload, *upload_bytes};
        *upload_bytes = 0;
        try {
            return static_cast<Impl*>(self)->on_request(connection, url, method, bytes, context);
        } catch (const std::exception& error) {
            static_cast<Impl*>(self)->log.error("a request over HTTP failed",
                                                {{"why", std::string_view{error.what()}}});
            return MHD_NO;  // it is hung up on
        }
    };
    const auto completed = [](void* self, MHD_Connection* connection, void**, MHD_RequestTerminationCode) {
        static_cast<Impl*>(self)->on_completed(connection);
    };
    const auto connected = [](void* self, MHD_Connection* connection, void**, MHD_ConnectionNotificationCode what) {
        static_cast<Impl*>(self)->on_connection(connection, what);
    };
    const auto complain = [](void* self, const char* format, va_list arguments) {
        char text[256];
        std::vsnprintf(text, sizeof text, format, arguments);
        static_cast<Impl*>(self)->log.debug("http", {{"says", std::string_view{text}}});
    };
    constexpr auto patience = std::chrono::duration_cast<std::chrono::seconds>(limits::http_patience);
    daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
                              0, nullptr, nullptr, static_cast<MHD_AccessHandlerCallback>(handler), this,
                              MHD_OPTION_EXTERNAL_LOGGER, static_cast<void (*)(void*, const char*, va_list)>(complain),
                              this, MHD_OPTION_NOTIFY_COMPLETED, static_cast<MHD_RequestCompletedCallback>(completed),
                              this, MHD_OPTION_NOTIFY_CONNECTION, static_cast<MHD_NotifyConnectionCallback>(connected),
                              this, MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(limits::http_connections),
                              MHD_OPTION_CONNECTION_MEMORY_LIMIT, std::size_t{limits::http_connection_bytes},
                              MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(patience.count()),
                              MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (daemon == nullptr) return false;
    const auto* const info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    watch = loop.watch(info->epoll_fd);
    watch.on_readable([this] { run(); });
    return true;
}

void HttpServer::Impl::run() {
    MHD_run(daemon);
    cut_slow(Clock::now());
    arm();
}

void HttpServer::Impl::run_soon() {
    if (std::exchange(run_due, true)) return;
    loop.post([this, still = alive] {
        if (!*still) return;
        run_due = false;
        run();
    });
}

// The library's next timeout, or when the patience with somebody is over. Nobody there: nothing to wait for.
void HttpServer::Impl::arm() {
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    auto next = TimePoint::max();
    if (MHD_get_timeout(daemon, &wait_ms) == MHD_YES) {
        if (wait_ms == 0) return run_soon();
        next = Clock::now() + std::chrono::milliseconds{wait_ms};
    }
    for (const auto& [connection, visitor] : visitors)
        if (!visitor.waits) next = std::min(next, visitor.since + limits::http_patience);
    if (next == TimePoint::max()) return timer.cancel();
    timer.arm_at(next, [this] { run(); });
}

// The library's timeout begins anew with each byte. This one does not: who sends a byte now and then is slow too.
void HttpServer::Impl::cut_slow(TimePoint now) {
    for (auto& [connection, visitor] : visitors) {
        if (visitor.waits || now < visitor.since + limits::http_patience) continue;
        visitor.waits = true;  // once
        ::shutdown(visitor.descriptor, SHUT_RDWR);
        run_soon();
    }
}

void HttpServer::Impl::on_connection(MHD_Connection* connection, MHD_ConnectionNotificationCode what) {
    if (what != MHD_CONNECTION_NOTIFY_STARTED) {
        visitors.erase(connection);
        return;
    }
    const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    visitors[connection] = {.descriptor = info->connect_fd, .since = Clock::now()};
}

// ---- a request ------------------------------------------------------------------------------------------------------

MHD_Result HttpServer::Impl::on_request(MHD_Connection* connection, const char* url, const char* method,
                                        std::string_view upload, void** context) {
    const bool first = *context == nullptr;
    if (first) {
        const auto made = std::make_shared<Exchange>(Exchange{.connection = connection, .request = {}, .response = {}});
        exchanges[connection] = made;
        *context = made.get();
        begin(*made, url, method);
        return made->response ? send(*made) : MHD_YES;
    }
    const auto found = exchanges.find(connection);
    if (found == exchanges.end()) return MHD_NO;
    const auto exchange = found->second;
    if (!upload.empty()) {
        exchange->too_large |= exchange->request.body.size() + upload.size() > limits::http_body_bytes;
        if (!exchange->too_large) exchange->request.body += upload;
        return MHD_YES;
    }
    if (!exchange->asked) ask(exchange);
    if (exchange->response) return send(*exchange);
    exchange->resting = true;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

void HttpServer::Impl::begin(Exchange& exchange, const char* url, const char* method) {
    auto& request = exchange.request;
    request.method = method;
    request.path = url;
    MHD_get_connection_values(exchange.connection, MHD_HEADER_KIND, add_pair, &request.headers);
    MHD_get_connection_values(exchange.connection, MHD_GET_ARGUMENT_KIND, add_pair, &request.query);
    const auto visitor = visitors.find(exchange.connection);
    if (visitor != visitors.end()) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        ::getsockname(visitor->second.descriptor, reinterpret_cast<sockaddr*>(&address), &size);
        if (address.ss_family == AF_UNIX)
            if (auto peer = peer_of(visitor->second.descriptor)) request.peer = std::move(*peer);
    }
    // What says that it is too large is turned away before it is sent.
    const auto announced = request.header("content-length");
    std::uint64_t bytes = 0;
    if (announced) std::from_chars(announced->data(), announced->data() + announced->size(), bytes);
    if (bytes > limits::http_body_bytes) exchange.response = plain(413, "the body is too large");
}

void HttpServer::Impl::ask(const std::shared_ptr<Exchange>& exchange) {
    exchange->asked = true;
    if (exchange->too_large) {
        exchange->response = plain(413, "the body is too large");
        return;
    }
    if (const auto visitor = visitors.find(exchange->connection); visitor != visitors.end())
        visitor->second.waits = true;
    handle(exchange->request, [this, still = alive, weak = std::weak_ptr{exchange}](HttpResponse response) {
        const auto there = weak.lock();
        if (!there || !*still) return;
        there->response = std::move(response);
        if (!std::exchange(there->resting, false)) return;
        MHD_resume_connection(there->connection);
        run_soon();
    });
}

MHD_Result HttpServer::Impl::send(Exchange& exchange) {
    auto& answer = *exchange.response;
    const auto bytes = answer.lasting.empty() ? std::as_bytes(std::span{answer.body}) : answer.lasting;
    auto* const response =
        MHD_create_response_from_buffer(bytes.size(), const_cast<std::byte*>(bytes.data()),
                                        answer.lasting.empty() ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
    if (response == nullptr) return MHD_NO;
    MHD_add_response_header(response, "Content-Type", answer.content_type.c_str());
    for (const auto& [name, value] : answer.headers) MHD_add_response_header(response, name.c_str(), value.c_str());
    const auto queued = MHD_queue_response(exchange.connection, static_cast<unsigned>(answer.status), response);
    MHD_destroy_response(response);
    if (const auto visitor = visitors.find(exchange.connection); visitor != visitors.end())
        visitor->second = {visitor->second.descriptor, Clock::now(), false};
    return queued;
}

void HttpServer::Impl::on_completed(MHD_Connection* connection) {
    exchanges.erase(connection);
    const auto visitor = visitors.find(connection);
    if (visitor != visitors.end()) visitor->second = {visitor->second.descriptor, Clock::now(), false};
}

// ---- the face -------------------------------------------------------------------------------------------------------

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::make(Loop& loop, Log& log, Handle handle) {
    auto impl = std::make_unique<Impl>(loop, log, std::move(handle));
    if (!impl->start()) return fail("cannot start HTTP", "raise the limit of open files");
    return std::unique_ptr<HttpServer>{new HttpServer{std::move(impl)}};
}

void HttpServer::take(Fd connection) {
    if (impl_->visitors.size() >= limits::http_connections) return;  // and it is closed
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getpeername(connection.get(), reinterpret_cast<sockaddr*>(&address), &size);
    // It closes the connection also if it does not take it.
    MHD_add_connection(impl_->daemon, connection.release(), reinterpret_cast<sockaddr*>(&address), size);
    impl_->run_soon();
}

std::size_t HttpServer::connections() const { return impl_->visitors.size(); }

}  // namespace caisson::control
