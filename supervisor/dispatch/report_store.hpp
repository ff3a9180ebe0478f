// SPDX-License-Identifier: Apache-2.0
/// The last crash reports: in memory, and as JSON files. Bounded in number and in size; a slow disk holds up nobody.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "base/loop.hpp"

namespace caisson::dispatch {

class ReportStore {
   public:
    /// Keeps `count` reports under `dir` (made if missing; empty: in memory only), and reads those of earlier runs.
    /// What cannot be written is said in the log, once until it can be again; the reports stay in memory.
    ReportStore(Loop& loop, Log& log, std::filesystem::path dir, std::uint32_t count);
    ~ReportStore();  ///< writes what waits

    /// Reads what another process has written into the folder meanwhile.
    void read_again();
    void add(std::string id, const nlohmann::json& report);
    /// One per report, newest first: what a list needs.
    [[nodiscard]] nlohmann::json list() const;
    /// The report whose id begins with `prefix`, as text; nothing if there is none or more than one.
    [[nodiscard]] std::optional<std::string> find(std::string_view prefix) const;

   private:
    struct Entry {
        std::string id;
        std::string text;
    };
    struct Job {  // for the writer
        std::filesystem::path path;
        std::optional<std::string> text;  // nothing: remove the file
    };

    void trim();
    void enqueue(Job job);
    void write_jobs(const std::stop_token& stop);
    void note_written(int number);

    Loop& loop_;
    Log& log_;
    std::filesystem::path dir_;
    std::uint32_t count_;
    std::deque<Entry> entries_;  // oldest first

    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<Job> jobs_;
    bool written_ = true;  // the last one could be
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::jthread writer_;  // last: it uses the others
};

}  // namespace caisson::dispatch
