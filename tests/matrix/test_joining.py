"""An agent joins the matrix by its folders alone: the fictional Scribe, of which nothing else knows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
SCRIBE = TESTS / "unit" / "agents" / "elsewhere_tests"


def test_a_new_agent_gives_and_takes_by_its_matrix_case() -> None:
    env = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{SCRIBE}"}
    rows = "test_each_b_begins_with_what_a_left and limit and (scribe or codex)"
    options = ("-q", "-n", "0", "-p", "no:cacheprovider", "-k", rows)
    command = (sys.executable, "-m", "pytest", *options, str(TESTS / "matrix" / "test_matrix.py"))

    ran = subprocess.run(command, cwd=TESTS.parent, env=env, capture_output=True, text=True)

    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.splitlines()[-1].startswith("2 passed, ")
