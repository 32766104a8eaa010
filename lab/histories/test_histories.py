"""Whatever git does around working agents, it takes nothing of `.carryover/`, and fails at nothing because of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from histories.play import MODES, play
from histories.world import GIT_CONFIG


@pytest.mark.night
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(2))
def test_a_random_history_of_git_commands(home: Path, seed: int, mode: str) -> None:
    """`make histories` plays 200 in each mode."""
    (home / ".gitconfig").write_text(GIT_CONFIG)

    outcome = play(home, seed, mode, steps=25)

    assert outcome.problems == []
