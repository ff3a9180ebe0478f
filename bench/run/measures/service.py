# SPDX-License-Identifier: Apache-2.0
"""Caisson as a service, and what one client gets of it."""

from run.rounds import Measure
from run.service import Service, pool

SECONDS = {"single": 0.8, "batches": 1.0, "tracked": 1.0}


def two_workers(context):
    """The service that rates are measured with."""
    return Service(context.build, [pool("math", context.build.plugin("math"), 2)])


def rate(name):
    """The measure of one of the ways to make calls."""
    def run(context):
        with two_workers(context) as service:
            return service.measured([context.build.bench("bench_service"), name, context.seconds(SECONDS[name])])
    return Measure(f"service.{name}", run)


BY_NAME = {name: rate(name) for name in SECONDS}
