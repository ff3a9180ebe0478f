// SPDX-License-Identifier: Apache-2.0
/// Tells what happens to the names in some folders: which file was written to its end, came or went.
///
/// It stands on inotify(7), behind this header and nowhere else. Folders are watched and not files, for editors and
/// packages put a new file under the old name. What the kernel cannot keep count of is told as `lost`: look at
/// everything then. Used on the loop's thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/loop.hpp"
#include "base/result.hpp"

namespace caisson {

class FolderWatch {
   public:
    enum class What : std::uint8_t {
        begun,    ///< a file was made, and its bytes are still to come
        changed,  ///< a name came or went, or what it stands for was written to its end
        touched,  ///< its owner or mode changed
        gone,     ///< the folder itself is not there any more, or is another; it is not watched any more
        lost,     ///< events were lost: anything may have happened
    };
    struct Event {
        What what{};
        const std::filesystem::path& folder;  ///< as it was named in `watch`; empty if it was lost
        std::string_view name;                ///< in the folder; empty if it is the folder itself
    };
    using Callback = std::function<void(const Event&)>;

    /// The callback may change what is watched.
    FolderWatch(Loop& loop, Callback callback) : loop_(loop), callback_(std::move(callback)) {}

    /// Watches these folders and no others; those that cannot be watched are returned, with the reason.
    [[nodiscard]] std::map<std::filesystem::path, Error> watch(const std::set<std::filesystem::path>& folders);
    [[nodiscard]] std::size_t size() const { return numbers_.size(); }

   private:
    void read();
    void tell(int number, std::uint32_t mask, std::string_view name);
    void forget(int number);
    [[nodiscard]] Result<void> open();

    Loop& loop_;
    Callback callback_;
    Fd inotify_;
    Loop::Watch watch_;
    std::map<std::filesystem::path, int> numbers_;
    std::multimap<int, std::filesystem::path> folders_;  // two names of one folder have one number
};

}  // namespace caisson
