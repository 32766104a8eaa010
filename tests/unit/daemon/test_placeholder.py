from __future__ import annotations

from pathlib import Path

import pytest

from carryover.config import Config, ProjectSettings, PublishConfig
from carryover.daemon.placeholder import awaits_handoff, with_placeholder
from carryover.distill.header import PLACEHOLDER
from carryover.publish.project_files import Published
from carryover.publish.refresh import Refreshed


@pytest.fixture
def root(home: Path) -> Path:
    root = home / "work" / "shop"
    root.mkdir(parents=True)
    return root


def refreshed(root: Path, *, text: str | None = None, settings: ProjectSettings | None = None) -> Refreshed:
    return Refreshed(root=str(root), settings=settings or ProjectSettings(), handoff=None, text=text, git=None)


def handoff(root: Path) -> Path:
    return root / ".carryover" / "handoff.md"


def test_a_project_without_a_handoff_gets_the_placeholder_and_the_pointers(root: Path, home: Path) -> None:
    assert awaits_handoff(root, Config(), home=home)

    made = with_placeholder(refreshed(root), home=home)

    assert made.published == Published(changed=True, edited=("AGENTS.md",))
    assert handoff(root).read_text() == PLACEHOLDER
    assert made.text is None, "the placeholder is no handoff, and is not remembered as one"


def test_one_that_was_interrupted_is_completed(root: Path, home: Path) -> None:
    handoff(root).parent.mkdir(mode=0o700)
    handoff(root).write_text(PLACEHOLDER)

    assert awaits_handoff(root, Config(), home=home)
    with_placeholder(refreshed(root), home=home)

    assert (root / "AGENTS.md").exists()


@pytest.mark.parametrize("text", ["# [CARRYOVER] Last updated 2026\n", "", "x" * 5000])
def test_a_handoff_that_lies_there_stays(root: Path, home: Path, text: str) -> None:
    """Also where the ledger that it was made from is gone."""
    handoff(root).parent.mkdir(mode=0o700)
    handoff(root).write_text(text)

    assert not awaits_handoff(root, Config(), home=home)
    assert with_placeholder(refreshed(root), home=home) == refreshed(root)
    assert handoff(root).read_text() == text


def test_where_there_is_something_to_hand_over_no_placeholder_is_needed(root: Path, home: Path) -> None:
    made = refreshed(root, text="# [CARRYOVER] Last updated 2026\n")
    assert with_placeholder(made, home=home) == made
    assert not handoff(root).exists()


def test_where_nothing_may_be_published_nothing_is_awaited(root: Path, home: Path) -> None:
    assert not awaits_handoff(home, Config(), home=home)
    assert not awaits_handoff(home / "missing", Config(), home=home)
    (root / ".carryover.toml").write_text("exclude = true\n")
    assert not awaits_handoff(root, Config(), home=home)


def test_where_handoffs_are_kept_apart_the_placeholder_is_too(root: Path, home: Path) -> None:
    folder = home / "handoffs" / "shop"
    config = Config(publish=PublishConfig(folder=str(home / "handoffs")))
    assert awaits_handoff(root, config, home=home)

    with_placeholder(refreshed(root, settings=ProjectSettings(folder=folder)), home=home)

    assert (folder / "handoff.md").read_text() == PLACEHOLDER
    assert list(root.iterdir()) == []
