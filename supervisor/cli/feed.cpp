// SPDX-License-Identifier: Apache-2.0
#include "cli/feed.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.hpp"

namespace caisson::cli {
namespace {

using namespace std::chrono_literals;

// Quick at first, for a restart takes a moment; then rarely, for it may take hours.
constexpr Duration first_retry = 250ms;
constexpr Duration last_retry = 5s;
constexpr unsigned doublings = 5;

constexpr std::chrono::milliseconds connect_patience = 1s;
// Longer than a busy machine keeps a service from answering.
constexpr std::chrono::milliseconds look_patience = 3s;
// A restart answers when it has begun; a crash report may have to be read from a disk.
constexpr std::chrono::milliseconds answer_patience = 10s;
// More than fingers ask for before they look.
constexpr std::size_t max_asked = 8;

std::string dump(const Json& document) { return document.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

Duration retry_delay(unsigned failures) {
    return std::min(first_retry * (1 << std::min(failures, doublings)), last_retry);
}

Feed::Feed(Client client, Options options)
    : options_(std::move(options)),
      news_descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      session_(client.descriptor()),
      client_(std::move(client)),
      next_look_(Clock::now() + options_.interval),
      thread_([this] { run(); }) {}

Feed::~Feed() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        if (session_ >= 0) ::shutdown(session_, SHUT_RDWR);
    }
    changed_.notify_one();
    thread_.join();
}

Feed::News Feed::take() {
    std::uint64_t count = 0;
    (void)!::read(news_descriptor_.get(), &count, sizeof count);
    const std::lock_guard lock{mutex_};
    return std::exchange(news_, {});
}

bool Feed::ask(Json request) {
    {
        const std::lock_guard lock{mutex_};
        if (asked_.size() + news_.answers.size() >= max_asked) return false;
        asked_.push_back(std::move(request));
    }
    changed_.notify_one();
    return true;
}

template <class Change>
void Feed::tell(Change change) {
    {
        const std::lock_guard lock{mutex_};
        change(news_);
    }
    const std::uint64_t one = 1;
    (void)!::write(news_descriptor_.get(), &one, sizeof one);
}

// ---- the thread -----------------------------------------------------------------------------------------------------

void Feed::run() {
    while (auto request = next_request()) {
        if (!client_ && !connect()) {
            if (!request->is_null()) answer(*request);
        } else if (request->is_null()) {
            look();
        } else {
            answer(*request);
        }
    }
}

std::optional<Json> Feed::next_request() {
    std::unique_lock lock{mutex_};
    changed_.wait_until(lock, next_look_, [this] { return stopping_ || !asked_.empty(); });
    if (stopping_) return std::nullopt;
    if (asked_.empty()) return Json{};
    auto request = std::move(asked_.front());
    asked_.pop_front();
    return request;
}

void Feed::look() {
    next_look_ = Clock::now() + options_.interval;
    auto reply = client_->request(dump(options_.request), look_patience);
    if (!reply) return lose(reply.error().message);
    if (!reply->ok) {
        const auto why = text(parse_document(reply->json), "message");
        return lose(why.empty() ? "the service refuses to tell its status" : why);
    }
    failures_ = 0;
    tell([&](News& news) {
        news.status = std::move(reply->json);
        news.loss.reset();
    });
}

void Feed::answer(const Json& request) {
    News::Answer answer{request, false, {{"message", "there is no service"}}};
    if (client_) {
        auto reply = client_->request(dump(request), answer_patience);
        answer.ok = reply && reply->ok;
        answer.document = reply ? parse_document(reply->json) : Json{{"message", reply.error().message}};
        if (reply)
            next_look_ = Clock::now();  // what it has changed is seen at once
        else
            lose(reply.error().message);
    }
    tell([&](News& news) { news.answers.push_back(std::move(answer)); });
}

bool Feed::connect() {
    auto client = Client::connect(options_.socket, connect_patience);
    if (!client) {
        lose(client.error().message);
        return false;
    }
    const std::lock_guard lock{mutex_};
    if (stopping_) return false;
    client_.emplace(std::move(*client));
    session_ = client_->descriptor();
    return true;
}

void Feed::lose(const std::string& why) {
    {
        const std::lock_guard lock{mutex_};
        session_ = -1;
    }
    client_.reset();
    next_look_ = Clock::now() + retry_delay(failures_++);
    tell([&](News& news) {
        news.status.reset();
        news.loss = News::Loss{printable(why), next_look_};
    });
}

}  // namespace caisson::cli
