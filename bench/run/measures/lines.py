# SPDX-License-Identifier: Apache-2.0
"""Lines of a file, each of which becomes a job: `caisson map` beside xargs and GNU parallel.

These start a program for every line, so they get fewer lines. The program is `expr`, a small one in C.
"""

import time

from run.programs import Failed, run
from run.rounds import Measure
from run.service import Service, pool

CAISSON_LINES = 1_000_000
XARGS_LINES = 2_000
PARALLEL_LINES = 400


def lines_per_s(context, name, lines, start):
    """Times `start(file)`, which returns the squares of the numbers in the file."""
    numbers = context.folder / f"{name}.numbers"
    numbers.write_text("".join(f"{n}\n" for n in range(1, lines + 1)))
    squares = "".join(f"{n * n}\n" for n in range(1, lines + 1)).encode()
    began = time.perf_counter()
    answer = start(numbers)
    seconds = time.perf_counter() - began
    if sorted(answer.split()) != sorted(squares.split()):
        raise Failed(f"{name} gave wrong results")
    return {"per_s": lines / seconds, "lines": lines}


def to_file(context, service, command):
    """What a command of ours writes, into a file as people would have it."""
    path = context.folder / "squares"
    with path.open("wb") as out:
        service.run(command, stdout=out)
    return path.read_bytes()


def caisson_map(context):
    """The command from its start to its end, one call per line, the results in order."""
    with Service(context.build, [pool("math", context.build.plugin("math"), 2)]) as service:
        return lines_per_s(context, "caisson map", context.count(CAISSON_LINES),
                           lambda numbers: to_file(context, service, [context.build.caisson(), "map", "math.square", numbers]))


def xargs(context):
    return lines_per_s(context, "xargs", context.count(XARGS_LINES),
                       lambda numbers: run(["xargs", "-a", numbers, "-P", 2, "-I", "{}", "expr", "{}", "*", "{}"]))


def parallel(context):
    return lines_per_s(context, "parallel", context.count(PARALLEL_LINES),
                       lambda numbers: run(["parallel", "--will-cite", "-a", numbers, "-j", 2, "expr {} '*' {}"]))


CAISSON = Measure("lines.caisson", caisson_map)
PEERS = {"xargs": Measure("lines.xargs", xargs), "parallel": Measure("lines.parallel", parallel)}
