// SPDX-License-Identifier: Apache-2.0
/// The door for browsers and Prometheus: the address that [metrics] names, and who comes in by it. An address that
/// cannot be had is said and costs nothing else; the service goes on without, and each reload tries again.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "control/http_api.hpp"
#include "control/listener.hpp"
#include "control/requests.hpp"
#include "settings/settings.hpp"

namespace caisson::control {

class HttpDoor {
   public:
    /// All of these live longer. Opens nothing yet.
    HttpDoor(Loop& loop, Log& log, dispatch::Dispatcher& dispatcher, Requests& requests, std::filesystem::path socket);
    HttpDoor(const HttpDoor&) = delete;
    HttpDoor& operator=(const HttpDoor&) = delete;
    ~HttpDoor();

    /// Goes where the settings say; stays where it is if that is the same. If the new address cannot be had, it stays
    /// as well. Who is connected stays until he is served. May be called from inside an answer.
    void apply(const settings::Metrics& metrics, const settings::Access& socket_rights, Access access);
    /// What another process needs to go on at this address: `listening` is the setting that it stands for.
    struct Post {
        std::string listening;
        Fd socket;
        Fd lock;  ///< none of TCP
    };
    /// The place that is held now, as duplicates; nothing if there is none.
    [[nodiscard]] std::optional<Post> post() const;
    /// Takes the place of another process at the next `apply`, if the settings still want it.
    void inherit(Post post) { inherited_ = std::move(post); }
    /// Leaves the address to whoever has taken it over; who is connected stays until he is served.
    void leave();
    /// Answers who waits, takes no more connections, and ends those that there are.
    void close();
    /// Why the address of the settings cannot be had; empty if it can.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] std::size_t connections() const { return server_ ? server_->connections() : 0; }

   private:
    [[nodiscard]] std::filesystem::path path_of(const std::string& listening) const;
    [[nodiscard]] Result<Listener> take_post();
    [[nodiscard]] Result<Listener> listen(const settings::Access& socket_rights) const;
    void open(const settings::Access& socket_rights);
    void say_unavailable(const Error& error);
    void tell_status();

    Loop& loop_;
    Log& log_;
    Requests& requests_;
    std::filesystem::path socket_;
    settings::Metrics settings_;
    Access access_;
    HttpApi api_;
    std::unique_ptr<HttpServer> server_;
    std::unique_ptr<Listener> listener_;
    std::optional<Post> inherited_;
    std::string listening_;  // the setting that the listener stands for
    std::string address_;
    std::string problem_;
};

}  // namespace caisson::control
