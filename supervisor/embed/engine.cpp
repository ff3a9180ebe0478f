// SPDX-License-Identifier: Apache-2.0
#include "embed/engine.hpp"

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/system.hpp"
#include "base/text.hpp"
#include "embed/helm.hpp"
#include "embed/local_door.hpp"
#include "embed/threads.hpp"
#include "settings/find.hpp"

namespace caisson {
namespace {

using std::filesystem::path;

/// Lines of output that wait for a slow callback; beyond it they are dropped.
constexpr std::size_t output_lines_waiting = 5'000;

/// What was said, else the environment, else what the package says, else what stands beside this program.
path choose(const path& said, const char* variable, const path& built_in, const path& beside) {
    if (!said.empty()) return said;
    if (const char* const value = std::getenv(variable); value != nullptr && *value != '\0') return value;
    std::error_code error;
    if (!built_in.empty() && std::filesystem::exists(built_in, error)) return built_in;
    return beside;
}

}  // namespace

namespace detail {

struct EngineCore::State {
    State(EngineOptions said, const Places& places)
        : options(std::move(said)),
          program_dir(choose(options.program_dir, "CAISSON_PROGRAM_DIR", places.program_dir, sys::helper_dir())),
          plugin_dir(choose(options.plugin_dir, "CAISSON_PLUGIN_DIR", places.plugin_dir,
                            settings::default_plugin_dir(settings::this_process(), program_dir))),
          inbox([this](bool rouse) {
              loop.post([this] { inbox.carry_out(); });
              if (rouse) helm.rouse();
          }) {
        output_rules.plugin_lines = options.on_output ? 100'000 : 0;
    }

    void run() {
        dispatcher.emplace(dispatch::Dispatcher::Surroundings{
            .loop = loop,
            .log = log,
            .program_dir = program_dir,
            .report_dir = options.report_dir,
            .output_rules = output_rules,
            .on_output =
                options.on_output ? fleet::Worker::OutputSink{[this](auto... line) { on_output(line...); }} : nullptr,
            .on_change = [this](fleet::Crew& crew, const fleet::Death* death) { on_change(crew, death); }});
        helm.run([this] { return idle(); });
        dispatcher.reset();
    }
    [[nodiscard]] bool idle() const { return dispatcher && dispatcher->outstanding() == 0; }

    void on_output(std::string_view pool, std::uint32_t worker, std::uint64_t call, std::string_view stream,
                   std::string_view line) {
        if (callbacks->waiting() >= output_lines_waiting) return;
        OutputLine told{.pool = std::string{pool},
                        .worker = worker,
                        .call = call,
                        .error = stream == "stderr",
                        .text = std::string{line}};
        callbacks->post(output_scope, "on_output", [sink = options.on_output, told = std::move(told)] { sink(told); });
    }

    void on_change(fleet::Crew& crew, const fleet::Death* death) {
        const auto door = doors.find(crew.name());
        if (door != doors.end()) door->second->on_change(crew, death);
    }

    EngineOptions options;
    path program_dir;
    path plugin_dir;
    settings::Log output_rules;
    Loop loop;
    embed::Helm helm{loop};
    Log log = Log::silent();
    embed::Inbox inbox;
    std::shared_ptr<embed::Callbacks> callbacks = std::make_shared<embed::Callbacks>();
    std::shared_ptr<embed::CallbackScope> output_scope =
        std::make_shared<embed::CallbackScope>([](const std::exception_ptr&) {});  // nobody joins it
    std::map<std::string, embed::LocalDoor*, std::less<>> doors;
    std::optional<dispatch::Dispatcher> dispatcher;  // made and destroyed on the thread
    std::thread thread;
};

EngineCore::EngineCore(EngineOptions options, const Places& places)
    : state_(std::make_unique<State>(std::move(options), places)) {
    std::error_code error;
    if (!std::filesystem::exists(state_->program_dir / "caisson-keeper", error))
        throw PoolError(cat("there is no caisson-keeper in ", in_quotes(state_->program_dir.native()),
                            ": set EngineOptions::program_dir or CAISSON_PROGRAM_DIR to where it is"));
    state_->thread = embed::quiet_thread([state = state_.get()] { state->run(); });
}

EngineCore::~EngineCore() {
    if (!owner_.here()) {
        static_cast<void>(state_.release());  // its threads are not in this process
        return;
    }
    if (!state_->thread.joinable()) return;
    state_->inbox.push([state = state_.get()] {
        state->inbox.close();
        state->dispatcher->stop(Clock::now(), [state] { state->loop.stop(); });
    });
    state_->thread.join();
    flush_output();
}

void EngineCore::flush_output() {
    if (!state_->callbacks->on_this_thread()) state_->output_scope->wait_idle();
}

const path& EngineCore::plugin_dir() const { return state_->plugin_dir; }
const std::shared_ptr<embed::Callbacks>& EngineCore::callbacks() const { return state_->callbacks; }
bool EngineCore::push(embed::Inbox::Order order) { return state_->inbox.push(std::move(order)); }
bool EngineCore::push_when_room(embed::Inbox::Order order, bool rouse) {
    return state_->inbox.push_when_room(std::move(order), rouse);
}
bool EngineCore::drive(const std::function<bool()>& done, TimePoint latest) {
    return state_->helm.drive(done, latest, [this] { return state_->idle(); });
}
void EngineCore::rouse() { state_->helm.rouse(); }
void EngineCore::offer_helm() { state_->helm.offer(); }
dispatch::Dispatcher& EngineCore::dispatcher() { return *state_->dispatcher; }
Loop& EngineCore::loop() { return state_->loop; }

std::string EngineCore::add(embed::LocalDoor& door, settings::Pool settings) {
    const auto wanted = settings.name;
    for (int number = 2; dispatcher().find(settings.name) != nullptr; ++number)
        settings.name = cat(wanted, "-", number);
    state_->doors[settings.name] = &door;
    dispatcher().add_pool(settings);
    return settings.name;
}

void EngineCore::remove(embed::LocalDoor& door) {
    std::erase_if(state_->doors, [&](const auto& entry) { return entry.second == &door; });
}

}  // namespace detail

Engine::Engine(EngineOptions options, const detail::Places& places) try
    : core_(std::make_shared<detail::EngineCore>(std::move(options), places)) {
} catch (const std::runtime_error& error) {  // no thread or descriptor is left
    throw PoolError(cat("the engine cannot be started: ", error.what()));
}

void print_output(const OutputLine& line) {
    std::FILE* const stream = line.error ? stderr : stdout;
    std::fprintf(stream, "%s\n", printable(line.text).c_str());
    std::fflush(stream);
}

}  // namespace caisson
