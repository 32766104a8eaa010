"""A short run of `make chaos`, the same at each time; and proof that a fault in the product would be seen."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

from carryover.ledger.queries import connect_read_only, sessions
from chaos.checks import Checks
from chaos.load import chaos_tools
from chaos.world import World

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
    ran = chaos("--steps", "4", "--quiet", "--only", only)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ", 4 steps in " in ran.stdout
    assert " 0 lost, 0 doubled" in ran.stdout


def test_each_session_has_the_id_by_which_a_fault_forgets_it(tmp_path: Path) -> None:
    """Also after many turns: a fault that names another one forgets nothing."""
    with mock.patch.dict(os.environ, {"HOME": str(tmp_path / "home")}):
        world = World(tmp_path, random.Random(1))
        world.configure()
        try:
            world.daemon.wait_until_it_answers()
            world.load.play(3 * len(chaos_tools()))
            Checks(world).check()
            ended = list(iter(world.load.end_session, None))
        finally:
            world.close()

    with closing(connect_read_only(world.state.ledger)) as db:
        kept = {session.native_id for session in sessions(db, limit=1000)}
    assert any(len(turns) > 3 for _, turns in ended)
    assert [session for session, _ in ended if session not in kept] == []


def test_a_daemon_that_commits_position_and_events_in_two_steps_is_found_out() -> None:
    """Were it not, the test above would prove nothing."""
    ran = chaos("--steps", "12", "--quiet", "--only", "kill", "--patience", "2", "--sabotage")

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert re.search(r"is there \{[^}]*: 0\b.*\} times", ran.stderr), ran.stderr
