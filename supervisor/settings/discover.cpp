// SPDX-License-Identifier: Apache-2.0
#include "settings/discover.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "settings/validate.hpp"

namespace caisson::settings {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffix = ".so";
constexpr std::string_view prefix = "lib";

/// Entries of a plugin folder that are looked at. Far more than pools, for libraries have companions beside them.
constexpr std::size_t max_entries = 4096;

EntryKind kind_of(mode_t mode) {
    if (S_ISREG(mode)) return EntryKind::file;
    if (S_ISDIR(mode)) return EntryKind::directory;
    if (S_ISFIFO(mode)) return EntryKind::fifo;
    return EntryKind::other;
}

bool looks_like_library(std::string_view name) {
    return name.size() > suffix.size() && name.ends_with(suffix) && !name.starts_with('.');
}

Problem problem_of(const fs::path& file, std::string what, std::string hint) {
    return {file.native(), {}, Scope::library, {}, std::move(what), std::move(hint)};
}

/// What keeps `entry` from having a pool, if anything does.
std::optional<Problem> fault_of(const fs::path& folder, const Entry& entry) {
    const fs::path file = folder / entry.name;
    if (entry.kind == EntryKind::dangling)
        return problem_of(file, "points to nothing", "correct the symbolic link or remove it");
    if (entry.kind != EntryKind::file)
        return problem_of(file, cat("is ", describe(entry.kind), ", not a library"),
                          "move it out of the plugin folder");
    if (const std::string name = pool_name_of(entry.name); !is_pool_name(name))
        return problem_of(
            file,
            cat(in_quotes(name), " is no name of a pool: it has a-z, 0-9, _ and -, at most ", bounds::pool_name_bytes),
            cat("rename it, or add [pool.", near_pool_name(name), "] with plugin = ", in_quotes(entry.name)));
    return std::nullopt;
}

}  // namespace

std::string_view describe(EntryKind kind) {
    switch (kind) {
        case EntryKind::file:
            return "a file";
        case EntryKind::directory:
            return "a directory";
        case EntryKind::fifo:
            return "a fifo";
        case EntryKind::dangling:
            return "a link to nothing";
        case EntryKind::other:
            return "a socket or a device";
    }
    return "unknown";
}

std::string pool_name_of(std::string_view file_name) {
    if (file_name.ends_with(suffix)) file_name.remove_suffix(suffix.size());
    if (file_name.starts_with(prefix) && file_name.size() > prefix.size()) file_name.remove_prefix(prefix.size());
    return std::string{file_name};
}

Discovered discover(const fs::path& folder, std::vector<Entry> entries) {
    // A folder lists in no order; the same files must get the same pools each time.
    std::ranges::sort(entries, {}, &Entry::name);
    Discovered found;
    std::map<std::string, std::vector<fs::path>> files_by_name;
    for (const Entry& entry : entries) {
        if (!looks_like_library(entry.name)) continue;
        if (auto fault = fault_of(folder, entry))
            found.problems.push_back(std::move(*fault));
        else
            files_by_name[pool_name_of(entry.name)].push_back(folder / entry.name);
    }
    for (const auto& [name, files] : files_by_name) {
        if (files.size() > 1)
            found.problems.push_back(problem_of(files.back(),
                                                cat("has the same pool name, ", name, ", as ",
                                                    files.front().filename().native(), "; neither gets a pool"),
                                                "remove or rename one of the two"));
        else if (found.libraries.size() == limits::pools)
            found.problems.push_back(problem_of(
                files.front(), cat("gets no pool: there are ", limits::pools, " already, which is the bound"),
                "remove libraries that nobody needs"));
        else
            found.libraries.push_back({name, files.front()});
    }
    std::ranges::stable_sort(found.problems, {}, &Problem::file);
    return found;
}

std::vector<fs::path> library_candidates(const fs::path& plugin, const fs::path& folder) {
    if (plugin.is_absolute()) return {plugin};
    const std::string& name = plugin.native();
    if (name.ends_with(suffix)) return {folder / name};
    return {folder / cat(prefix, name, suffix), folder / cat(name, suffix)};
}

std::optional<EntryKind> look_at(const fs::path& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) return kind_of(status.st_mode);
    if (errno == EACCES) return EntryKind::file;  // it may well be one; who opens it will say why that fails
    if (::lstat(path.c_str(), &status) == 0) return EntryKind::dangling;
    return std::nullopt;
}

Result<std::vector<Entry>> list_folder(const fs::path& folder) {
    std::error_code error;
    std::vector<Entry> entries;
    fs::directory_iterator iterator{folder, error};
    for (; !error && iterator != fs::directory_iterator{}; iterator.increment(error)) {
        if (entries.size() == max_entries)
            return fail(cat("plugin folder ", in_quotes(folder.native()), " has more than ", max_entries, " entries"),
                        "name a folder that holds plugins only");
        // An entry that went away since it was listed is no entry.
        if (const auto kind = look_at(iterator->path())) entries.push_back({iterator->path().filename(), *kind});
    }
    if (error) {
        auto failure = fail_errno(cat("plugin folder ", in_quotes(folder.native()), " cannot be read"), error.value());
        failure.error().hint = "create it, or name another with plugin_dir in [service]";
        return failure;
    }
    std::ranges::sort(entries, {}, &Entry::name);
    return entries;
}

}  // namespace caisson::settings
