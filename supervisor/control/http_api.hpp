// SPDX-License-Identifier: Apache-2.0
/// What the service answers over HTTP: metrics, health, the verbs that look, the page; and the verbs that operate, if
/// the settings allow it.
///
/// Over a Unix socket the kernel says who asks, and [access] what he may. Over a network everybody may look who can
/// reach the address. A foreign page in somebody's browser can reach it too: so a request has to name a host that is
/// ours (a name that was made to lead here is refused), and what operates has to come from our own page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/access.hpp"
#include "control/http_server.hpp"
#include "control/page.hpp"
#include "control/requests.hpp"
#include "settings/settings.hpp"

namespace caisson::control {

/// Whether a Host header may be ours: the number of an address, localhost, this machine's name, or one of `names`.
[[nodiscard]] bool is_own_host(std::string_view host, const std::vector<std::string>& names);
/// Whether a request that operates comes from our own page or from a program, and not from a foreign page.
[[nodiscard]] bool is_same_origin(const HttpRequest& request);

class HttpApi {
   public:
    /// All of these live longer.
    HttpApi(dispatch::Dispatcher& dispatcher, Requests& requests, const Access& access,
            const settings::Metrics& settings);

    void handle(const HttpRequest& request, HttpServer::Respond respond);

   private:
    using Respond = HttpServer::Respond;
    struct Row;
    static const Row table[];

    /// Why the request is turned away before it is looked at.
    [[nodiscard]] std::optional<HttpResponse> refusal(const HttpRequest& request) const;
    void metrics(const HttpRequest& request, Respond respond);
    void health(const HttpRequest& request, Respond respond);
    void readiness(const HttpRequest& request, Respond respond);
    void look(const HttpRequest& request, Respond respond);
    void crash(const HttpRequest& request, Respond respond);
    void operate(const HttpRequest& request, Respond respond);
    void page(const HttpRequest& request, Respond respond);

    dispatch::Dispatcher& dispatcher_;
    Requests& requests_;
    const Access& access_;
    const settings::Metrics& settings_;
    struct Page {
        const PageFile* file;
        std::string etag;
    };
    std::vector<Page> page_;
};

}  // namespace caisson::control
