// SPDX-License-Identifier: Apache-2.0
#include "base/folder_watch.hpp"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

namespace caisson {
namespace {

constexpr std::uint32_t asked_for = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB |
                                    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;
/// Bytes of one read: some hundred events.
constexpr std::size_t event_read_bytes = 16 * 1024;
/// Reads in one turn; a storm does not keep the loop from the others.
constexpr int reads_in_turn = 4;

/// A file that was just made has its bytes still to come, and its end of writing is told. A link, hard or symbolic, and
/// whatever else has a name now, is complete.
bool is_begun(const std::filesystem::path& file) {
    struct stat facts{};
    return ::lstat(file.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 1;
}

}  // namespace

Result<void> FolderWatch::open() {
    if (inotify_) return {};
    inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify_) return fail_errno("inotify", errno);
    watch_ = loop_.watch(inotify_.get());
    watch_.on_readable([this] { read(); });
    return {};
}

std::map<std::filesystem::path, Error> FolderWatch::watch(const std::set<std::filesystem::path>& folders) {
    std::map<std::filesystem::path, Error> failed;
    std::vector<int> gone;
    for (const auto& [folder, number] : numbers_)
        if (!folders.contains(folder)) gone.push_back(number);
    std::erase_if(numbers_, [&](const auto& entry) { return !folders.contains(entry.first); });
    std::erase_if(folders_, [&](const auto& entry) { return !folders.contains(entry.second); });
    for (const int number : gone)
        if (!folders_.contains(number)) ::inotify_rm_watch(inotify_.get(), number);
    for (const auto& folder : folders) {
        if (numbers_.contains(folder)) continue;
        if (auto opened = open(); !opened) {
            failed.emplace(folder, opened.error());
            continue;
        }
        const int number = ::inotify_add_watch(inotify_.get(), folder.c_str(), asked_for);
        if (number < 0) {
            failed.emplace(folder, fail_errno(folder.native(), errno).error());
            continue;
        }
        numbers_[folder] = number;
        folders_.emplace(number, folder);
    }
    return failed;
}

void FolderWatch::read() {
    alignas(inotify_event) std::array<char, event_read_bytes> bytes;
    for (int reads = 0; reads < reads_in_turn; ++reads) {
        const auto count = ::read(inotify_.get(), bytes.data(), bytes.size());
        if (count <= 0) return;
        for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(count);) {
            inotify_event event;
            std::memcpy(&event, bytes.data() + at, sizeof event);
            const char* const name = bytes.data() + at + sizeof event;
            at += sizeof event + event.len;
            tell(event.wd, event.mask, {name, ::strnlen(name, event.len)});
        }
    }
}

void FolderWatch::tell(int number, std::uint32_t mask, std::string_view name) {
    static const std::filesystem::path nowhere;
    if ((mask & IN_Q_OVERFLOW) != 0) return callback_({What::lost, nowhere, {}});
    if ((mask & IN_IGNORED) != 0) return forget(number);
    if ((mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) != 0) {
        ::inotify_rm_watch(inotify_.get(), number);  // if it was moved; its name may be another folder's soon
        return forget(number);
    }
    std::vector<std::filesystem::path> named;  // the callback may change what is watched
    for (auto [at, end] = folders_.equal_range(number); at != end; ++at) named.push_back(at->second);
    for (const auto& folder : named) {
        const bool begun = (mask & IN_CREATE) != 0 && is_begun(folder / name);
        const auto what = begun ? What::begun : (mask & IN_ATTRIB) != 0 ? What::touched : What::changed;
        callback_({what, folder, name});
    }
}

void FolderWatch::forget(int number) {
    std::vector<std::filesystem::path> named;
    for (auto [at, end] = folders_.equal_range(number); at != end; ++at) named.push_back(at->second);
    folders_.erase(number);
    for (const auto& folder : named) numbers_.erase(folder);
    for (const auto& folder : named) callback_({What::gone, folder, {}});
}

}  // namespace caisson
