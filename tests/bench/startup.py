"""How long the commands take that people and agents call often."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from .processes import environment

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "carryover --help": ("--help",),
    "carryover status": ("status",),
    "carryover sessions": ("sessions",),
    "carryover handoff": ("handoff",),
}

PROGRAM: Final = Path(sys.executable).with_name("carryover")
BARE: Final = (sys.executable, "-c", "pass")


def startup(home: Path, project: Path, times: int) -> tuple[dict[str, float], float]:
    """Median seconds of each command called in `project`, and of a bare interpreter between them."""
    took: dict[str, list[float]] = {name: [] for name in COMMANDS}
    bare = []
    for _ in range(times):
        bare.append(_run(BARE, home, project))
        for name, arguments in COMMANDS.items():
            took[name].append(run_command(arguments, home, project))
    return {name: statistics.median(values) for name, values in took.items()}, statistics.median(bare)


def run_command(arguments: Sequence[str], home: Path, folder: Path) -> float:
    """Seconds that `carryover` took with `arguments`, called in `folder`. Raises RuntimeError where it failed."""
    return _run((str(PROGRAM), *arguments), home, folder)


def _run(command: Sequence[str], home: Path, project: Path) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, cwd=project, env=environment(home), stdin=subprocess.DEVNULL, capture_output=True)
    took_s = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed ({done.returncode}): {done.stderr.decode(errors='replace')}")
    return took_s
