// SPDX-License-Identifier: Apache-2.0
#include "control/http_api.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.hpp"
#include "control/metrics.hpp"
#include "settings/listen.hpp"

namespace caisson::control {

using nlohmann::json;

namespace {

constexpr std::string_view text_type = "text/plain; charset=utf-8";

std::string dump(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

HttpResponse problem(int status, std::string_view message, std::string_view hint = {}) {
    return {.status = status, .body = dump({{"message", message}, {"hint", hint}})};
}

HttpResponse text(int status, std::string body) {
    return {.status = status, .content_type = std::string{text_type}, .body = std::move(body)};
}

// Nothing from elsewhere, no script that does not come from us as a file, in nobody's frame.
void add_walls(HttpResponse& response) {
    const auto add = [&](const char* name, const char* value) { response.headers.emplace_back(name, value); };
    add("Content-Security-Policy",
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'");
    add("X-Content-Type-Options", "nosniff");
    add("X-Frame-Options", "DENY");
    add("Referrer-Policy", "no-referrer");
    add("Cross-Origin-Resource-Policy", "same-origin");
    const bool cached = std::ranges::any_of(response.headers, [](const auto& h) { return h.first == "ETag"; });
    add("Cache-Control", cached ? "no-cache" : "no-store");
}

// FNV-1a: it has to tell two builds apart, and nothing else.
std::string etag_of(std::span<const std::byte> bytes) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const auto byte : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3;
    return cat('"', hex(hash).substr(2), '"');
}

// "localhost:9464" -> "localhost", "[::1]:80" -> "::1".
std::string_view without_port(std::string_view host) {
    if (host.starts_with('[')) return host.substr(1, std::min(host.find(']'), host.size()) - 1);
    return host.substr(0, host.find(':'));
}

std::string machine_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : std::string{};
}

bool same_name(std::string_view left, std::string_view right) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(left, right, {}, lower, lower);
}

}  // namespace

bool is_own_host(std::string_view host, const std::vector<std::string>& names) {
    const auto name = without_port(host);
    if (name.empty()) return false;
    if (settings::is_address(name) || same_name(name, "localhost") || same_name(name, machine_name())) return true;
    return std::ranges::any_of(names, [&](const std::string& own) { return same_name(name, own); });
}

bool is_same_origin(const HttpRequest& request) {
    if (!request.header("x-caisson")) return false;  // which no foreign page can set without our leave
    const auto site = request.header("sec-fetch-site");
    if (site && *site != "same-origin" && *site != "none") return false;
    const auto origin = request.header("origin");
    if (!origin) return true;
    const auto scheme = origin->find("://");
    return scheme != std::string_view::npos && origin->substr(scheme + 3) == request.header("host").value_or("");
}

struct HttpApi::Row {
    std::string_view path;  // with a slash at its end: and all that stands below
    std::string_view method;
    void (HttpApi::*answer)(const HttpRequest&, Respond);
};

const HttpApi::Row HttpApi::table[] = {
    {"/metrics", "GET", &HttpApi::metrics},
    {"/healthz", "GET", &HttpApi::health},
    {"/readyz", "GET", &HttpApi::readiness},
    {"/api/status", "GET", &HttpApi::look},
    {"/api/crashes", "GET", &HttpApi::look},
    {"/api/poison", "GET", &HttpApi::look},
    {"/api/events", "GET", &HttpApi::look},
    {"/api/logs", "GET", &HttpApi::look},
    {"/api/crashes/", "GET", &HttpApi::crash},
    {"/api/operate", "POST", &HttpApi::operate},
    {"/", "GET", &HttpApi::page},
};

HttpApi::HttpApi(dispatch::Dispatcher& dispatcher, Requests& requests, const Access& access,
                 const settings::Metrics& settings)
    : dispatcher_(dispatcher), requests_(requests), access_(access), settings_(settings) {
    for (const auto& file : page_files()) page_.push_back({&file, etag_of(file.bytes)});
}

std::optional<HttpResponse> HttpApi::refusal(const HttpRequest& request) const {
    if (request.peer) {
        if (!access_.allows(*request.peer, Verb::call))
            return problem(403, cat("user ", request.peer->uid, " may not look at this service"), "see access.call");
    } else if (!is_own_host(request.header("host").value_or(""), settings_.hosts)) {
        return problem(403, cat("this service is not called ", in_quotes(request.header("host").value_or(""))),
                       "use the number of its address, or add the name to metrics.hosts");
    }
    return std::nullopt;
}

void HttpApi::handle(const HttpRequest& request, Respond respond) {
    Respond done{[respond = std::move(respond)](HttpResponse response) mutable {
        add_walls(response);
        respond(std::move(response));
    }};
    if (auto refused = refusal(request)) return done(std::move(*refused));
    const auto* row = std::ranges::find_if(table, [&](const Row& candidate) {
        if (candidate.path.ends_with('/')) return request.path.starts_with(candidate.path);
        return request.path == candidate.path;
    });
    if (row == std::end(table)) return done(problem(404, "there is no such thing"));
    if (request.method != row->method && !(request.method == "HEAD" && row->method == "GET")) {
        auto refused = problem(405, cat("only ", row->method, " is for ", printable(row->path)));
        refused.headers.emplace_back("Allow", row->method == "GET" ? "GET, HEAD" : "POST");
        return done(std::move(refused));
    }
    (this->*row->answer)(request, std::move(done));
}

