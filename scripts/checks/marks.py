#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Marks that must not stay (work put off, conflicts), and the licence line that must stand in every source file."""

import re

import project

# Written in pieces, so that this file does not find itself.
PUT_OFF = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")(?=[:( ]|$)")
CONFLICT = re.compile(r"^(?:<{7}|>{7}|\|{7}) ")
LICENCE = "SPDX-License-Identifier: Apache-2.0"
SOURCES = {".c", ".cpp", ".h", ".hpp", ".py", ".cmake", ".sh", ".js", ".css", ".html"}
LICENCE_LINES = 3  # a #! line may come first


def is_source(path, text):
    return path.suffix in SOURCES or path.name == "CMakeLists.txt" or text.startswith("#!")


def check(root):
    findings = []
    for path in project.files(root):
        text = project.read(root, path)
        lines = text.splitlines()
        if is_source(path, text) and not any(LICENCE in line for line in lines[:LICENCE_LINES]):
            findings.append(f"{path}:1: the line '{LICENCE}' is missing")
        for number, line in enumerate(lines, 1):
            if path.name != "LICENSE" and (mark := PUT_OFF.search(line)):
                findings.append(f"{path}:{number}: left-over mark {mark[0]}")
            if CONFLICT.match(line):
                findings.append(f"{path}:{number}: left-over conflict")
    return findings


if __name__ == "__main__":
    project.main(check)
