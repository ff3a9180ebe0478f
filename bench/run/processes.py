# SPDX-License-Identifier: Apache-2.0
"""What the kernel tells of running processes: memory, wake-ups, time used; and which CPUs they may use."""

import os
import pathlib

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def proc(pid, name):
    return pathlib.Path(f"/proc/{pid}/{name}").read_text()


def field(text, name):
    """The number after `name:` in a file of /proc."""
    line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def resident_bytes(pid):
    return field(proc(pid, "status"), "VmRSS") * 1024


def private_bytes(pid):
    """Memory that would be free if the process were not."""
    text = proc(pid, "smaps_rollup")
    return (field(text, "Private_Clean") + field(text, "Private_Dirty")) * 1024


def threads(pid):
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]


def wake_ups(pid):
    """How often the threads of a process have given up the processor by themselves, which is how often they were woken."""
    return sum(field(proc(pid, f"task/{thread}/status"), "voluntary_ctxt_switches") for thread in threads(pid))


def used_s(pid, with_reaped_children=False):
    """Processor time of a process; with children, also of those that it has waited for."""
    fields = proc(pid, "stat").rpartition(")")[2].split()
    last = 15 if with_reaped_children else 13
    return sum(map(int, fields[11:last])) / TICKS_PER_S


def children(pid):
    return [int(child) for thread in threads(pid) for child in proc(pid, f"task/{thread}/children").split()]


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def keep_to(cpus, pid):
    """Lets a process with all its threads use these CPUs only."""
    for thread in threads(pid):
        os.sched_setaffinity(thread, cpus)
