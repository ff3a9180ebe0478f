// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/limits.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "fleet/setup.hpp"
#include "fleet/worker.hpp"

namespace caisson::fleet {
namespace {

constexpr const char* zygote_has_threads =
    "the plugin has started threads while it was loaded, and no copy would have them";

}  // namespace

void Worker::spawn() {
    spawned_ = Clock::now();
    if (auto ordered = try_spawn(); !ordered) {
        around_.loop.post([this, alive = alive_, error = ordered.error()] {
            if (*alive) die({.kind = Exit::Kind::setup_failed, .step = "spawn", .why = error.text()});
        });
        return;
    }
    give_time(pool_.limits.start_timeout, [this] {
        const auto step = box_ ? word(box_->step()) : std::string_view{"spawn"};
        kill(Exit::Kind::setup_failed, cat("not ready after ", pool_.limits.start_timeout.count(),
                                           " ms (limits.start_timeout), it was at: ", step));
    });
}

Result<void> Worker::try_spawn() {
    auto box = Box::make();
    if (!box) return std::unexpected(box.error());
    auto socket = sys::socket_pair(SOCK_STREAM);
    if (!socket) return std::unexpected(socket.error());
    auto out = sys::pipe();
    if (!out) return std::unexpected(out.error());
    auto err = sys::pipe();
    if (!err) return std::unexpected(err.error());
    const Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!null) return fail_errno("/dev/null", errno);
    for (const int descriptor : {socket->first.get(), out->first.get(), err->first.get()})
        if (auto set = sys::set_nonblocking(descriptor); !set) return set;

    if (auto ready = around_.keeper.ensure(); !ready) return ready;
    const auto guard = [alive = alive_](auto function) {
        return [alive, function](auto&&... arguments) {
            if (*alive) function(std::forward<decltype(arguments)>(arguments)...);
        };
    };
    KeeperLink::Spawn spawn{
        .program = birth_.zygote ? keeper::Program::zygote : keeper::Program::worker,
        .arguments = {"caisson-worker", name(), std::to_string(around_.keeper.pid())},
        .environment = environment_of(pool_),
        .descriptors = {null.get(), out->second.get(), err->second.get(), socket->second.get(), box->descriptor()}};
    if (birth_.mother == 0)
        spawn.descriptors.push_back(birth_.library && birth_.library->image ? birth_.library->image.get() : null.get());
    if (birth_.mother != 0) {
        spawn.zygote = birth_.mother;
        spawn.arguments = {name()};
        spawn.environment.clear();
    }
    auto ordered = around_.keeper.spawn(
        spawn, {.on_spawned = guard([this](pid_t pid, Fd pidfd) { on_spawned(pid, std::move(pidfd)); }),
                .on_failed = guard([this](int number) { on_not_spawned(number); }),
                .on_ended = guard([this](const KeeperLink::Ended& ended) { on_ended(ended); }),
                .on_paused = guard([this](bool paused) { on_paused(paused); })});
    if (!ordered) return std::unexpected(ordered.error());
    keeper_id_ = *ordered;
    box_ = std::move(*box);
    channel_.emplace(around_.loop, std::move(socket->first),
                     Channel::Handlers{.on_frame = [this](const wire::Frame& frame) { on_frame(frame); },
                                       .on_end = [this](const Channel::Ending& ending) { on_channel_end(ending); }});
    // A copy has it from its zygote.
    channel_->send({.type = wire::Type::setup},
                   birth_.mother != 0 ? std::string{} : setup_document(pool_, id_, birth_.library, birth_.zygote));
    stdout_ = std::move(out->first);
    stderr_ = std::move(err->first);
    stdout_watch_ = around_.loop.watch(stdout_.get());
    stdout_watch_.on_readable([this] { read_output(stdout_, stdout_lines_, "stdout", 1); });
    stderr_watch_ = around_.loop.watch(stderr_.get());
    stderr_watch_.on_readable([this] { read_output(stderr_, stderr_lines_, "stderr", 1); });
    return {};
}

void Worker::on_spawned(pid_t pid, Fd pidfd) {
    pid_ = pid;
    pidfd_ = std::move(pidfd);
    if (state_ == WorkerState::terminating || state_ == WorkerState::killing) act();  // told to end before it began
    serve();
}

void Worker::on_not_spawned(int number) {
    if (birth_.mother == 0)
        return die({.kind = Exit::Kind::setup_failed,
                    .step = "spawn",
                    .why = fail_errno("cannot start caisson-worker", number).error().what});
    // A zygote that goes takes with it what it had not begun; its own end is what counts. With threads it goes on, and
    // the pool without it.
    const bool threads = number == EBUSY;
    const bool gone = number == ECHILD || number == ESRCH || number == EPIPE || number == ECONNRESET;
    intended_ = threads || gone;
    std::string why = threads ? zygote_has_threads
                      : gone  ? "its zygote went before it was made"
                              : fail_errno("the zygote cannot make it", number).error().what;
    die({.kind = Exit::Kind::setup_failed, .step = threads ? "zygote" : "spawn", .why = std::move(why)}, intended_);
}

void Worker::on_ready(const wire::Frame& frame) {
    if (birth_.info) {
        info_ = birth_.info;
        return serve();
    }
    auto info = PluginInfo::parse(frame.head());
    if (!info) return kill(Exit::Kind::protocol_error, info.error().what);
    info_ = std::make_shared<const PluginInfo>(std::move(*info));
    serve();
}

// A quick worker is ready before the keeper's notice says who it is; nobody should see one without a pid.
void Worker::serve() {
    if (state_ != WorkerState::starting || !info_ || pid_ == 0) return;
    timer_.cancel();
    was_serving_ = true;
    enter(WorkerEvent::ready);
    owner_.on_worker_ready(*this);
}

void Worker::on_setup_failed(const wire::Frame& frame) {
    const auto said = nlohmann::json::parse(frame.head(), nullptr, false);
    const auto text = [&](const char* key) {
        const auto found = said.is_object() ? said.find(key) : said.end();
        return found != said.end() && found->is_string()
                   ? printable(cut(found->get_ref<const std::string&>(), limits::worker_text_bytes))
                   : std::string{"?"};
    };
    if (!cause_) cause_ = Exit{.kind = Exit::Kind::setup_failed, .step = text("step"), .why = text("message")};
}

}  // namespace caisson::fleet
