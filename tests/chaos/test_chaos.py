"""A short run of `make chaos`, the same at each time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

TESTS = Path(__file__).parents[1]


def chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    paths = [str(TESTS), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-m", "chaos", "--seed", "20261120", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


def test_a_short_run_breaks_nothing() -> None:
    only = "kill,truncate,away_and_back,ledger_cut,forget,freeze"
    ran = chaos("--steps", "3", "--quiet", "--only", only)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ", 3 steps in " in ran.stdout
    assert " 0 lost, 0 doubled" in ran.stdout
