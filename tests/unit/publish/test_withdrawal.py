"""What the settings no longer allow is taken out of every project, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.config import Config, Pointers, ProjectsConfig, ProjectSettings, PublishConfig
from carryover.edits.record import PublishedProject, remember_project
from carryover.publish.project_files import publish, withdraw
from carryover.redact import CleanText
from support.repository import git, repository

TEXT = CleanText("# [CARRYOVER]\n")
BEFORE = {"AGENTS.md": "Be brief.", "CLAUDE.md": "Be Claude.\r\n", ".gitignore": "a\n"}


@pytest.fixture
def state(home: Path) -> Path:
    return home / ".carryover"


@pytest.fixture
def roots(home: Path, state: Path) -> tuple[Path, Path]:
    """Two projects that were published with pointers: one had its own texts, one had none."""
    made = repository(home / "app", BEFORE), repository(home / "bare", {"a.py": "1\n"})
    for root in made:
        publish(root, TEXT, ProjectSettings())
        remember_project(state, PublishedProject(str(root), str(root / ".carryover")))
    return made


def pointing(pointers: Pointers | None, **more: object) -> Config:
    return Config(publish=PublishConfig(pointers=pointers), **more)  # type: ignore[arg-type]


def content(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and ".git" not in path.relative_to(root).parts)
    return {str(path.relative_to(root)): path.read_bytes().decode() for path in files}


@pytest.mark.parametrize(
    "config",
    [
        pointing("shared"),
        pointing(None),
        pointing("off", paused=True),
    ],
    ids=["shared", "undecided", "paused"],
)
def test_otherwise_everything_stays(roots: tuple[Path, Path], state: Path, config: Config) -> None:
    before = [content(root) for root in roots]

    assert withdraw(state, config) == ()

    assert [content(root) for root in roots] == before


@pytest.mark.parametrize("pointers", ["shared", "private", None])
def test_nothing_stays_in_a_project_that_is_left_out(
    roots: tuple[Path, Path], state: Path, pointers: Pointers | None
) -> None:
    app, bare = roots
    (app / ".carryover" / "handoff-chosen.md").write_text(TEXT)
    others = content(bare)

    withdraw(state, pointing(pointers, projects=ProjectsConfig(exclude=("app",))))

    assert (content(app), content(bare) == others) == (BEFORE, pointers != "private")
    assert git(app, "status", "--porcelain") == ""


def test_what_the_user_wrote_into_a_block_stays_and_is_named(roots: tuple[Path, Path], state: Path) -> None:
    _, bare = roots
    edited = (bare / "AGENTS.md").read_text().replace("read it before", "never read it before")
    (bare / "AGENTS.md").write_text(edited)

    done = withdraw(state, pointing("off"))

    assert content(bare)["AGENTS.md"] == edited
    assert done[-1].notes == ("AGENTS.md was left alone: its Carryover block was edited by hand",)
    assert not (bare / ".carryover" / "handoff.md").exists()
    assert git(bare, "status", "--porcelain") == "?? .gitignore\n?? AGENTS.md\n"
