// SPDX-License-Identifier: Apache-2.0
/// caisson map: one call per input line.
#include <memory>

#include "cli/command.hpp"
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
whole failure. Lines are read while earlier ones are worked on, at most 1,024 ahead,
so an input may be endless, and results appear as they are ready.

The first call that fails ends the map: what stands before it is written, the error
names the line, what comes after it is given up. --keep-going reports failed lines,
passes over them, and ends with the exit code of the first.

Ctrl-C cancels what is under way; a second one does not wait for its end.

Exit codes: 0 ok, 1 the plugin returned an error, 2 wrong usage, 3 no supervisor,
  4 the plugin crashed, 5 timed out, 6 refused, 8 cancelled, 9 input or output failed.

Examples:
  seq 100000 | caisson map math.square > squares.txt
  caisson map digest.sha256 names.txt --unordered
  caisson map math.square numbers.txt --keep-going --json | grep -v '"ok"')";

struct Options {
    std::string target;
    std::string file = "-";
    std::string params;
    std::string timeout;
    bool unordered = false;
    bool keep_going = false;
};

int map(const Context& context, const Options& options) {
    if (const auto wrong = check_target(options.target)) return usage_error(context, "map", *wrong);
    if (const auto wrong = check_params(options.params)) return usage_error(context, "map", *wrong);
    const auto timeout = parse_timeout(options.timeout);
    if (!timeout) return usage_error(context, "map", timeout.error());
    Result<Fd> file{};
    if (options.file != "-") file = open_input(options.file);
    if (!file) {
        complain(context, file.error().text());
        return exit_io;
    }

    auto client = open_session(context);
    if (!client) return client.error();
    LineSource lines{*file ? file->get() : context.streams.in, wire::max_body_bytes};
    const MapOptions wanted{.target = options.target,
                            .params = options.params,
                            .timeout = *timeout,
                            .unordered = options.unordered,
                            .keep_going = options.keep_going};
    return Mapper{context, *client, lines, wanted}.run();
}

Action declare(OptionSet& set, const Context& context) {
    const auto options = std::make_shared<Options>();
    set.argument("POOL.METHOD", options->target, "the method", OptionSet::Need::required);
    set.argument("FILE", options->file, "the lines; - or nothing: the standard input");
    set.option("--params", options->params, "JSON", "a JSON object, the same for every call");
    set.option("--timeout", options->timeout, "TIME", "of each call (500ms, 2s, 5min; 0: never)");
    set.flag("--unordered", options->unordered, "write each result as soon as it is there");
    set.flag("--keep-going", options->keep_going, "report lines that fail and go on");
    return [options, &context] { return map(context, *options); };
}

}  // namespace

Command map_command() { return {"map", "make one call for each line of input", help_text, declare}; }

}  // namespace caisson::cli
