// SPDX-License-Identifier: Apache-2.0
#include "dispatch/report_store.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace caisson::dispatch {
namespace {

using nlohmann::json;

constexpr std::string_view suffix = ".json";

std::string to_text(json report) {
    const auto dump = [&] { return report.dump(2, ' ', false, json::error_handler_t::replace) + "\n"; };
    auto text = dump();
    // The parts that can be long go first; what is left has bounds of its own.
    for (const char* const part : {"output", "stack"}) {
        if (text.size() <= limits::report_file_bytes) break;
        report[part] = json::array();
        text = dump();
    }
    return text;
}

/// Nobody sees half a report, and what cannot be finished leaves nothing behind. 0, or errno.
int write_whole(const std::filesystem::path& path, const std::string& text) {
    const auto unfinished = path.native() + ".new";
    errno = 0;
    std::error_code error;
    if (std::ofstream file{unfinished, std::ios::binary}; file << text << std::flush) {
        std::filesystem::rename(unfinished, path, error);
        return error.value();
    }
    const int number = errno == 0 ? EIO : errno;
    std::filesystem::remove(unfinished, error);
    return number;
}

}  // namespace

ReportStore::ReportStore(Loop& loop, Log& log, std::filesystem::path dir, std::uint32_t count)
    : loop_(loop), log_(log), dir_(std::move(dir)), count_(count) {
    if (dir_.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(dir_, error);
    std::filesystem::permissions(dir_, std::filesystem::perms::owner_all, error);
    if (error) {
        log_.warn("crash reports are kept in memory only", {{"dir", dir_.native()}, {"error", error.message()}});
        dir_.clear();
        return;
    }
    read_again();
    writer_ = std::jthread{[this](const std::stop_token& stop) { write_jobs(stop); }};
}

ReportStore::~ReportStore() { *alive_ = false; }

void ReportStore::read_again() {
    if (dir_.empty()) return;
    std::error_code error;
    std::set<std::string> known;
    for (const auto& entry : entries_) known.insert(entry.id);
    for (const auto& file : std::filesystem::directory_iterator(dir_, error)) {
        if (known.contains(file.path().stem().string())) continue;
        if (file.path().extension() != suffix || !file.is_regular_file(error)) continue;
        if (file.file_size(error) > limits::report_file_bytes) continue;
        std::ostringstream text;
        text << std::ifstream(file.path()).rdbuf();
        if (json::accept(text.str())) entries_.push_back({file.path().stem().string(), text.str()});
    }
    std::ranges::sort(entries_, {}, &Entry::id);
    trim();
}

void ReportStore::add(std::string id, const json& report) {
    auto text = to_text(report);
    if (!dir_.empty()) enqueue({dir_ / cat(id, suffix), text});
    entries_.push_back({std::move(id), std::move(text)});
    trim();
}

void ReportStore::trim() {
    while (entries_.size() > count_) {
        if (!dir_.empty()) enqueue({dir_ / cat(entries_.front().id, suffix), std::nullopt});
        entries_.pop_front();
    }
}

json ReportStore::list() const {
    auto list = json::array();
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
        const auto report = json::parse(entry->text, nullptr, false);
        json item = json::object();
        for (const char* const key : {"report", "time", "pool", "method", "call", "worker", "exit", "message"})
            if (report.contains(key)) item[key] = report[key];
        list.push_back(std::move(item));
    }
    return list;
}

std::optional<std::string> ReportStore::find(std::string_view prefix) const {
    const auto begins = [&](const Entry& entry) { return entry.id.starts_with(prefix); };
    auto found = std::ranges::find(entries_, prefix, &Entry::id);
    if (found == entries_.end()) {
        found = std::ranges::find_if(entries_, begins);
        if (found == entries_.end() || std::ranges::count_if(entries_, begins) > 1) return std::nullopt;
    }
    return found->text;
}

void ReportStore::enqueue(Job job) {
    const std::lock_guard lock{mutex_};
    // A file that was not written yet need not be removed: both jobs go, so that on a slow disk there are never more
    // than `count_` to write and as many to remove.
    if (!job.text && std::erase_if(jobs_, [&](const Job& other) { return other.path == job.path; }) > 0) return;
    jobs_.push_back(std::move(job));
    wake_.notify_one();
}

void ReportStore::write_jobs(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (wake_.wait(lock, stop, [this] { return !jobs_.empty(); }) || !jobs_.empty()) {
        const auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        if (job.text) {
            const int number = write_whole(job.path, *job.text);
            loop_.post([this, alive = alive_, number] {
                if (*alive) note_written(number);
            });
        } else {
            std::error_code error;
            std::filesystem::remove(job.path, error);
        }
        lock.lock();
    }
}

// A full disk stays full for a while: it is said when it begins, and when it is over.
void ReportStore::note_written(int number) {
    if (std::exchange(written_, number == 0) == (number == 0)) return;
    if (number == 0)
        log_.event("reports_written", LogLevel::info, "crash reports are written again", {{"dir", dir_.native()}});
    else
        log_.event("reports_not_written", LogLevel::error, "crash reports are kept in memory only",
                   {{"dir", dir_.native()}, {"error", std::generic_category().message(number)}});
}

}  // namespace caisson::dispatch
