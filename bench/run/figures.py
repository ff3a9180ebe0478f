# SPDX-License-Identifier: Apache-2.0
"""The figures that Caisson has to reach: ratios of numbers of one round, and what becomes of them over all rounds.

Pure: rounds go in, rows come out. A name such as "limit.relay.p50_us" is a number of a round as the measures gave it.
"""

import dataclasses
import statistics
from collections.abc import Callable


class Missing(Exception):
    """A round does not have a number: its measure took no part, or cannot be made here."""


class Numbers:
    """The numbers of a round by name."""

    def __init__(self, numbers):
        self.numbers = numbers

    def __getitem__(self, name):
        if name not in self.numbers:
            raise Missing(name)
        return self.numbers[name]


@dataclasses.dataclass(frozen=True)
class Part:
    """One number of a figure. Without a bound it is for comparison only."""

    of: str  # what is divided by what
    value: Callable  # of the Numbers of a round
    most: float | None = None
    least: float | None = None
    unit: str = "x"

    @property
    def must(self):
        if self.most is not None:
            return f"<= {self.most:g} {self.unit}"
        return f">= {self.least:g} {self.unit}" if self.least is not None else ""


@dataclasses.dataclass(frozen=True)
class Figure:
    name: str
    parts: tuple


def ratio(of, to):
    return lambda numbers: numbers[of] / numbers[to]


def number(name, scale=1.0):
    return lambda numbers: numbers[name] * scale


def recovery(how, plus=None, times=0.0):
    """From a crash to the answer of a new worker, by what the kernel takes to tell of one and to start another."""
    def value(numbers):
        allowed = 2 * numbers["limit.crash_notice.p50_us"] + (times * numbers[plus] if plus else 0)
        return numbers[f"embedded.recovery.{how}.p50_us"] / allowed
    return value


POOL = "multiprocessing"
FORK, EXEC = "limit.start.fork_us", "limit.start.exec_dlopen_us"
MIB = 1 / (1024 * 1024)
KIB = 1 / 1024

