// SPDX-License-Identifier: Apache-2.0
/// caisson map: one call per input line.
#include <algorithm>
#include <memory>

#include "cli/call_options.hpp"
#include "cli/command.hpp"
#include "cli/document.hpp"
#include "cli/input.hpp"
#include "cli/mapper.hpp"
#include "cli/option_set.hpp"
#include "cli/session.hpp"
#include "wire/frame.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(Each line, without its end, is the body of one call. The results are written in the
order of the lines, one per line: a result that does not end its line gets an end.
A result that holds line ends of its own is written as it is; with --json every line
of input has exactly one line of output, {"line":N,"outcome":"ok","output":...} or the
whole failure. Lines are read while earlier ones are worked on, at most 8,192 ahead and
no more than the workers soon get to, so an input may be endless, and results appear as
they are ready. On a terminal a bar shows how far it is.

Lines that are at hand leave together, up to --chunk of them; nobody waits for more. Each
is a call of its own all the same: a crash fails the line that ran, and no other.

The first call that fails ends the map: what stands before it is written, the error
names the line, what comes after it is given up. --keep-going reports failed lines,
passes over them, and ends with the exit code of the first.

Ctrl-C cancels what is under way and says what was done; a second one does not wait.

Exit codes: 0 ok, 1 the plugin returned an error, 2 wrong usage, 3 no supervisor,
  4 the plugin crashed, 5 timed out, 6 refused, 8 cancelled, 9 input or output failed.

Examples:
  seq 100000 | caisson map math.square > squares.txt
  caisson map digest.sha256 names.txt --unordered
  caisson map math.square numbers.txt --keep-going --json | grep -v '"ok"')";

struct Options {
    CallOptions call;
    std::string file = "-";
    std::optional<std::string> chunk;
    bool unordered = false;
    bool keep_going = false;
};

// An answer to a question that is asked only to do better: without it the map goes on.
constexpr std::chrono::seconds status_patience{1};

std::size_t workers_of(Client& client, std::string_view target) {
    const Json request{{"verb", "status"}, {"pool", target.substr(0, target.find('.'))}};
    const auto answer = client.request(request.dump(-1, ' ', false, Json::error_handler_t::replace), status_patience);
    if (!answer || !answer->ok) return 0;
    const auto status = parse_document(answer->json);
    const Json& pools = member(status, "pools");
    if (!pools.is_array() || pools.empty()) return 0;
    return static_cast<std::size_t>(std::max<std::int64_t>(number(pools.front(), "target").value_or(0), 0));
}

int map(const Context& context, const Options& options) {
    const auto request = request_of(options.call);
    if (!request) return usage_error(context, "map", request.error());
    const auto chunk = parse_number("--chunk", options.chunk, 1, Batch::max_items);
    if (!chunk) return usage_error(context, "map", chunk.error());
    Result<Fd> file{};
    if (options.file != "-") file = open_input(options.file);
    if (!file) {
        complain(context, file.error().text());
        return exit_io;
    }

    auto client = open_session(context);
    if (!client) return client.error();
    LineSource lines{*file ? file->get() : context.streams.in, wire::max_body_bytes};
    MapOptions wanted{.request = *request,
                      .workers = workers_of(*client, options.call.target),
                      .unordered = options.unordered,
                      .keep_going = options.keep_going};
    if (*chunk) wanted.chunk = static_cast<std::uint32_t>(**chunk);
    return Mapper{context, *client, lines, wanted}.run();
}

Action declare(OptionSet& set, const Context& context) {
    const auto options = std::make_shared<Options>();
    declare_target(set, options->call);
    set.argument("FILE", options->file, "the lines; - or nothing: the standard input");
    declare_options(set, options->call);
    set.option("--chunk", options->chunk, "N", "send up to so many lines at once (1 to 4096; without it 256)");
    set.flag("--unordered", options->unordered, "write each result as soon as it is there");
    set.flag("--keep-going", options->keep_going, "report lines that fail and go on");
    return [options, &context] { return map(context, *options); };
}

}  // namespace

Command map_command() { return {"map", "make one call for each line of input", help_text, declare}; }

}  // namespace caisson::cli
