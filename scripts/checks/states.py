#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of the states: docs/states.md is made from the tables in the headers, and must not differ from them.

    states.py            says whether the page is what the tables say
    states.py --write    writes it
"""

import pathlib
import re
import sys

import project

PAGE = "docs/states.md"
# title, header, names of the enums of its states and events
MACHINES = [
    ("A pool", "supervisor/fleet/crew_state.hpp", "CrewState", "CrewEvent"),
    ("A worker", "supervisor/fleet/worker_state.hpp", "WorkerState", "WorkerEvent"),
]
STAYS = {"none", "same"}  # what a table writes where an event changes nothing

INTRODUCTION = """# States

The states of a pool and of a worker, and what moves them. The program does what the tables in the headers say, and this
page is made from those tables: `python3 -B scripts/checks/states.py --write`. The check `states` finds a page that is
behind.
"""


class Mistake(Exception):
    """A header in which the table is not found, or does not fit."""


def enumerators(text, name):
    match = re.search(r"enum class " + name + r"\b[^{]*\{([^}]*)\}", text)
    if not match:
        raise Mistake(f"no enum class {name}")
    return re.findall(r"\w+", re.sub(r"//[^\n]*", "", match[1]))


def table(text):
    """Rows of the table of transitions: what stands behind each state's comment."""
    match = re.search(r"transitions\{\{(.*?)\}\};", text, re.DOTALL)
    if not match:
        raise Mistake("no table of transitions")
    rows = re.findall(r"/\* (\w+) *\*/\s*\{([^}]*)\}", match[1])
    return {state: [cell.strip() for cell in cells.split(",")] for state, cells in rows}


def meanings(text):
    """The essay's sentences: `/// state   what it is`, up to the next of its kind or an empty line."""
    found, last = {}, None
    for line in text.splitlines():
        start = re.match(r"/// (\w+) {2,}(\S.*)", line)
        more = re.match(r"/// (\S.*)", line)
        if start:
            last = start[1]
            found[last] = start[2]
        elif last and more:
            found[last] += " " + more[1]
        else:
            last = None
    return found


def machine(text, state_name, event_name):
    """(states, events, {state: [next or nothing for each event]})."""
    states, events, rows = enumerators(text, state_name), enumerators(text, event_name), table(text)
    if list(rows) != states:
        raise Mistake(f"the rows of the table are {', '.join(rows)}, but {state_name} has {', '.join(states)}")
    for state, cells in rows.items():
        if len(cells) != len(events):
            raise Mistake(f"the row of {state} has {len(cells)} cells for {len(events)} events")
        for cell in cells:
            if cell not in STAYS and cell not in states:
                raise Mistake(f"the row of {state} names {cell}, which is no state")
    return states, events, {state: [None if cell in STAYS else cell for cell in cells] for state, cells in rows.items()}


def diagram(states, events, rows):
    """A Mermaid diagram: one arrow for each pair of states, with all events that lead along it."""
    lines = ["```mermaid no-run", "stateDiagram-v2", f"    [*] --> {states[0]}"]
    for state in states:
        arrows = {}
        for event, after in zip(events, rows[state]):
            if after is not None:
                arrows.setdefault(after, []).append(event)
        lines += [f"    {state} --> {after}: {', '.join(names)}" for after, names in arrows.items()]
    lines += [f"    {state} --> [*]" for state in states if not any(rows[state])]
    return "\n".join(lines + ["```"])


def page(root):
    parts = [INTRODUCTION]
    for title, header, state_name, event_name in MACHINES:
        text = project.read(root, header)
        try:
            states, events, rows = machine(text, state_name, event_name)
        except Mistake as mistake:
            raise Mistake(f"{header}: {mistake}") from mistake
        means = meanings(text)
        parts.append(f"\n## {title}\n\nFrom [{header}](../{header}).\n\n{diagram(states, events, rows)}\n")
        parts.append("\n| state | means |\n|---|---|\n" + "".join(f"| {s} | {means.get(s, '')} |\n" for s in states))
        parts.append("\n| in | " + " | ".join(events) + " |\n|" + "---|" * (len(events) + 1) + "\n")
        for state in states:
            parts.append(f"| {state} | " + " | ".join(after or "" for after in rows[state]) + " |\n")
    return "".join(parts)


def check(root):
    try:
        wanted = page(root)
    except (Mistake, OSError) as mistake:
        return [str(mistake)]
    path = pathlib.Path(root) / PAGE
    there = path.read_text(encoding="utf-8") if path.is_file() else ""
    if there == wanted:
        return []
    return [f"{PAGE}: differs from the tables; python3 -B scripts/checks/states.py --write makes it new"]


def main():
    if sys.argv[1:] != ["--write"]:
        project.main(check)
    try:
        (pathlib.Path.cwd() / PAGE).write_text(page(pathlib.Path.cwd()), encoding="utf-8")
    except Mistake as mistake:
        sys.exit(str(mistake))


if __name__ == "__main__":
    main()
