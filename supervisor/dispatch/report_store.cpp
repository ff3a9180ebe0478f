// SPDX-License-Identifier: Apache-2.0
#include "dispatch/report_store.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

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

}  // namespace

ReportStore::ReportStore(Log& log, std::filesystem::path dir, std::uint32_t count)
    : log_(log), dir_(std::move(dir)), count_(count) {
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

ReportStore::~ReportStore() = default;

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
        std::error_code error;
        if (job.text) {
            const auto unfinished = job.path.native() + ".new";
            if (std::ofstream file{unfinished, std::ios::binary}; file << *job.text << std::flush)
                std::filesystem::rename(unfinished, job.path, error);
        } else {
            std::filesystem::remove(job.path, error);
        }
        lock.lock();
    }
}

}  // namespace caisson::dispatch
