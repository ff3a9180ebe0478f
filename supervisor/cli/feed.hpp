// SPDX-License-Identifier: Apache-2.0
/// The service's status again and again, and answers to requests in between, fetched on a thread of its own: a service
/// that does not answer keeps nobody from a key or from leaving.
///
/// A service that is lost is tried again, with back-off, until somebody destroys the feed. All functions are for the
/// thread that made it; signals should be blocked before, for the thread inherits what is blocked.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "cli/document.hpp"
#include "client/client.hpp"

namespace caisson::cli {

/// Until the next try to reach a service that could not be reached so often in a row. Pure.
[[nodiscard]] Duration retry_delay(unsigned failures);

class Feed {
   public:
    /// What came since the last look.
    struct News {
        struct Answer {
            Json request;
            bool ok = false;  ///< false: refused, or lost; the document has "message"
            Json document;
        };
        std::optional<std::string> status;  ///< the newest, as it came
        std::vector<Answer> answers;
        /// The service is out of reach; why, and when it is tried again.
        struct Loss {
            std::string why;
            TimePoint next_try;
        };
        std::optional<Loss> loss;
    };

    struct Options {
        std::filesystem::path socket;
        Json request;  ///< for the status
        Duration interval;
    };

    /// `client` is a session with the service, whose status is known: it is asked for after the first interval.
    Feed(Client client, Options options);
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;
    ~Feed();

    /// Readable when there are news.
    [[nodiscard]] int descriptor() const { return news_descriptor_.get(); }
    [[nodiscard]] News take();
    /// False if too many requests wait for their answers already.
    [[nodiscard]] bool ask(Json request);

   private:
    void run();
    /// What to do next: a request of the user, or none when it is time to look. Nothing: the end.
    [[nodiscard]] std::optional<Json> next_request();
    void look();
    void answer(const Json& request);
    [[nodiscard]] bool connect();
    void lose(const std::string& why);
    template <class Change>
    void tell(Change change);

    const Options options_;
    Fd news_descriptor_;

    // Of both threads, under the mutex.
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    std::deque<Json> asked_;
    News news_;
    int session_ = -1;  // the client's, for an end that does not wait for an answer

    // Of the thread.
    std::optional<Client> client_;
    TimePoint next_look_;
    unsigned failures_ = 0;

    std::jthread thread_;
};

}  // namespace caisson::cli
