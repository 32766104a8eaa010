"""When a command needs not catch up."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.cli import from_disk
from carryover.cli.context import state_dir
from carryover.cli.from_disk import catch_up
from carryover.cli.main import main
from carryover.cli.nothing_new import nothing_new
from carryover.ledger.connect import erase_mark

LONG_AGO_S = 1_700_000_000


@pytest.fixture
def quiet(home: Path, recorded: Path) -> Path:
    """A project that was read, whose transcripts have not changed for long."""
    for path in transcripts(home):
        os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    assert catch_up(state_dir(), str(recorded)) is None
    return recorded


def transcripts(home: Path) -> list[Path]:
    return sorted((home / ".claude").rglob("*.jsonl"))


def touch(home: Path, _project: Path) -> None:
    transcripts(home)[0].touch()


def append_long_ago(home: Path, _project: Path) -> None:
    path = transcripts(home)[0]
    path.write_bytes(path.read_bytes() + b"{}\n")
    os.utime(path, (LONG_AGO_S, LONG_AGO_S))


def delete(home: Path, _project: Path) -> None:
    transcripts(home)[0].unlink()


def ask_to_erase(_home: Path, _project: Path) -> None:
    erase_mark(state_dir().ledger).touch()


def damage(_home: Path, _project: Path) -> None:
    state_dir().ledger.write_bytes(b"no ledger")


def make_the_repository_again(_home: Path, project: Path) -> None:
    shutil.move(project / ".git", project / ".git-before")
    shutil.copytree(project / ".git-before", project / ".git")


def test_what_was_read_and_is_unchanged_is_not_caught_up_with(quiet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_disk, "catch_up", None)

    assert nothing_new(state_dir(), str(quiet))
    assert main(["handoff", str(quiet)]) == 0


@pytest.mark.parametrize("change", [touch, append_long_ago, delete, ask_to_erase, damage, make_the_repository_again])
def test_any_change_is_caught_up_with(home: Path, quiet: Path, change: Callable[[Path, Path], None]) -> None:
    change(home, quiet)

    assert not nothing_new(state_dir(), str(quiet))


def test_a_project_that_is_not_known_or_was_moved_is_caught_up_with(home: Path, quiet: Path) -> None:
    moved = home / "moved"
    assert not nothing_new(state_dir(), str(moved))

    quiet.rename(moved)

    assert not nothing_new(state_dir(), str(moved))
