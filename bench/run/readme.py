# SPDX-License-Identifier: Apache-2.0
"""Puts the last results into bench/README.md, between two marks."""

BEGIN = "<!-- results: written by scripts/bench --write-readme -->"
END = "<!-- end of results -->"


def replaced(text, results):
    """The page with other results."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks between which the results stand")
    return f"{before}{BEGIN}\n{results}\n{END}{after}"


def write(path, results):
    path.write_text(replaced(path.read_text(), results))
