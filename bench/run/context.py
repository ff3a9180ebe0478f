# SPDX-License-Identifier: Apache-2.0
"""What a measure needs to know: where the programs are, and how long it may take."""

import dataclasses
import pathlib

from run.programs import Build

HERE = pathlib.Path(__file__).resolve().parent.parent  # bench/


@dataclasses.dataclass(frozen=True)
class Context:
    """One run of the benchmarks."""

    build: Build
    peers: pathlib.Path  # where packages of peers are installed
    folder: pathlib.Path  # temporary
    quick: bool = False

    def seconds(self, usual):
        """How long something is measured that repeats itself."""
        return usual / 8 if self.quick else usual

    def count(self, usual):
        """How many of something are done that has to be counted."""
        return max(1, usual // 20) if self.quick else usual
