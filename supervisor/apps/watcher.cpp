// SPDX-License-Identifier: Apache-2.0
#include "apps/watcher.hpp"

#include <algorithm>
#include <deque>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace caisson::apps {
namespace {

namespace fs = std::filesystem;

void put_before(std::deque<std::string>& parts, const fs::path& path) {
    std::vector<std::string> before;
    for (const auto& part : path.relative_path()) before.push_back(part.native());
    parts.insert(parts.begin(), before.begin(), before.end());
}

bool is_library(std::string_view name) { return name.ends_with(".so") && !name.starts_with('.'); }

}  // namespace

std::vector<std::pair<fs::path, std::string>> way_to(const fs::path& file) {
    std::vector<std::pair<fs::path, std::string>> way;
    std::deque<std::string> parts;
    put_before(parts, file);
    fs::path here = file.root_path();
    for (int links = 0; !parts.empty();) {
        const auto part = std::move(parts.front());
        parts.pop_front();
        if (part.empty() || part == ".") continue;
        if (part == "..") {
            here = here.parent_path();
            continue;
        }
        std::error_code error;
        const auto target = fs::read_symlink(here / part, error);
        if (!error) {
            way.emplace_back(here, part);
            if (++links > limits::links_on_a_way) break;
            if (target.is_absolute()) here = target.root_path();
            put_before(parts, target);
            continue;
        }
        if (parts.empty()) way.emplace_back(here, part);
        here /= part;
    }
    return way;
}

Watcher::Watcher(Loop& loop, Log& log, std::function<void(News)> on_settled)
    : loop_(loop),
      log_(log),
      on_settled_(std::move(on_settled)),
      folders_(loop, [this](const FolderWatch::Event& event) { on_event(event); }),
      settle_timer_(loop.timer()),
      retry_delay_(limits::watch_retry_min),
      retry_timer_(loop.timer()) {}

void Watcher::watch(const Targets& targets, Duration settle) {
    targets_ = targets;
    settle_.set_quiet(settle);
    watch_folders();
}

void Watcher::stop() {
    watch({}, Duration::zero());
    settle_timer_.cancel();
    retry_timer_.cancel();
    settle_.done();
    unfinished_.clear();
}

void Watcher::add(const fs::path& file, News whose) {
    if (file.empty()) return;
    for (const auto& [folder, name] : way_to(file)) {
        auto& interest = interests_[folder][name];
        interest.configuration |= whose.configuration;
        interest.libraries |= whose.libraries;
    }
}

void Watcher::watch_folders() {
    interests_.clear();
    add(targets_.configuration, {.configuration = true});
    add(targets_.plugin_dir, {.libraries = true});
    for (const auto& library : targets_.libraries) add(library, {.libraries = true});
    std::set<fs::path> folders;
    if (!targets_.plugin_dir.empty()) folders.insert(targets_.plugin_dir);
    for (const auto& [folder, names] : interests_)
        if (folders.size() < limits::watched_folders) folders.insert(folder);

    auto missing = folders_.watch(folders);
    for (const auto& [folder, error] : missing)
        if (!missing_.contains(folder))
            log_.event("folder_unwatched", LogLevel::warn, "a folder cannot be watched",
                       {{"folder", folder.native()}, {"why", error.what}});
    missing_ = std::move(missing);
    if (missing_.empty()) {
        retry_timer_.cancel();
        retry_delay_ = limits::watch_retry_min;
    } else if (!retry_timer_.armed()) {
        retry_timer_.arm_after(retry_delay_, [this] {
            retry_delay_ = std::min<Duration>(retry_delay_ * 2, limits::watch_retry_max);
            const auto before = missing_.size();
            watch_folders();
            if (missing_.size() < before) note({.configuration = true, .libraries = true});
        });
    }
}

std::vector<std::string> Watcher::problems() const {
    std::vector<std::string> list;
    list.reserve(missing_.size());
    for (const auto& [folder, error] : missing_)
        list.push_back(cat("the folder ", in_quotes(folder.native()), " cannot be watched: ", error.what));
    return list;
}

Watcher::News Watcher::meaning_of(const FolderWatch::Event& event) const {
    if (event.what == FolderWatch::What::lost || event.what == FolderWatch::What::gone) return {true, true};
    News meaning;
    if (event.folder == targets_.plugin_dir && (is_library(event.name) || event.name.empty())) meaning.libraries = true;
    const auto folder = interests_.find(event.folder);
    if (folder == interests_.end()) return meaning;
    const auto name = folder->second.find(event.name);
    if (name == folder->second.end()) return meaning;
    return {name->second.configuration, meaning.libraries || name->second.libraries};
}

void Watcher::on_event(const FolderWatch::Event& event) {
    using What = FolderWatch::What;
    const bool in_plugin_dir = event.folder == targets_.plugin_dir;
    if (event.what == What::begun) {
        if (in_plugin_dir && is_library(event.name)) unfinished_.emplace(event.name);
        return;
    }
    const std::string name{event.name};
    if (event.what == What::touched && in_plugin_dir && unfinished_.contains(name)) return;
    if (event.what == What::changed && in_plugin_dir) unfinished_.erase(name);
    if (event.what == What::lost || event.what == What::gone) unfinished_.clear();
    note(meaning_of(event));
}

void Watcher::note(News news) {
    if (!news.configuration && !news.libraries) return;
    news_.configuration |= news.configuration;
    news_.libraries |= news.libraries;
    settle_.note(Clock::now());
    settle_timer_.arm_at(*settle_.due(), [this] { settled(); });
}

void Watcher::settled() {
    settle_.done();
    const auto news = std::exchange(news_, {});
    watch_folders();  // links may lead elsewhere now
    on_settled_(news);
}

}  // namespace caisson::apps
