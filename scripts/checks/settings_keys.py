#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Settings that the service reads and nobody told people about: each key stands in config/caisson.toml and in
docs/configuration.md. That the example names none that is not read is proved by a unit test, which loads it."""

import re

import links
import project

SCHEMA = "supervisor/settings/schema.cpp"
POOL_SCHEMA = "supervisor/settings/pool_schema.cpp"
EXAMPLE = "config/caisson.toml"
PAGE = "docs/configuration.md"

READ = re.compile(r'\bin\.(?!wrong)\w+(?:<[^>]*>)?\(\s*"(\w+)"')
# key = value, also as `#key = value`; and the keys of the tables that are opened, [defaults.restart].
KEY = re.compile(r"^#?(\w+) = |^#?\[([\w.]+)\]", re.MULTILINE)
# Below these tables the words are the operator's own.
FREE = {"settings", "env"}
INLINE_KEY = re.compile(r"[{,]\s*(\w+) = ")


def example_keys(text):
    """The keys that the example sets or shows, and the tables that it opens."""
    keys, table = set(), []
    for line in text.splitlines():
        match = KEY.match(line)
        if not match:
            continue
        if match[2]:
            table = match[2].split(".")
            keys.update(table)
        elif not FREE & set(table):
            keys.add(match[1])
            keys.update(INLINE_KEY.findall(line))
    return keys


def check(root):
    missing = [f"{name}: is missing" for name in (SCHEMA, POOL_SCHEMA, EXAMPLE, PAGE) if not (root / name).is_file()]
    if missing:
        return missing
    keys = {key for name in (SCHEMA, POOL_SCHEMA) for key in READ.findall(project.read(root, name))}
    shown = example_keys(project.read(root, EXAMPLE))
    told = {word for _, line in links.prose(project.read(root, PAGE)) for code in re.findall(r"`([^`]+)`", line)
            for word in re.findall(r"\w+", code)}
    findings = [] if keys else [f"{SCHEMA}: no key was found; does scripts/checks/settings_keys.py still fit it?"]
    findings += [f"{EXAMPLE}: does not show the key {key}" for key in sorted(keys - shown)]
    findings += [f"{PAGE}: does not explain the key `{key}`" for key in sorted(keys - told)]
    return findings


if __name__ == "__main__":
    project.main(check)
