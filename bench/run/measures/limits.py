# SPDX-License-Identifier: Apache-2.0
"""The limits: the kernel without Caisson (bench/limits)."""

from run.programs import measured
from run.rounds import Measure

SECONDS = {"gathered": 1.2, "frame_feed": 0.8, "frame_relay": 0.8, "bulk": 0.5,
           "hand_over": 0.8, "memory_copy": 0.8, "crash_notice": 1.0}


def limit(name):
    """The measure of one program that takes nothing but its time."""
    return Measure(f"limit.{name}",
                   lambda context: measured([context.build.bench(f"limit_{name}"), context.seconds(SECONDS[name])]))


def start(context):
    """fork, posix_spawn, and exec with dlopen of the plugin that the pools use."""
    return measured([context.build.bench("limit_start"), context.seconds(1.5), context.build.bench("limit_load_library"),
                     context.build.plugin("chaos")])


BY_NAME = {name: limit(name) for name in SECONDS} | {"start": Measure("limit.start", start)}