FIGURES = (
    Figure("embedded round trip, tiny call", (
        Part("p50 / raw one-hop ping-pong", ratio("round_trip.embedded.p50_us", "round_trip.ping_pong.p50_us"), most=1.3),
        Part("p99 / its p99", ratio("round_trip.embedded.p99_us", "round_trip.ping_pong.p99_us"), most=2),
        Part("p50, all on one CPU", ratio("round_trip.embedded.one_cpu.p50_us", "round_trip.ping_pong.one_cpu.p50_us")),
        Part("Pool.apply / ping-pong", ratio(f"{POOL}.round_trip.p50_us", "round_trip.ping_pong.p50_us")),
    )),
    Figure("service round trip", (
        Part("p50 / raw two-hop relay", ratio("round_trip.service.p50_us", "round_trip.relay.p50_us"), most=1.3),
        Part("p50, all on one CPU", ratio("round_trip.service.one_cpu.p50_us", "round_trip.relay.one_cpu.p50_us")),
        Part("gearmand / relay", ratio("gearman.round_trip.p50_us", "round_trip.relay.p50_us")),
    )),
    Figure("separately tracked calls, embedded", (
        Part("/ Pool.map(chunksize=1)", ratio("embedded.tracked.per_s", f"{POOL}.tracked.per_s"), least=50),
        Part("/ bare epoll loop", ratio("embedded.tracked.per_s", "limit.frame_feed.per_s"), least=0.4),
        Part("a future for each / Pool.map(1)", ratio("embedded.futures.per_s", f"{POOL}.tracked.per_s")),
        Part("imap / Pool.imap_unordered(1)", ratio("embedded.imap.per_s", f"{POOL}.unordered.per_s")),
        Part("Erlang port / Pool.map(1)", ratio("erlang.tracked.per_s", f"{POOL}.tracked.per_s")),
    )),
    Figure("separately tracked calls, service, one client", (
        Part("/ Pool.map(chunksize=1)", ratio("service.batches.per_s", f"{POOL}.tracked.per_s"), least=25),
        Part("/ bare two-hop epoll relay", ratio("service.batches.per_s", "limit.frame_relay.per_s"), least=0.4),
        Part("a frame for each / Pool.map(1)", ratio("service.single.per_s", f"{POOL}.tracked.per_s")),
        Part("a frame for each / epoll relay", ratio("service.single.per_s", "limit.frame_relay.per_s")),
        Part("caisson::Pool of a service / Pool.map(1)", ratio("service.tracked.per_s", f"{POOL}.tracked.per_s")),
        Part("gearmand / Pool.map(1)", ratio("gearman.tracked.per_s", f"{POOL}.tracked.per_s")),
    )),
    Figure("items, chunked map, int64", (
        Part("/ Pool.map with its own chunks", ratio("embedded.map.per_s", f"{POOL}.chunked.per_s"), least=10),
    )),
    Figure("1 MiB echoed, both ways", (
        Part("/ Pool.apply", ratio("embedded.echo.bytes_per_s", f"{POOL}.echo.bytes_per_s"), least=20),
        Part("/ memcpy through 256 MiB", ratio("embedded.echo.bytes_per_s", "limit.memory_copy.rotating_bytes_per_s"),
             least=0.5),
        Part("/ memcpy in the cache", ratio("embedded.echo.bytes_per_s", "limit.memory_copy.cached_bytes_per_s")),
        Part("/ bare memfd hand-over", ratio("embedded.echo.bytes_per_s", "limit.hand_over.bytes_per_s")),
    )),
    Figure("crash to next call answered by a new worker", (
        Part("warm spare / 2 crash notices", recovery("spare"), most=1),
        Part("zygote / that + 2 forks", recovery("zygote", FORK, 2), most=1),
        Part("exec / that + 1.5 exec+dlopen", recovery("exec", EXEC, 1.5), most=1),
    )),
    Figure("start of a pool of 4, first map, end", (
        Part("zygote / Pool(4)", ratio("embedded.start.zygote.p50_us", f"{POOL}.start.p50_us"), most=0.25),
        Part("exec / Pool(4)", ratio("embedded.start.exec.p50_us", f"{POOL}.start.p50_us")),
    )),
    Figure("4 pools, 16 workers, idle", (
        Part("supervisor, resident", number("idle.supervisor_bytes", MIB), most=12, unit="MiB"),
        Part("worker, private beyond its plugin", number("idle.worker_beyond_plugin_bytes", KIB), most=600, unit="KiB"),
        Part("wake-ups of all in 10 s", number("idle.wake_ups"), most=0, unit=""),
        Part("worker of Pool, private", number(f"{POOL}.memory.worker_private_bytes", KIB), unit="KiB"),
    )),
    Figure("1,000 workers, 1,000 clients, 1,000,000 waiting calls", (
        Part("p50 of another pool / without, on one CPU", ratio("scale.one_cpu.p50_us", "scale.empty.one_cpu.p50_us"),
             most=1.2),
        Part("the same, free to move", ratio("scale.p50_us", "scale.empty.p50_us")),
        Part("memory of a waiting call", number("scale.bytes_per_call"), most=200, unit="B"),
    )),
    Figure("a pool that crashes on every call", (
        Part("another pool / beside a neutral load", ratio("storm.storm_per_s", "storm.busy_per_s"), least=0.95),
        Part("another pool / alone", ratio("storm.storm_per_s", "storm.alone_per_s")),
    )),
    Figure("caisson map over 1 M lines", (
        Part("/ the service figure", ratio("lines.caisson.per_s", "service.batches.per_s"), least=0.5),
        Part("/ xargs -P2", ratio("lines.caisson.per_s", "lines.xargs.per_s")),
        Part("/ GNU parallel -j2", ratio("lines.caisson.per_s", "lines.parallel.per_s")),
    )),
)


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def values_of(part, rounds):
    """The part's number in each round that has all it takes."""
    values = []
    for numbers in rounds:
        try:
            values.append(part.value(Numbers(numbers)))
        except Missing:
            continue
    return values


def verdict(part, values):
    """Of the median: reached or not; nothing to say without a bound or a number."""
    if part.most is None and part.least is None:
        return "compare"
    if not values:
        return "not measured"
    median = statistics.median(values)
    reached = median <= part.most if part.most is not None else median >= part.least
    return "reached" if reached else "not reached"


def rows(rounds, figures=FIGURES):
    """One row for each part of each figure."""
    out = []
    for figure in figures:
        for part in figure.parts:
            values = values_of(part, rounds)
            out.append({"figure": figure.name, "of": part.of, "must": part.must, "unit": part.unit,
                        "verdict": verdict(part, values), **({"measured": spread(values)} if values else {})})
    return out


def medians(rounds):
    """The median of each number over the rounds that have it."""
    names = sorted({name for numbers in rounds for name in numbers})
    return {name: statistics.median([numbers[name] for numbers in rounds if name in numbers]) for name in names}
