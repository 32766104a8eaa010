"""A short run of `make chaos`, the same at each time; and proof that a fault in the product would be seen."""

import os
import random
import re
import sys
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import sessions
from chaos.checks import Checks
from chaos.load import chaos_tools
from chaos.run import Plan, run
from chaos.world import World

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

SEED = 20261120


@pytest.mark.night
@pytest.mark.parametrize(
    ("steps", "only"), [(1, ("kill",)), (3, ("truncate", "away_and_back", "ledger_cut", "forget", "freeze"))]
)
def test_a_short_run_breaks_nothing(tmp_path: Path, steps: int, only: tuple[str, ...]) -> None:
    tally = run(tmp_path / "chaos", Plan(SEED, steps=steps, only=only, forked=True))

    assert (tally.held, tally.done.total(), tally.lost, tally.doubled) == (True, steps, 0, 0)
    assert tally.kills > 0 or "kill" not in only


@pytest.mark.night
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


@pytest.mark.night
def test_a_daemon_that_commits_position_and_events_in_two_steps_is_found_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Were it not, the test above would prove nothing."""
    tally = run(tmp_path / "chaos", Plan(SEED, steps=12, only=("kill",), patience_s=2, sabotage=True))

    assert not tally.held
    assert re.search(r"is there \{[^}]*: 0\b.*\} times", capsys.readouterr().err)
