#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bounds that are said twice, or said without a name.

A bound is a named constant with a unit and a reason, defined once (supervisor/base/limits.hpp, sdk/wire). A number of
bytes that stands in the code without a name is a bound that nobody can find.
"""

import re

import project

# `constexpr TYPE NAME =` at the start of a line (outside of functions), or `#define NAME number`.
CONSTANT = re.compile(r"^(?:inline |static )?constexpr\s+[\w:]+\s+(\w+)\s*=\s*([^;]+);?|^#define\s+(CAISSON_\w+)\s+(\d\w*)")
IS_BOUND = re.compile(r"(?:^|_)(?:max|min)(?:_|$)|_(?:bytes|entries|lines|backlog|patience|frames)$", re.IGNORECASE)
# A size written out: 64 * 1024, 4 * MiB, 1 << 20.
SIZE = re.compile(r"\b\d[\d']*u?\s*\*\s*(?:1024|KiB|MiB|GiB)\b|\b1u?l?l?\s*<<\s*(?:1\d|[2-9]\d)\b", re.IGNORECASE)
COMMENT = re.compile(r"//.*$|/\*.*?\*/")
# Here sizes are the defaults and ranges of settings, which have names of their own: the keys.
SETTINGS = "supervisor/settings/"


def product_files(root):
    return [path for path in project.files(root, ".c", ".cpp", ".h", ".hpp") if path.parts[0] in ("sdk", "supervisor")]


def check(root):
    findings = []
    places = {}
    for path in product_files(root):
        for number, line in enumerate(project.read(root, path).splitlines(), 1):
            code = COMMENT.sub("", line)
            constant = CONSTANT.match(code)
            if constant:
                name = constant[1] or constant[3]
                if IS_BOUND.search(name):
                    places.setdefault(name, []).append(f"{path}:{number}")
            elif "constexpr" not in code and not str(path).startswith(SETTINGS) and SIZE.search(code):
                findings.append(f"{path}:{number}: a size without a name: {SIZE.search(code)[0]}")
    for name, found in sorted(places.items()):
        findings += [f"{place}: the bound {name} is also defined at {found[0]}" for place in found[1:]]
    return findings


if __name__ == "__main__":
    project.main(check)
