"""Other programs, and Carryover as a program: run to its end, with all that it used."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .process_tree import TreeWatch

MEMORY_EVERY_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run took, with the processes below it. `peak_bytes`: the most they had at once, None if unknown."""

    wall_s: float
    cpu_s: float
    peak_bytes: int | None
    returncode: int
    output: bytes
    errors: bytes


def run_measured(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], aside: Path) -> Ran:
    """Run a command; its streams go through files in `aside`, so that nothing is read meanwhile."""
    aside.mkdir(parents=True, exist_ok=True)
    outputs = aside / "stdout", aside / "stderr"
    with outputs[0].open("wb") as stdout, outputs[1].open("wb") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
        with TreeWatch(process.pid, MEMORY_EVERY_S) as tree:
            _, status, used = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu_s = used.ru_utime + used.ru_stime
    output, errors = (path.read_bytes() for path in outputs)
    return Ran(wall_s, cpu_s, tree.peak_bytes, process.returncode, output, errors)
