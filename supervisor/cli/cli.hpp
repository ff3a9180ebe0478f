// SPDX-License-Identifier: Apache-2.0
/// The caisson command: parses what was typed, talks to a running service, and leaves by one of a few doors where it
/// must start something itself.
///
/// The command knows the client and the wire, not the supervisor. What needs the supervisor's own code (serve, check,
/// doctor) is handed in by apps/, which wires the program.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace caisson::cli {

/// What `caisson serve` was asked; empty paths were not given.
struct ServeOptions {
    std::filesystem::path config;
    std::filesystem::path socket;
    std::filesystem::path plugin_dir;
    bool strict = false;  ///< a bad pool ends the start instead of being reported and left out
};

/// What `caisson check` was asked: at least one file, each a TOML file or a plugin.
struct CheckOptions {
    std::vector<std::filesystem::path> files;
    bool json = false;
};

/// One thing that this host can enforce, or cannot.
struct Capability {
    std::string name;
    bool available = false;
    std::string detail;   ///< what was found: a version, a limit, why not
    std::string purpose;  ///< what Caisson uses it for
};

/// Where the command leaves for code that it does not know. The first two print for themselves and return the exit
/// code.
struct Doors {
    std::function<int(const ServeOptions&)> serve;
    std::function<int(const CheckOptions&)> check;
    std::function<std::vector<Capability>()> doctor;
};

/// The command's own input and outputs.
struct Streams {
    int in = 0;
    int out = 1;
    int err = 2;
};

/// Runs one command line, without the program's name, and returns the exit code (exit_code.hpp).
[[nodiscard]] int run(std::vector<std::string> arguments, const Doors& doors, Streams streams = {});
[[nodiscard]] int run(int argc, char** argv, const Doors& doors);

}  // namespace caisson::cli
