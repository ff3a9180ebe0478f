// SPDX-License-Identifier: Apache-2.0
#include "control/http_door.hpp"

#include <fcntl.h>

#include <utility>

#include "base/text.hpp"
#include "settings/listen.hpp"

namespace caisson::control {

using settings::Listen;

HttpDoor::HttpDoor(Loop& loop, Log& log, dispatch::Dispatcher& dispatcher, Requests& requests,
                   std::filesystem::path socket)
    : loop_(loop),
      log_(log),
      requests_(requests),
      socket_(std::move(socket)),
      api_(dispatcher, requests, access_, settings_) {}

HttpDoor::~HttpDoor() = default;

void HttpDoor::apply(const settings::Metrics& metrics, const settings::Access& socket_rights, Access access) {
    settings_ = metrics;
    access_ = std::move(access);
    if (listener_ && listening_ == settings_.listen) return tell_status();
    open(socket_rights);
    tell_status();
}

void HttpDoor::open(const settings::Access& socket_rights) {
    problem_.clear();
    if (settings_.listen == "off") {
        listener_.reset();
        address_.clear();
        return;
    }
    if (!server_) {
        auto made = HttpServer::make(loop_, log_, [this](const HttpRequest& request, HttpServer::Respond respond) {
            api_.handle(request, std::move(respond));
        });
        if (!made) return say_unavailable(made.error());
        server_ = std::move(*made);
    }
    auto listener = take_post();
    if (!listener) listener = listen(socket_rights);
    if (!listener) return say_unavailable(listener.error());
    listener_ = std::make_unique<Listener>(std::move(*listener));
    listener_->accept(loop_, log_, [this](Fd connection) { server_->take(std::move(connection)); });
    listening_ = settings_.listen;
    const auto where = settings::parse_listen(listening_).value_or(Listen{});
    const bool v6 = where.host.find(':') != std::string::npos;
    if (where.kind == Listen::Kind::tcp)
        address_ = cat("http://", v6 ? "[" : "", where.host, v6 ? "]" : "", ':', listener_->port());
    else
        address_ = cat("unix:", path_of(listening_).native());
    log_.event("metrics_available", LogLevel::info, "answers HTTP", {{"address", address_}});
    if (where.kind == Listen::Kind::tcp && !settings::is_loopback(where.host))
        log_.event("metrics_public", LogLevel::warn, "everybody who reaches this address can look at the service",
                   {{"address", address_}, {"operate", settings_.operate ? "true" : "false"}});
}

// Empty of TCP.
std::filesystem::path HttpDoor::path_of(const std::string& listening) const {
    const auto where = settings::parse_listen(listening).value_or(Listen{});
    if (where.kind == Listen::Kind::tcp) return {};
    return where.kind == Listen::Kind::path ? where.path : settings::http_socket_beside(socket_);
}

std::optional<HttpDoor::Post> HttpDoor::post() const {
    if (!listener_) return std::nullopt;
    const auto copy = [](const Fd& fd) { return Fd{fd ? ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0) : -1}; };
    return Post{listening_, copy(listener_->socket()), copy(listener_->lock())};
}

// An address that is not wanted any more is left to whoever still has it.
Result<Listener> HttpDoor::take_post() {
    if (!inherited_) return fail("nothing was handed over");
    auto post = std::move(*inherited_);
    inherited_.reset();
    auto listener = Listener::inherit(std::move(post.lock), std::move(post.socket), path_of(post.listening), true);
    if (!listener) return listener;
    if (post.listening != settings_.listen) return fail("the settings name another address now");
    if (auto claimed = listener->claim(); !claimed) return std::unexpected(claimed.error());
    return listener;
}

Result<Listener> HttpDoor::listen(const settings::Access& socket_rights) const {
    const auto where = settings::parse_listen(settings_.listen);
    if (!where) return std::unexpected(where.error());
    switch (where->kind) {
        case Listen::Kind::tcp:
            return Listener::bind(where->host, where->port);
        case Listen::Kind::path:
            return Listener::bind(where->path, socket_rights);
        case Listen::Kind::beside:
        case Listen::Kind::off:
            break;
    }
    return Listener::bind(settings::http_socket_beside(socket_), socket_rights);
}

void HttpDoor::say_unavailable(const Error& error) {
    problem_ = error.text();
    log_.event("metrics_unavailable", LogLevel::error, "cannot answer HTTP as metrics.listen says",
               {{"listen", settings_.listen}, {"why", problem_}, {"still_at", address_}});
}

void HttpDoor::tell_status() {
    requests_.set_http({.address = address_, .problem = problem_, .operate = settings_.operate});
}

void HttpDoor::leave() {
    if (listener_) listener_->leave();
    listener_.reset();
}

void HttpDoor::close() {
    requests_.flush_waiting();
    listener_.reset();
    server_.reset();
}

}  // namespace caisson::control
