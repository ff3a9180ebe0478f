# SPDX-License-Identifier: Apache-2.0
"""Caisson inside a program: bench_embedded and bench_embedded_life."""

from run.programs import measured
from run.rounds import Measure

SECONDS = {"tracked": 1.0, "futures": 0.8, "map": 1.2, "imap": 0.8, "echo": 0.8}


def supported(numbers):
    """None for what this Caisson cannot do (yet)."""
    return None if "unsupported" in numbers else numbers


def rate(name):
    """The measure of one of the ways to make calls."""
    return Measure(f"embedded.{name}",
                   lambda context: measured([context.build.bench("bench_embedded"), name, context.seconds(SECONDS[name])]))


def life(what, how, seconds):
    """The measure of how long something takes with workers that start in one of the ways."""
    return Measure(f"embedded.{what}.{how}",
                   lambda context: supported(measured([context.build.bench("bench_embedded_life"), what, how,
                                                       context.seconds(seconds)])))


BY_NAME = {name: rate(name) for name in SECONDS} | {
    f"recovery.{how}": life("recovery", how, 1.0) for how in ("exec", "zygote", "spare")} | {
    f"start.{how}": life("start", how, 1.0) for how in ("exec", "zygote")}
