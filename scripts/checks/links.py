#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Links in Markdown that lead nowhere: files and anchors of the project, and paths that a text names in `backticks`."""

import os
import pathlib
import re

import project

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")
HTML_ANCHOR = re.compile(r'<a\s+(?:id|name)="([^"]+)"')
INLINE_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)")
HTML_LINK = re.compile(r'<(?:a|img)\s[^>]*?(?:href|src)="([^"]+)"')
CODE = re.compile(r"`[^`]*`")
NAMED_PATH = re.compile(
    r"`((?:bench|cmake|config|docs|plugins|scripts|sdk|supervisor|tests)/[\w./+-]*[\w+-]/?)(?:#[^`]*|:\d+)?`")
PLACEHOLDER = re.compile(r"(?:^|/)NAME\b")
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def prose(text):
    """The lines of a Markdown text with their numbers, without fenced blocks."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = FENCE.match(line)
        if fence is None and mark:
            fence = mark[1]
        elif fence is not None:
            if mark and mark[1].startswith(fence) and line.strip() == mark[1]:
                fence = None
        else:
            yield number, line


def slug(heading):
    """The anchor that a heading gets on the usual hosts."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"[^\w\- ]", "", text.lower())
    return text.replace(" ", "-")


def anchors(text):
    """All anchors of a Markdown text; equal headings get -1, -2, …"""
    found = {}
    names = set()
    for _, line in prose(text):
        names.update(HTML_ANCHOR.findall(line))
        if match := HEADING.match(line):
            name = slug(match[1])
            count = found.get(name, 0)
            found[name] = count + 1
            names.add(f"{name}-{count}" if count else name)
    return names


def link_error(root, path, target):
    """Why a link of `path` leads nowhere, or nothing."""
    if ELSEWHERE.match(target) or target.startswith("//"):
        return None
    name, _, anchor = target.partition("#")
    place = path.parent / name if name else path
    if name.startswith("/"):
        return f"({target}) is absolute; write it relative to {path.parent}/"
    place = pathlib.PurePosixPath(os.path.normpath(place))
    if place.parts and place.parts[0] == "..":
        return f"({target}) leads out of the project"
    if not (root / place).exists():
        return f"({target}): there is no {place}"
    if anchor and place.suffix == ".md" and anchor not in anchors(project.read(root, place)):
        return f"({target}): {place} has no heading for #{anchor}"
    return None


def check(root):
    findings = []
    for path in project.files(root, ".md"):
        for number, line in prose(project.read(root, path)):
            plain = CODE.sub("", line)
            targets = INLINE_LINK.findall(plain) + REFERENCE.findall(plain) + HTML_LINK.findall(plain)
            errors = [link_error(root, path, target) for target in targets]
            errors += [f"`{name}` does not exist" for name in NAMED_PATH.findall(line)
                       if not PLACEHOLDER.search(name) and not (root / name).exists()]
            findings += [f"{path}:{number}: {error}" for error in errors if error]
    return findings


if __name__ == "__main__":
    project.main(check)
