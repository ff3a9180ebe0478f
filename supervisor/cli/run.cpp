// SPDX-License-Identifier: Apache-2.0
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <optional>

#include "base/suggest.hpp"
#include "base/text.hpp"
#include "cli/cli.hpp"
#include "cli/command.hpp"
#include "cli/option_set.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view summary =
    "Caisson runs native plugins in processes of their own: when one crashes, only the call it was running fails.";

constexpr std::string_view closing = R"(Clients find the service by --socket, else $CAISSON_SOCKET, else
$XDG_RUNTIME_DIR/caisson/caisson.sock, else, and for root, /run/caisson/caisson.sock.

Exit codes: 0 ok, 1 the plugin returned an error, 2 wrong usage, 3 no supervisor,
  4 the plugin crashed, 5 timed out, 6 refused, 7 invalid configuration or plugin,
  8 cancelled, 9 input or output failed.

Examples:
  caisson serve &
  caisson call math.square 7
  seq 5 | caisson map math.square
  caisson COMMAND --help)";

class HelpFormatter : public CLI::Formatter {
   public:
    HelpFormatter() {
        label("OPTIONS", "OPTION...");
        label("SUBCOMMAND", "COMMAND");
        label("Positionals", "Arguments");
        column_width(24);
    }

    std::string make_description(const CLI::App* app) const override { return cat(app->get_description(), "\n\n"); }

    // The options of every command stand in each one's help.
    std::string make_subcommands(const CLI::App* app, CLI::AppFormatMode mode) const override {
        if (app->get_parent() == nullptr) return Formatter::make_subcommands(app, mode);
        std::string out;
        for (const auto* name : {"--socket", "--json"}) out += make_option(app->get_parent()->get_option(name), false);
        return out;
    }
};

/// The parser, and what each subcommand does once it was parsed.
class CommandLine {
   public:
    explicit CommandLine(Context& context) : app_(std::string{summary}, "caisson") {
        app_.formatter(std::make_shared<HelpFormatter>());
        app_.option_defaults()->group("Options");
        app_.set_help_flag("-h,--help", "print this and exit");
        app_.add_option("--socket", context.socket, "the service's socket")->option_text("PATH");
        app_.add_flag("--json", context.json, "print JSON");
        app_.add_flag("--version", version_, "print the version and exit");
        app_.footer(std::string{closing});
        app_.require_subcommand(0, 1);
        app_.allow_extras();
        for (const auto& command : commands()) {
            CLI::App* sub = app_.add_subcommand(std::string{command.name}, std::string{command.summary});
            sub->group("Commands");
            sub->footer(std::string{command.help});
            sub->fallthrough();
            sub->allow_extras();
            OptionSet set{*sub};
            actions_.push_back(command.declare(set, context));
            parsers_.push_back(sub);
        }
    }

    int run(const Context& context, std::vector<std::string> arguments) {
        std::ranges::reverse(arguments);  // CLI11 takes them from the back
        try {
            app_.parse(std::move(arguments));
        } catch (const CLI::CallForHelp&) {
            const auto chosen = this->chosen();
            const QuietPipes quiet;
            return print(context, chosen ? help_of(*chosen) : app_.help());
        } catch (const CLI::ParseError& error) {
            return parse_failed(context, error);
        }
        if (version_) return print(context, "caisson " CAISSON_VERSION "\n");
        if (const auto code = judge_extras(context)) return *code;
        const auto index = chosen();
        if (!index) return nothing_chosen(context);
        return act(*index);
    }

   private:
    // Our own doors print and handle signals for themselves; everything else talks to a service and to pipes.
    int act(std::size_t index) const {
        const auto name = commands()[index].name;
        if (name == "serve" || name == "check") return actions_[index]();
        const QuietPipes quiet;
        return actions_[index]();
    }

    [[nodiscard]] std::optional<std::size_t> chosen() const {
        const auto found = std::ranges::find_if(parsers_, [](const CLI::App* app) { return app->parsed(); });
        if (found == parsers_.end()) return std::nullopt;
        return static_cast<std::size_t>(found - parsers_.begin());
    }
    [[nodiscard]] std::string_view chosen_name() const {
        const auto index = chosen();
        return index ? commands()[*index].name : std::string_view{};
    }
    [[nodiscard]] std::string help_of(std::size_t index) const { return parsers_[index]->help("caisson"); }

    int parse_failed(const Context& context, const CLI::ParseError& error) const {
        // What was typed may have gone wrong before what CLI11 stumbled over: a misspelt option is the likelier cause
        // of a missing argument.
        if (const auto code = judge_extras(context)) return *code;
        return usage_error(context, chosen_name(), printable(error.what()));
    }

    // Words that nobody took: a command or an option that there is not.
    std::optional<int> judge_extras(const Context& context) const {
        const auto index = chosen();
        auto extras = app_.remaining();
        if (index) {
            const auto of_command = parsers_[*index]->remaining();
            extras.insert(extras.end(), of_command.begin(), of_command.end());
        }
        std::erase(extras, "--");  // CLI11 lists the mark before what is not an option as well
        if (extras.empty()) return std::nullopt;
        const auto& extra = extras.front();
        const bool option = extra.starts_with('-') && extra != "-";
        if (option) return unknown(context, "option", extra, options_known(index), chosen_name());
        if (index)
            return usage_error(context, chosen_name(), cat("\"", printable(extra), "\" is one argument too many"));
        return unknown(context, "command", extra, command_names(), {});
    }

    int unknown(const Context& context, std::string_view what, const std::string& word,
                const std::vector<std::string>& known, std::string_view command) const {
        const auto near = nearest(word.substr(0, word.find('=')), known);
        return usage_error(context, command,
                           cat("unknown ", what, " \"", printable(word), '"',
                               near ? cat("; did you mean ", *near, "?") : std::string{}));
    }

    [[nodiscard]] std::vector<std::string> command_names() const {
        std::vector<std::string> names;
        for (const auto& command : commands()) names.emplace_back(command.name);
        return names;
    }
    [[nodiscard]] std::vector<std::string> options_known(std::optional<std::size_t> index) const {
        std::vector<std::string> names;
        const auto add = [&](const CLI::App& app) {
            for (const auto* option : app.get_options())
                for (const auto& name : option->get_lnames()) names.push_back(cat("--", name));
        };
        add(app_);
        if (index) add(*parsers_[*index]);
        return names;
    }

    int nothing_chosen(const Context& context) const {
        say(context.streams.err, app_.help());
        return exit_usage;
    }

    CLI::App app_;
    bool version_ = false;
    std::vector<Action> actions_;
    std::vector<CLI::App*> parsers_;
};

}  // namespace

int run(std::vector<std::string> arguments, const Doors& doors, Streams streams) {
    Context context{.doors = doors, .streams = streams, .socket = {}, .json = false};
    return CommandLine{context}.run(context, std::move(arguments));
}

int run(int argc, char** argv, const Doors& doors) { return run({argv + std::min(argc, 1), argv + argc}, doors); }

}  // namespace caisson::cli
