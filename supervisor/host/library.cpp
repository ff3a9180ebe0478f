// SPDX-License-Identifier: Apache-2.0
#include "host/library.hpp"

#define BOOST_DLL_USE_STD_FS
#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <exception>
#include <system_error>

#include "base/text.hpp"
#include "host/diagnose.hpp"

namespace caisson::host {
namespace {

/// What the loader said, without Boost's words around it. The throwing overloads keep it; the others lose it.
std::string loader_text(const std::system_error& error) {
    const std::string_view text = error.what();
    constexpr std::string_view before = "(dlerror system message: ";
    const auto begin = text.find(before);
    const auto end = text.rfind("): ");
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return std::string{text};
    return std::string{text.substr(begin + before.size(), end - begin - before.size())};
}

/// Who reads it knows the file, and not the descriptor that stands for it.
std::string in_words_of_path(std::string text, const std::string& name, const std::string& path) {
    if (name == path) return text;
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + path.size()))
        text.replace(at, name.size(), path);
    return text;
}

boost::dll::load_mode::type load_mode() {
    // RTLD_NODELETE has no name in Boost.DLL, which passes what it does not know to dlopen().
    return static_cast<boost::dll::load_mode::type>(boost::dll::load_mode::rtld_now |
                                                    boost::dll::load_mode::rtld_local | RTLD_NODELETE);
}

}  // namespace

std::string name_of_image(int image) { return cat("/proc/self/fd/", image); }

Result<caisson_plugin_entry_fn> load_library(const std::string& path, int image) {
    const auto name = image >= 0 ? name_of_image(image) : path;
    boost::dll::shared_library library;
    try {
        library.load(boost::dll::fs::path{name}, load_mode());
    } catch (const boost::dll::fs::system_error& error) {
        return std::unexpected(explain_loader(path, in_words_of_path(loader_text(error), name, path)));
    } catch (const std::exception& error) {
        // An exception in a static constructor gets here by luck: dlopen() is declared not to throw, and a compiler
        // that makes use of it ends the process by std::terminate() instead. The crash handler records that.
        return fail(cat(path, ": an exception left a static constructor: ", error.what()));
    } catch (...) {
        return fail(cat(path, ": an exception left a static constructor"));
    }
    if (!library.has(CAISSON_PLUGIN_ENTRY)) {
        return std::unexpected(explain_missing_entry(path, library.has("_Z20caisson_plugin_entryv")));
    }
    return &library.get<const caisson_plugin*()>(CAISSON_PLUGIN_ENTRY);
}

}  // namespace caisson::host
