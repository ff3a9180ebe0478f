// SPDX-License-Identifier: Apache-2.0
/// caisson call: one call, its result byte for byte.
#include <poll.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/text.hpp"
#include "cli/call_options.hpp"
#include "cli/command.hpp"
#include "cli/destination.hpp"
#include "cli/failure.hpp"
#include "cli/input.hpp"
#include "cli/interrupts.hpp"
#include "cli/option_set.hpp"
#include "cli/output.hpp"
#include "cli/progress_line.hpp"
#include "cli/session.hpp"
#include "wire/codec.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(The result goes to the standard output byte for byte, as it comes. On a terminal a
last line that has no end gets one. Without BODY the method gets an empty body; a
text that begins with a dash and is no number stands after --.
With -o the file appears only when the call ended ok. With --json one JSON document
says how the call ended: {"outcome":"ok","output":...}, or the whole failure. With
--json or --retries the result is printed when the call has ended, not as it comes.
A body may be as large as memory: what is above 64 KiB is handed over, not copied.

--retries is for calls that may be done twice: it holds for any method. Without it, the
pool says how often a call of a method that calls itself idempotent is tried again.

Ctrl-C cancels the call and waits for its end; a second one does not wait. With --keep
it only leaves: the call goes on, and nobody hears how it ends.

Exit codes: 0 ok, 1 the plugin returned an error, 2 wrong usage, 3 no supervisor,
  4 the plugin crashed, 5 timed out, 6 refused, 8 cancelled, 9 input or output failed.

Examples:
  caisson call math.square 7
  caisson call text.wordcount @/usr/share/common-licenses/GPL-3
  echo '[1,2,3]' | caisson call math.sum -
  caisson call text.grep @notes.txt --params '{"pattern":"^=="}' --timeout 2s
  caisson call mail.send @letter --retries 3 --priority -5)";

struct Options {
    CallOptions call;
    std::string body;
    std::string file;
    bool keep = false;
};

class CallRun {
   public:
    CallRun(const Context& context, Client& client, std::string_view target, Destination& destination)
        : context_(context),
          client_(client),
          target_(target),
          destination_(destination),
          output_(destination.descriptor(), interrupts_.descriptor()),
          progress_(context.streams.err, !output_.terminal()) {}

    int run(const CallRequest& request) {
        keep_ = request.keep;
        const auto id = client_.submit(request);
        if (!id) return client_failed(id.error());
        call_ = *id;
        for (;;) {
            const auto event = client_.next(std::chrono::milliseconds{0});
            if (!event) return client_failed(event.error());
            if (*event) {
                if (const auto code = take(**event)) return *code;
                continue;
            }
            output_.flush();
            if (const auto code = output_ended()) return *code;
            if (const auto code = wait()) return *code;
        }
    }

   private:
    std::optional<int> take(const Event& event) {
        if (const auto* piece = std::get_if<Piece>(&event)) {
            output_.append(piece->bytes);
        } else if (const auto* step = std::get_if<Progress>(&event)) {
            progress_.show(cat(target_, ": ", static_cast<int>(step->fraction * 100), "% ", step->note));
        } else {
            return finish(std::get<Done>(event).result);
        }
        return std::nullopt;
    }

    int finish(const CallResult& result) {
        progress_.clear();
        if (result.outcome != Outcome::ok) return fail_with(result);
        if (context_.json)
            output_.append(ok_document(result.bytes(), result.encoding == BodyEncoding::json));
        else
            output_.append(result.bytes());
        if ((context_.json || output_.terminal()) && !output_.at_line_start()) output_.append("\n");
        while (output_.pending() && output_.state() == Output::State::good) {
            output_.flush();
            if (output_.pending() && interrupts_.take()) return exit_cancelled;
        }
        if (const auto code = output_ended()) return *code;
        if (const auto done = destination_.commit(); !done) {
            complain(context_, done.error().text());
            return exit_io;
        }
        return exit_ok;
    }

    int fail_with(const CallResult& result) {
        if (output_.terminal() && !output_.at_line_start()) output_.append("\n");
        output_.flush();
        if (!context_.json) {
            say(context_.streams.err, failure_text(parse_document(result.json), target_));
        } else if (const int code = print(context_, cat(result.json, '\n')); code != exit_ok) {
            return code;
        }
        return exit_code(result.outcome);
    }

    int client_failed(const ClientError& error) {
        const bool refused = error.kind == ClientError::Kind::too_large;
        complain(context_, cat(printable(target_), refused ? " refused: " : ": ", printable(error.message)));
        return exit_code(error.kind);
    }

    // The output takes no more: its reader has gone, or it is broken.
    std::optional<int> output_ended() {
        if (output_.state() == Output::State::good) return std::nullopt;
        if (!keep_) client_.cancel(call_);
        (void)client_.flush();
        if (output_.state() == Output::State::gone) return exit_ok;
        complain(context_, cat("cannot write the output: ", output_.error()));
        return exit_io;
    }

    std::optional<int> wait() {
        const short service = client_.unsent() > 0 ? POLLIN | POLLOUT : POLLIN;
        std::array<pollfd, 2> entries{{{.fd = client_.descriptor(), .events = service, .revents = 0},
                                       {.fd = interrupts_.descriptor(), .events = POLLIN, .revents = 0}}};
        if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR) return exit_io;
        if (!interrupts_.take()) return std::nullopt;
        progress_.clear();
        if (keep_ && client_.unsent() == 0) {
            complain(context_, cat("left: ", printable(target_), " goes on, and nobody hears how it ends"));
            return exit_cancelled;
        }
        if (cancelled_) {
            complain(context_, cat(printable(target_), " cancelled: left without waiting for its end"));
            return exit_cancelled;
        }
        complain(context_, cat("cancelling ", printable(target_), "; Ctrl-C again leaves without waiting"));
        client_.cancel(call_);
        cancelled_ = true;
        return std::nullopt;
    }

    const Context& context_;
    Client& client_;
    std::string_view target_;
    Destination& destination_;
    Interrupts interrupts_;
    Output output_;
    ProgressLine progress_;
    std::uint64_t call_ = 0;
    bool keep_ = false;
    bool cancelled_ = false;
};

int call(const Context& context, const Options& options) {
    auto request = request_of(options.call);
    if (!request) return usage_error(context, "call", request.error());
    const auto body = read_body(options.body, context.streams.in);
    if (!body) return complain(context, body.error().text()), exit_io;

    auto client = open_session(context);
    if (!client) return client.error();
    auto destination = Destination::open(options.file, context.streams.out);
    if (!destination) return complain(context, destination.error().text()), exit_io;
    request->body = wire::bytes_of(body->text);
    request->memory = body->memory.get();
    request->keep = options.keep;
    // A call whose output was handed out in pieces cannot be tried again.
    request->stream = !context.json && request->retries.value_or(0) == 0;
    return CallRun{context, *client, options.call.target, *destination}.run(*request);
}

Action declare(OptionSet& set, const Context& context) {
    const auto options = std::make_shared<Options>();
    declare_target(set, options->call);
    set.argument("BODY", options->body, "the input: a text, - for the standard input, or @FILE");
    declare_options(set, options->call);
    set.flag("--keep", options->keep, "let the call go on when this command leaves");
    set.option("-o,--output", options->file, "FILE", "write the result to this file");
    return [options, &context] { return call(context, *options); };
}

}  // namespace

Command call_command() { return {"call", "make one call and print its result", help_text, declare}; }

}  // namespace caisson::cli