// ---- for machines ---------------------------------------------------------------------------------------------------

void HttpApi::metrics(const HttpRequest& request, Respond respond) {
    (void)request;
    respond({.content_type = std::string{metrics_content_type}, .body = requests_.metrics()});
}

// Whoever gets this answer knows that the loop turns; there is nothing else to ask.
void HttpApi::health(const HttpRequest& request, Respond respond) {
    if (request.parameter("json")) return respond({.body = dump({{"status", "ok"}})});
    respond(text(200, "ok\n"));
}

void HttpApi::readiness(const HttpRequest& request, Respond respond) {
    auto waiting = json::object();
    for (const auto& [name, pool] : dispatcher_.pools()) {
        const auto state = pool->hands->state();
        if (!pool->removed && (state == fleet::CrewState::starting || state == fleet::CrewState::quarantined))
            waiting[name] = word(state);
    }
    const bool serving = !dispatcher_.stopping();
    const int status = serving && waiting.empty() ? 200 : 503;
    const std::string_view verdict = !serving ? "stopping" : waiting.empty() ? "ready" : "not ready";
    if (request.parameter("json"))
        return respond({.status = status, .body = dump({{"status", verdict}, {"pools", waiting}})});
    auto lines = cat(verdict, '\n');
    for (const auto& [name, state] : waiting.items()) lines += cat(name, ' ', state.get<std::string>(), '\n');
    respond(text(status, std::move(lines)));
}

// ---- verbs ----------------------------------------------------------------------------------------------------------

// Those that look, with the parameters of the query; what may be a number is one.
void HttpApi::look(const HttpRequest& request, Respond respond) {
    json asked{{"verb", request.path.substr(std::string_view{"/api/"}.size())}};
    for (const auto& [name, value] : request.query) {
        std::uint64_t number = 0;
        const auto* const end = value.data() + value.size();
        const bool numeric = name == "after" || name == "wait_s" || name == "limit";
        if (!numeric) {
            if (name != "verb") asked[name] = value;
        } else if (const auto read = std::from_chars(value.data(), end, number);
                   value.empty() || read.ec != std::errc{} || read.ptr != end) {
            return respond(problem(400, cat(name, " must be a whole number")));
        } else {
            asked[name] = number;
        }
    }
    const bool names_something = request.parameter("pool") || request.parameter("id");
    const auto everybody = [](Verb verb) { return verb == Verb::call; };
    requests_.answer(
        {"HTTP", everybody}, dump(asked),
        [respond = std::move(respond), names_something](Requests::Reply reply) mutable {
            respond({.status = reply.ok ? 200 : names_something ? 404 : 400, .body = std::move(reply.json)});
        });
}

void HttpApi::crash(const HttpRequest& request, Respond respond) {
    const auto id = request.path.substr(std::string_view{"/api/crashes/"}.size());
    const auto everybody = [](Verb verb) { return verb == Verb::call; };
    requests_.answer({"HTTP", everybody}, dump({{"verb", "crashes"}, {"id", id.empty() ? " " : id}}),
                     [respond = std::move(respond)](Requests::Reply reply) mutable {
                         respond({.status = reply.ok ? 200 : 404, .body = std::move(reply.json)});
                     });
}

// Never what only an administrator may: a service is not stopped from a browser.
void HttpApi::operate(const HttpRequest& request, Respond respond) {
    if (!settings_.operate)
        return respond(problem(403, "the page may only look at this service", "see metrics.operate"));
    if (!is_same_origin(request))
        return respond(problem(403, "this did not come from the service's own page",
                               "a program sends the header X-Caisson: 1, and no Origin"));
    const auto denied = std::make_shared<bool>(false);
    Requests::Asker asker{"HTTP", [this, denied, peer = request.peer](Verb verb) {
                              const bool may = verb != Verb::admin && (!peer || access_.allows(*peer, verb));
                              *denied |= !may;
                              return may;
                          }};
    if (request.peer) asker.name = cat("user ", request.peer->uid);
    requests_.answer(asker, request.body, [respond = std::move(respond), denied](Requests::Reply reply) mutable {
        respond({.status = reply.ok ? 200 : *denied ? 403 : 409, .body = std::move(reply.json)});
    });
}

// ---- for people -----------------------------------------------------------------------------------------------------

void HttpApi::page(const HttpRequest& request, Respond respond) {
    const auto found = std::ranges::find_if(page_, [&](const Page& page) { return page.file->path == request.path; });
    if (found == page_.end() || !settings_.page) {
        if (request.path == "/")
            return respond(text(200, "caisson: there are /metrics, /healthz, /readyz and /api/status\n"));
        return respond(problem(404, "there is no such thing"));
    }
    HttpResponse answer{.content_type = std::string{found->file->content_type}, .lasting = found->file->bytes};
    answer.headers.emplace_back("ETag", found->etag);
    if (request.header("if-none-match") == found->etag) {
        answer.status = 304;
        answer.lasting = {};
    }
    respond(std::move(answer));
}

}  // namespace caisson::control
