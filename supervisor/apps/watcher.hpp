// SPDX-License-Identifier: Apache-2.0
/// Watches the files that the service stands on, and says when something of them has changed and settled.
///
/// Watched are folders: that of the configuration file, plugin_dir, those of libraries elsewhere, and those of each
/// symbolic link on the way to them, so that an editor's rename and the swap of a link are seen. A folder that is
/// missing is tried again, ever more rarely, and there is a timer only as long as one is missing or something settles.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/folder_watch.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "base/settle.hpp"

namespace caisson::apps {

/// The names that an open of `file` goes through and that may come to mean something else: each symbolic link, and the
/// file itself, with the folder that it stands in.
[[nodiscard]] std::vector<std::pair<std::filesystem::path, std::string>> way_to(const std::filesystem::path& file);

class Watcher {
   public:
    struct Targets {
        std::filesystem::path configuration;  ///< empty: there is no file
        std::filesystem::path plugin_dir;     ///< empty: not watched
        std::vector<std::filesystem::path> libraries;
    };
    /// What may have changed.
    struct News {
        bool configuration = false;
        bool libraries = false;
    };
    Watcher(Loop& loop, Log& log, std::function<void(News)> on_settled);

    void watch(const Targets& targets, Duration settle);
    void stop();
    /// What was told has not settled after all: tells it again later.
    void postpone(News news) { note(news); }
    /// Names in plugin_dir of files that are being written.
    [[nodiscard]] const std::set<std::string>& unfinished() const { return unfinished_; }
    /// Folders that cannot be watched, for people.
    [[nodiscard]] std::vector<std::string> problems() const;

   private:
    void add(const std::filesystem::path& file, News whose);
    void watch_folders();
    void on_event(const FolderWatch::Event& event);
    [[nodiscard]] News meaning_of(const FolderWatch::Event& event) const;
    void note(News news);
    void settled();

    Loop& loop_;
    Log& log_;
    std::function<void(News)> on_settled_;
    FolderWatch folders_;
    Targets targets_;
    std::map<std::filesystem::path, std::map<std::string, News, std::less<>>> interests_;
    std::map<std::filesystem::path, Error> missing_;
    std::set<std::string> unfinished_;
    News news_;
    Settle settle_{Duration::zero()};
    Loop::Timer settle_timer_;
    Duration retry_delay_;
    Loop::Timer retry_timer_;
};

}  // namespace caisson::apps
