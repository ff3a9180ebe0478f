// SPDX-License-Identifier: Apache-2.0
/// What runs pools and processes: a thread of this program, and the keeper of their workers.
#pragma once

#include <filesystem>
#include <memory>
#include <utility>

#include "options.hpp"

namespace caisson {

namespace detail {

class EngineCore;

/// Where the package that this program was built against has its parts; from the target caisson::pool.
struct Places {
    std::filesystem::path program_dir = {};
    std::filesystem::path plugin_dir = {};
};
[[nodiscard]] inline Places built_in_places() {
    Places places;
#ifdef CAISSON_PROGRAM_DIR
    places.program_dir = CAISSON_PROGRAM_DIR;
#endif
#ifdef CAISSON_PLUGIN_DIR
    places.plugin_dir = CAISSON_PLUGIN_DIR;
#endif
    return places;
}

}  // namespace detail

/// Several pools and processes may share one. It installs no signal handler, waits for no child but its own keeper, and
/// ends when the last that uses it does. Copies are the same engine.
class Engine {
   public:
    explicit Engine(EngineOptions options = {}) : Engine(std::move(options), detail::built_in_places()) {}

   private:
    friend class Pool;
    friend class Process;
    Engine(EngineOptions options, const detail::Places& places);

    std::shared_ptr<detail::EngineCore> core_;
};

}  // namespace caisson
