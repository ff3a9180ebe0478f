# SPDX-License-Identifier: Apache-2.0
"""Everything is measured once per round, every other round in the opposite order, so that drift falls on all alike."""

import dataclasses
import sys
import time
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Measure:
    """Something that can be measured. `run` takes a Context and returns numbers by name, or None: it cannot be here."""

    name: str
    run: Callable
    every: int = 1  # it takes part in each so many-th round: for what is long, and hardly differs


def in_order(measures, number):
    """The measures of a round, from 0, in their order."""
    taking_part = [measure for measure in measures if number % measure.every == 0]
    return taking_part if number % 2 == 0 else taking_part[::-1]


def flat(name, numbers):
    """Numbers as a round holds them: "limit.relay.p50_us" and their like."""
    return {f"{name}.{key}": value for key, value in (numbers or {}).items()}


def play(measures, context, rounds, budget_s, say=lambda text: print(text, file=sys.stderr, flush=True)):
    """The numbers of each round. Stops after a whole round when another would not fit into the budget."""
    played = []
    began = time.monotonic()
    longest_s = 0
    for number in range(rounds):
        start = time.monotonic()
        if played and start + longest_s > began + budget_s:
            say(f"no time for round {number + 1} of {rounds}")
            break
        played.append(play_one(in_order(measures, number), context, say))
        longest_s = max(longest_s, time.monotonic() - start)
        say(f"round {number + 1} of {rounds} took {time.monotonic() - start:.0f} s")
    return played


def play_one(measures, context, say):
    """One round: numbers by name, and how long each measure took."""
    numbers = {}
    for measure in measures:
        start = time.monotonic()
        result = measure.run(context)
        numbers.update(flat(measure.name, result))
        numbers[f"{measure.name}.took_s"] = round(time.monotonic() - start, 3)
        said = ", ".join(f"{key} {value:,.5g}" for key, value in result.items()) if result else "not there"
        say(f"  {measure.name:28} {said}")
    return numbers
