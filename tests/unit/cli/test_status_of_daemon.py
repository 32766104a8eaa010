from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

import carryover
from carryover.cli.status_of_daemon import StatusOfDaemon
from carryover.daemon.health import Health
from carryover.daemon.status_maker import StatusQuestion
from carryover.paths import StateDir


@pytest.fixture
def question(home: Path) -> StatusQuestion:
    env = {"HOME": str(home), "PATH": ""}
    health = Health(version=carryover.__version__, pid=4321)
    return StatusQuestion(state=StateDir(home / ".carryover"), home=home, env=env, health=health, versions=dict)


def test_it_depends_on_what_finds_commands_and_moves_folders() -> None:
    names = set(StatusOfDaemon().variables())

    assert {"HOME", "PATH", "NVM_DIR"} <= names
    assert len(names) > 10, "the agents' own as well"


def test_the_question_says_in_which_environment_and_whether_in_colour(question: StatusQuestion) -> None:
    text = StatusOfDaemon().text(question)
    in_colour = StatusOfDaemon().text(msgspec.structs.replace(question, colour=True))

    assert text is not None and "process 4321" in text
    assert "\x1b[" not in text
    assert in_colour is not None and "\x1b[" in in_colour


def test_once_the_program_was_replaced_it_makes_nothing(
    question: StatusQuestion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "__init__.py"
    installed.touch()
    monkeypatch.setattr(carryover, "__file__", str(installed))
    maker = StatusOfDaemon()

    os.utime(installed, (1, 1))

    assert list(maker.variables()) == []
    assert maker.text(question) is None
