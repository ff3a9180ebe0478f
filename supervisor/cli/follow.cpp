// SPDX-License-Identifier: Apache-2.0
#include "cli/follow.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "base/text.hpp"
#include "cli/option_set.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

using namespace std::chrono_literals;

/// How long one request waits for news, and how much longer for its answer.
constexpr std::int64_t wait_s = 25;
constexpr auto news_patience = 40s;
/// Between two tries to reach a service that has gone: twice as long each time.
constexpr auto first_pause = 100ms;
constexpr auto longest_pause = 2000ms;
/// The most that one answer has; as the service bounds it.
constexpr std::int64_t most_lines = 1000;

struct Options {
    std::string pool;
    std::optional<std::string> lines;
    bool follow = false;
};

class Follower {
   public:
    Follower(const Context& context, const Topic& topic, const Options& options)
        : context_(context), topic_(topic), options_(options), output_(context.streams.out) {}

    int run(std::int64_t lines) {
        auto client = open_session(context_);
        if (!client) return client.error();
        Json request{{"verb", topic_.verb}, {"limit", lines}};
        if (!options_.pool.empty()) request["pool"] = options_.pool;
        auto reply = ask(context_, *client, request, topic_.verb);
        if (!reply) return reply.error();
        show(reply->document);
        request["limit"] = most_lines;
        request["wait_s"] = wait_s;
        while (options_.follow && output_.state() == Output::State::good) {
            request["after"] = next_;
            const auto answer = client->request(request.dump(), news_patience);
            if (!answer) {
                client = come_back();
                continue;
            }
            const auto document = parse_document(answer->json);
            if (!answer->ok) {
                complain(context_, cat(topic_.verb, " refused: ", text(document, "message")));
                return exit_refused;
            }
            show(document);
        }
        return finish();
    }

   private:
    void show(const Json& document) {
        // Another process: its numbers begin anew.
        const auto pid = number(document, "pid").value_or(0);
        const bool other = pid_ != 0 && pid != pid_;
        pid_ = pid;
        next_ = other ? 0 : number(document, "next").value_or(next_);
        if (other) return;
        if (const auto lost = number(document, "lost").value_or(0); lost > 0)
            complain(context_, cat(lost, " lines came too fast, and are no longer remembered"));
        for (const auto& line : member(document, std::string{topic_.member}.c_str()))
            output_.append(context_.json ? cat(line.dump(-1, ' ', false, Json::error_handler_t::replace), '\n')
                                         : topic_.text(line));
        output_.flush();
    }

    // The service has gone. One that starts again has its old socket.
    std::expected<Client, int> come_back() {
        complain(context_, "the service has gone; waiting for it");
        std::chrono::milliseconds pause = first_pause;
        for (;; pause = std::min<std::chrono::milliseconds>(2 * pause, longest_pause)) {
            if (auto client = Client::connect(socket_path(context_))) {
                complain(context_, "the service is there again");
                return std::move(*client);
            }
            std::this_thread::sleep_for(pause);
        }
    }

    int finish() {
        if (output_.state() != Output::State::broken) return exit_ok;
        complain(context_, cat("cannot write the output: ", output_.error()));
        return exit_io;
    }

    const Context& context_;
    const Topic& topic_;
    const Options& options_;
    QuietPipes quiet_;
    Output output_;
    std::int64_t next_ = 0;
    std::int64_t pid_ = 0;
};

}  // namespace

Action declare_topic(OptionSet& set, const Context& context, const Topic& topic) {
    const auto options = std::make_shared<Options>();
    set.argument("POOL", options->pool, "only what is about this pool");
    set.flag("-f,--follow", options->follow, "go on with what happens, until Ctrl-C");
    set.option("-n,--lines", options->lines, "N", "at most so many of those that have been");
    return [options, topic, &context] {
        const auto lines = parse_number("-n", options->lines, 0, most_lines);
        if (!lines) return usage_error(context, topic.verb, lines.error());
        return Follower{context, topic, *options}.run(lines->value_or(topic.first));
    };
}

}  // namespace caisson::cli
