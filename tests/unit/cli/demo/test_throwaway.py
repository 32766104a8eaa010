from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from carryover.cli.demo.replay import make_project, replay
from carryover.cli.demo.throwaway import Counts, ThrowAway
from carryover.errors import UserError
from support.daemon_process import wait_until


@pytest.fixture
def place(tmp_path: Path) -> ThrowAway:
    place = ThrowAway(tmp_path)
    place.prepare()
    return place


def test_the_config_keeps_projects_untouched_and_takes_no_port(place: ThrowAway) -> None:
    assert tomllib.loads(place.state.config.read_text()) == {
        "publish": {"folder": str(place.handoffs)},
        "server": {"port": 0},
    }
    assert place.state.root.stat().st_mode & 0o777 == 0o700


def test_before_anything_was_read_there_is_nothing(place: ThrowAway) -> None:
    assert (place.counts(), place.published("/home/dev/shop")) == (Counts(), None)


def test_a_daemon_reads_and_publishes_into_the_folder_only(place: ThrowAway, home: Path) -> None:
    project = home / "shop"
    make_project(project, os.environ)
    with place.running_daemon(os.environ):
        for _ in replay(home / ".claude", project):
            pass
        place.settle()
        text = place.published(str(project))
        health = place.health()

    assert text is not None
    assert "Wire discount into checkout" in text
    assert health["caught_up"] is True
    assert place.counts().sources == 2
    assert {path.name for path in project.iterdir()} == {
        ".git",
        "CLAUDE.md",
        "README.md",
        "cart.py",
        "checkout.py",
        "test_cart.py",
    }
    assert not (home / ".carryover").exists()


def test_a_daemon_that_does_not_start_tells_why(place: ThrowAway) -> None:
    place.state.config.write_text("[publish\n")

    with pytest.raises(UserError, match="not valid TOML"), place.running_daemon(os.environ):
        pass


def test_a_daemon_that_is_gone_is_noticed(place: ThrowAway) -> None:
    with pytest.raises(UserError, match="The daemon of the demo ended"), place.running_daemon(os.environ):
        os.kill(place.health()["pid"], 9)
        wait_until("an error", lambda: not place.health())
