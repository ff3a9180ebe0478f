// SPDX-License-Identifier: Apache-2.0
#include "dispatch/symbols.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/limits.hpp"
#include "base/system.hpp"
#include "base/text.hpp"

namespace caisson::dispatch {
namespace {

using fleet::StackAddress;
using nlohmann::json;

/// Bytes of one answer; a stack with many inlined places fills a tenth.
constexpr std::size_t max_answer_bytes = 1024 * 1024;
/// Bytes of one read of it.
constexpr std::size_t answer_read_bytes = 16 * 1024;
/// Where the symbolizer finds the image of a library, after input, output and errors.
constexpr int image_descriptor = 3;
/// Bytes of one name or path.
constexpr std::size_t max_symbol_bytes = 1024;

/// The worker's own program: below its first frame there is nothing that a plugin's author wants to see.
constexpr std::string_view worker_module = "caisson-worker";

std::string base_name(const std::string& path) { return std::filesystem::path{path}.filename().string(); }

StackPlace unresolved(const StackAddress& place) {
    return {.function = {}, .file = {}, .line = 0, .module = base_name(place.module), .offset = place.offset};
}

/// Code that stands between the worker and the plugin's own: the C++ face, and what of the standard library it uses.
bool is_glue(const StackPlace& place) {
    return place.file.find("include/caisson/") != std::string::npos || place.file.starts_with("/usr/include/");
}

// What follows the plugin's outermost own function is how it was called, and the same in every report.
void trim_glue(std::vector<StackPlace>& places) {
    const auto own = [](const StackPlace& place) { return !place.file.empty() && !is_glue(place); };
    const auto last = std::find_if(places.rbegin(), places.rend(), own);
    if (last != places.rend()) places.erase(last.base(), places.end());
}

std::string text_of(const json& item, const char* key) {
    const auto found = item.find(key);
    if (found == item.end() || !found->is_string()) return {};
    return printable(cut(found->get_ref<const std::string&>(), max_symbol_bytes));
}

StackPlace place_from(const json& item, const StackAddress& asked) {
    auto place = unresolved(asked);
    place.function = text_of(item, "function");
    place.file = text_of(item, "file");
    const auto line = item.find("line");
    if (line != item.end() && line->is_number_unsigned()) place.line = line->get<std::uint32_t>();
    return place;
}

}  // namespace

struct Symbols::Job {
    Stack stack;
    std::vector<std::size_t> asked;  // the addresses of the stack that are asked for, each place once
    Done done;
    std::uint64_t process = 0;
    Fd answer;
    Loop::Watch watch;
    Loop::Timer patience;
    std::string text;
};

// The first address is where the fault was; the others are where calls will return to, one past the call. The path
// comes from a black box: it is compared, never opened by this process.
std::string Symbols::Stack::key(std::size_t i) const {
    return cat(stamp, ":", addresses[i].module, i == 0 ? "!" : "@", addresses[i].offset);
}

Symbols::Symbols(Loop& loop, Log& log, fleet::KeeperLink& keeper) : loop_(loop), log_(log), keeper_(keeper) {}
Symbols::~Symbols() = default;

void Symbols::resolve(std::vector<StackAddress> addresses, std::string stamp, fleet::LibraryRef library, Done done) {
    const auto host = std::ranges::find(addresses, worker_module, &StackAddress::module);
    if (host != addresses.begin()) addresses.erase(host, addresses.end());
    Stack stack{std::move(addresses), std::move(stamp), std::move(library)};
    if (known(stack) || queue_.size() >= limits::symbolize_queue) return done(assemble(stack));
    auto job = std::make_unique<Job>();
    job->stack = std::move(stack);
    job->done = std::move(done);
    queue_.push_back(std::move(job));
    if (!job_) start_next();
}

bool Symbols::known(const Stack& stack) const {
    for (std::size_t i = 0; i < stack.addresses.size(); ++i)
        if (!stack.addresses[i].module.empty() && !cache_.contains(stack.key(i))) return false;
    return true;
}

std::vector<StackPlace> Symbols::assemble(const Stack& stack) const {
    std::vector<StackPlace> places;
    for (std::size_t i = 0; i < stack.addresses.size(); ++i) {
        const auto found = cache_.find(stack.key(i));
        if (found == cache_.end())
            places.push_back(unresolved(stack.addresses[i]));
        else
            places.insert(places.end(), found->second.begin(), found->second.end());
    }
    trim_glue(places);
    return places;
}

void Symbols::start_next() {
    while (!queue_.empty()) {
        job_ = std::move(queue_.front());
        queue_.pop_front();
        if (known(job_->stack)) {  // an earlier job of the same place has answered it
            finish();
            continue;
        }
        if (start_process()) return;
        finish();
    }
}

bool Symbols::start_process() {
    std::unordered_set<std::string> keys;
    for (std::size_t i = 0; i < job_->stack.addresses.size(); ++i) {
        const auto key = job_->stack.key(i);
        if (!job_->stack.addresses[i].module.empty() && !cache_.contains(key) && keys.insert(key).second)
            job_->asked.push_back(i);
    }
    json request{{"frames", json::array()}};
    const auto& library = job_->stack.library;
    const bool image = library && library->image;
    if (image) request["image"] = {{"module", library->path.native()}, {"descriptor", image_descriptor}};
    for (const auto i : job_->asked) {
        const auto& address = job_->stack.addresses[i];
        request["frames"].push_back(
            {{"module", address.module}, {"offset", address.offset}, {"return_address", i != 0}});
    }
    const auto text = request.dump(-1, ' ', false, json::error_handler_t::replace);
    auto question = sys::pipe();
    auto answer = sys::pipe();
    const Fd null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    if (!question || !answer || !null) return false;
    if (!sys::set_nonblocking(answer->first.get()) || !sys::set_nonblocking(question->second.get())) return false;
    // A black box's frames are some 20 KiB of JSON, a new pipe takes 64 KiB: it fits, or we do without.
    if (::write(question->second.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return false;

    std::vector<int> descriptors{question->first.get(), answer->second.get(), null.get()};
    if (image) descriptors.push_back(library->image.get());
    const auto process = keeper_.spawn(
        {.program = keeper::Program::symbolizer,
         .arguments = {"caisson-symbolizer"},
         .environment = {"LANG=C.UTF-8"},
         .descriptors = std::move(descriptors)},
        {.on_spawned = [](pid_t, Fd) {}, .on_failed = [](int) {}, .on_ended = [](const fleet::KeeperLink::Ended&) {}});
    if (!process) {
        log_.warn("cannot resolve a stack", {{"error", process.error().text()}});
        return false;
    }
    job_->process = *process;
    job_->answer = std::move(answer->first);
    job_->watch = loop_.watch(job_->answer.get());
    job_->watch.on_readable([this] { read_answer(); });
    job_->patience = loop_.timer();
    job_->patience.arm_after(limits::symbolize_patience, [this] {
        log_.warn("a stack was not resolved in time", {});
        next();
    });
    return true;
}

void Symbols::read_answer() {
    std::array<char, answer_read_bytes> bytes;
    while (true) {
        const auto got = ::read(job_->answer.get(), bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got > 0) job_->text.append(bytes.data(), static_cast<std::size_t>(got));
        if (got > 0 && job_->text.size() <= max_answer_bytes) continue;
        if (got == 0) learn(*job_);
        return next();
    }
}

void Symbols::next() {
    keeper_.signal(job_->process, SIGKILL);  // it has ended, or it had its time
    finish();
    start_next();
}

void Symbols::finish() {
    const auto job = std::exchange(job_, nullptr);
    auto places = assemble(job->stack);
    job->watch = {};
    job->done(std::move(places));
}

// Each frame asked for has one answer, after the places that were inlined into it.
void Symbols::learn(const Job& job) {
    const auto document = json::parse(job.text, nullptr, false);
    const auto frames = document.is_object() ? document.find("frames") : document.end();
    if (frames == document.end() || !frames->is_array()) return;
    auto asked = job.asked.begin();
    std::vector<StackPlace> places;
    for (const auto& item : *frames) {
        if (!item.is_object() || asked == job.asked.end()) return;
        places.push_back(place_from(item, job.stack.addresses[*asked]));
        if (item.contains("inlined")) continue;
        remember(job.stack.key(*asked), std::exchange(places, {}));
        ++asked;
    }
}

void Symbols::remember(const std::string& key, std::vector<StackPlace> places) {
    if (!cache_.emplace(key, std::move(places)).second) return;
    cache_order_.push_back(key);
    if (cache_order_.size() <= limits::symbol_cache_entries) return;
    cache_.erase(cache_order_.front());
    cache_order_.pop_front();
}

}  // namespace caisson::dispatch
