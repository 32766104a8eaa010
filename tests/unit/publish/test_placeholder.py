"""A project in which a session starts before there is anything to hand over."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.config import Config, ProjectSettings, PublishConfig
from carryover.distill.header import PLACEHOLDER
from carryover.paths import StateDir
from carryover.projects.handoff_file import Published
from carryover.projects.root import StatePaths
from carryover.publish.make import Refreshed
from carryover.publish.refresh import awaits_handoff, with_placeholder
from carryover.redact import CleanText


@pytest.fixture
def root(home: Path) -> Path:
    root = home / "work" / "shop"
    root.mkdir(parents=True)
    return root


@pytest.fixture
def paths(home: Path) -> StatePaths:
    return StatePaths.of(StateDir(home / ".carryover"), home)


def refreshed(root: Path, *, text: str | None = None, settings: ProjectSettings | None = None) -> Refreshed:
    return Refreshed(
        root=str(root),
        settings=settings or ProjectSettings(),
        handoff=None,
        text=CleanText(text) if text else None,
        git=None,
    )


def handoff(root: Path) -> Path:
    return root / ".carryover" / "handoff.md"


def test_a_project_without_a_handoff_gets_the_placeholder_and_the_pointers(
    root: Path, home: Path, paths: StatePaths
) -> None:
    assert awaits_handoff(root, Config(), paths)

    made = with_placeholder(refreshed(root), paths)

    assert made.published == Published(
        changed=True, file=Path(made.root) / ".carryover" / "handoff.md", edited=("AGENTS.md",)
    )
    assert handoff(root).read_text() == PLACEHOLDER
    assert made.text is None, "the placeholder is no handoff, and is not remembered as one"


def test_one_that_was_interrupted_is_completed(root: Path, home: Path, paths: StatePaths) -> None:
    handoff(root).parent.mkdir(mode=0o700)
    handoff(root).write_text(PLACEHOLDER)

    assert awaits_handoff(root, Config(), paths)
    with_placeholder(refreshed(root), paths)

    assert (root / "AGENTS.md").exists()


@pytest.mark.parametrize("text", ["# [CARRYOVER] Last updated 2026\n", "", "x" * 5000])
def test_a_handoff_that_lies_there_stays(root: Path, home: Path, paths: StatePaths, text: str) -> None:
    """Also where the ledger that it was made from is gone."""
    handoff(root).parent.mkdir(mode=0o700)
    handoff(root).write_text(text)

    assert not awaits_handoff(root, Config(), paths)
    assert with_placeholder(refreshed(root), paths) == refreshed(root)
    assert handoff(root).read_text() == text


def test_where_nothing_may_be_published_nothing_is_awaited(root: Path, home: Path, paths: StatePaths) -> None:
    assert not awaits_handoff(home, Config(), paths)
    assert not awaits_handoff(home / "missing", Config(), paths)
    (root / ".carryover.toml").write_text("exclude = true\n")
    assert not awaits_handoff(root, Config(), paths)


def test_where_handoffs_are_kept_apart_the_placeholder_is_too(root: Path, home: Path, paths: StatePaths) -> None:
    folder = home / "handoffs" / "shop"
    config = Config(publish=PublishConfig(folder=str(home / "handoffs")))
    assert awaits_handoff(root, config, paths)

    with_placeholder(refreshed(root, settings=ProjectSettings(folder=folder)), paths)

    assert (folder / "handoff.md").read_text() == PLACEHOLDER
    assert list(root.iterdir()) == []
