# SPDX-License-Identifier: Apache-2.0
"""The machine that was measured on."""

import os
import pathlib
import platform


def about():
    names = [line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    return {"cpu": names[0] if names else platform.machine(), "cpus": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "python": platform.python_version(),
            "load_before": round(os.getloadavg()[0], 2)}
