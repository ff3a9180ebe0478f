#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which folder may include which, and through which one file each library comes in.

The order of the stages (docs/architecture.md) is only worth something if no include breaks it.
"""

import pathlib
import re

import project

# The folders that count as one unit each; the longest that fits a path wins.
# unit: the units that it may include besides itself. A path instead of a unit allows that one file.
ALLOWED = {
    "sdk/plugin": [],
    "sdk/wire": [],
    "sdk/client": ["sdk/wire"],
    "sdk/template": ["<caisson>"],
    "plugins": ["<caisson>"],
    "supervisor/base": ["sdk/wire"],
    "supervisor/settings": ["supervisor/base"],
    "supervisor/symbolizer": ["supervisor/base", "sdk/wire"],
    "supervisor/keeper": ["supervisor/base", "sdk/wire"],
    "supervisor/host": ["supervisor/base", "sdk/wire", "<caisson>", "sdk/plugin/face/what.hpp",
                        "supervisor/keeper/copies.hpp"],
    "supervisor/fleet": ["supervisor/base", "sdk/wire", "supervisor/settings", "supervisor/keeper/orders.hpp"],
    "supervisor/dispatch": ["supervisor/base", "sdk/wire", "supervisor/settings", "supervisor/fleet"],
    "supervisor/control": ["supervisor/base", "sdk/wire", "supervisor/settings", "supervisor/fleet",
                           "supervisor/dispatch"],
    "supervisor/embed": ["supervisor/base", "sdk/wire", "sdk/client", "supervisor/settings", "supervisor/fleet",
                         "supervisor/dispatch", "<caisson>"],
    "supervisor/cli": ["supervisor/base", "sdk/wire", "sdk/client"],
    "supervisor/apps": ["*"],
    "docs/examples": ["<caisson>"],
    "tests/fixtures": ["<caisson>"],
    "tests/package": ["<caisson>"],
    "tests": ["*"],
    "bench": ["*"],
}

# Public headers. <caisson/NAME> is sdk/<folder>/NAME, and the only form that an outsider knows.
PUBLIC = {"plugin.h": "sdk/plugin", "plugin.hpp": "sdk/plugin", "ext/items.h": "sdk/plugin", "face/convert.hpp": "sdk/plugin", "client.hpp": "sdk/client", "pool.hpp": "supervisor/embed"}

# Where a quoted include is looked for after the file's own folder; as in cmake/CaissonTargets.cmake.
ROOTS = ["sdk", "supervisor"]
TEST_ROOTS = ["tests", "bench"]

# library: (pattern of its headers, the only file or folder that may include them). Tests and benchmarks are free.
GATES = {
    "TOML++": (r"toml\+\+/", "supervisor/settings/load.cpp"),
    "spdlog": (r"spdlog/", "supervisor/base/log.cpp"),
    "libsystemd's journal": (r"systemd/sd-journal\.h", "supervisor/base/log_journal.cpp"),
    "libmicrohttpd": (r"microhttpd\.h", "supervisor/control/http_server.cpp"),
    "prometheus-cpp": (r"prometheus/", "supervisor/control/metrics.cpp"),
    "Boost.DLL": (r"boost/dll", "supervisor/host/library.cpp"),
    "Boost": (r"boost/(?!dll)", None),
    "CLI11": (r"CLI/", "supervisor/cli/"),
    "ncurses": (r"ncursesw?/|ncurses\.h|curses\.h|term\.h", "supervisor/cli/top/screen.cpp"),
    "elfutils": (r"elfutils/|dwarf\.h|libelf\.h|gelf\.h", "supervisor/symbolizer/"),
    "libsystemd, for the service manager": (r"systemd/sd-daemon", "supervisor/apps/service_manager.cpp"),
    "xxHash": (r"xxhash\.h|xxh3\.h", "supervisor/base/digest.cpp"),
    "RapidCheck": (r"rapidcheck", None),
    "RE2": (r"re2/", "plugins/text/"),
    "OpenSSL": (r"openssl/", "plugins/digest/"),
    "GoogleTest": (r"gtest/|gmock/", None),
    "Google Benchmark": (r"benchmark/", None),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def unit_of(path):
    """The unit that a path belongs to, or nothing."""
    fits = [unit for unit in ALLOWED if str(path).startswith(unit + "/")]
    return max(fits, key=len, default=None)


def resolve(root, path, name):
    """The project's file behind a quoted include, or nothing."""
    unit_roots = ROOTS + (TEST_ROOTS if path.parts[0] in TEST_ROOTS else [])
    for folder in [path.parent, *map(pathlib.PurePosixPath, unit_roots)]:
        if (pathlib.Path(root) / folder / name).is_file():
            return pathlib.PurePosixPath((pathlib.Path(root) / folder / name).resolve().relative_to(root))
    return None


def order_error(root, path, brackets, name):
    """Why this include breaks the order of the folders, or nothing."""
    unit = unit_of(path)
    allowed = ALLOWED[unit]
    if brackets:
        if not name.startswith("caisson/"):
            return None
        owner = PUBLIC.get(name.removeprefix("caisson/"))
        if owner is None:
            return f"<{name}> is no public header; there are {', '.join(PUBLIC)}"
        if owner != unit and not {"*", "<caisson>", owner} & set(allowed):
            return f"{unit} must not include <{name}>"
        return None
    target = resolve(root, path, name)
    if target is None:
        return f'"{name}" is no file of the project; system and library headers stand in <>'
    owner = unit_of(target)
    same_unit = owner == unit and (unit != "plugins" or target.parts[:2] == path.parts[:2])
    if same_unit or "*" in allowed or owner in allowed or str(target) in allowed:
        return None
    return f'{unit} must not include "{name}" ({owner or target.parent}); it may include: {", ".join(allowed) or "nothing"}'


def gate_error(path, name):
    """Why this include goes around the one gate of a library, or nothing."""
    if path.parts[0] in TEST_ROOTS:
        return None
    for library, (pattern, gate) in GATES.items():
        if not re.match(pattern, name):
            continue
        if gate is None:
            return f"{library} (<{name}>) is not for the product"
        if str(path) != gate and not (gate.endswith("/") and str(path).startswith(gate)):
            return f"{library} (<{name}>) is included only by {gate}"
    return None


def check(root):
    findings = []
    for path in project.files(root, ".c", ".cpp", ".h", ".hpp"):
        if unit_of(path) is None:
            findings.append(f"{path}:1: the folder is in no rule of scripts/checks/includes.py")
            continue
        for number, line in enumerate(project.read(root, path).splitlines(), 1):
            if not (match := INCLUDE.match(line)):
                continue
            brackets, name = match[1] == "<", match[2]
            for error in (order_error(root, path, brackets, name), gate_error(path, name)):
                if error:
                    findings.append(f"{path}:{number}: {error}")
    return findings


if __name__ == "__main__":
    project.main(check)
