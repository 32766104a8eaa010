"""Under `shared`, what is meant to be committed is written once per repository, and then git alone decides about it."""

from __future__ import annotations

from pathlib import Path
from subprocess import CalledProcessError

import pytest

from carryover.config import ProjectSettings
from carryover.projects.handoff_file import Published
from carryover.publish.pointers import NEW_FILE
from carryover.redact import CleanText
from support.publishing import edited_by, publish, withdraw
from support.repository import git, repository

OURS = ("AGENTS.md", "CLAUDE.md", ".gitignore")


@pytest.fixture
def app(home: Path) -> Path:
    return repository(home / "app", {"CLAUDE.md": "Be Claude.\n"})


def published(root: Path, *, agreed_ms: int = 0, **settings: object) -> Published:
    return publish(root, CleanText("# [CARRYOVER] \n"), ProjectSettings(agreed_ms=agreed_ms, **settings))  # type: ignore[arg-type]


def edited(root: Path, *, agreed_ms: int = 0) -> tuple[str, ...]:
    return edited_by(lambda: published(root, agreed_ms=agreed_ms), root)


def texts(root: Path) -> dict[str, bytes]:
    return {name: (root / name).read_bytes() for name in OURS if (root / name).exists()}


@pytest.mark.parametrize(
    "takes_away",
    [
        [("stash", "--include-untracked")],
        [("reset", "--hard"), ("clean", "-fd")],
        [("reset", "--hard"), ("clean", "-fdx")],
        [("checkout", "."), ("clean", "-f")],
    ],
    ids=["stash", "reset", "clean -x", "checkout"],
)
def test_what_git_takes_away_stays_away(app: Path, takes_away: list[tuple[str, ...]]) -> None:
    before = texts(app)
    published(app)
    for command in takes_away:
        git(app, *command)

    for _ in range(2):
        assert edited(app) == ()
    assert texts(app) == before
    assert git(app, "status", "--porcelain") == ""


def test_where_nothing_else_is_left_beside_it_it_goes_however_often_it_was_published(app: Path) -> None:
    """Alone in a CLAUDE.md, it would hide AGENTS.md from Claude Code."""
    published(app)
    (app / "CLAUDE.md").write_bytes(texts(app)["CLAUDE.md"].replace(b"Be Claude.\n", b""))

    assert edited(app) == ("CLAUDE.md",)
    assert texts(app)["CLAUDE.md"].strip() == b""
    assert edited(app) == ()


def test_a_stash_can_be_popped_after_the_next_publication(app: Path) -> None:
    published(app)
    whole = texts(app)
    git(app, "stash", "--include-untracked")
    published(app)

    git(app, "stash", "pop")

    assert texts(app) == whole


def test_a_rebase_is_not_kept_from_going_on(app: Path) -> None:
    git(app, "checkout", "-q", "-b", "feature")
    for branch in ("feature", "main"):
        git(app, "checkout", "-q", branch)
        (app / "CLAUDE.md").write_text(f"Be {branch}.\n")
        git(app, "commit", "-q", "-a", "-m", branch)
    with pytest.raises(CalledProcessError):  # a conflict
        git(app, "rebase", "main", "feature")
    (app / "CLAUDE.md").write_text("Be both.\n")
    git(app, "add", "CLAUDE.md")

    assert edited(app) == ()
    git(app, "-c", "core.editor=true", "rebase", "--continue")
    assert edited(app) == ("AGENTS.md", "CLAUDE.md")


def test_what_is_committed_comes_and_goes_with_its_branch(app: Path) -> None:
    git(app, "branch", "old")
    published(app)
    git(app, "add", "AGENTS.md", "CLAUDE.md")
    git(app, "commit", "--quiet", "--message", "Point agents to the handoff")

    for branch, has_it in (("old", False), ("main", True)):
        git(app, "switch", "--quiet", branch)
        assert edited(app) == ()
        assert (app / "AGENTS.md").exists() is has_it
        assert git(app, "status", "--porcelain") == ""


def test_a_file_that_comes_later_gets_it_only_where_head_has_it(app: Path) -> None:
    published(app)
    (app / "GEMINI.md").write_text("Be Gemini.\n")
    assert edited(app) == ()

    git(app, "add", "--all")
    git(app, "commit", "--quiet", "--message", "Point agents to the handoff")
    assert edited(app) == ("GEMINI.md",)


def test_another_worktree_gets_none_of_it(app: Path, home: Path) -> None:
    published(app)
    git(app, "worktree", "add", "--quiet", "../tree")

    assert edited(home / "tree") == ()
    git(app, "worktree", "remove", "../tree")


def test_the_user_s_word_writes_it_anew_and_so_does_an_end_of_a_pause(app: Path) -> None:
    published(app)
    git(app, "reset", "--hard", "--quiet")
    git(app, "clean", "-fd")

    assert edited(app, agreed_ms=1) == ("AGENTS.md", "CLAUDE.md")
    assert edited(app, agreed_ms=1) == ()

    withdraw(app, ProjectSettings(pointers="off", excluded="`carryover pause`"))
    assert texts(app) == {"CLAUDE.md": b"Be Claude.\n"}
    assert edited(app, agreed_ms=1) == ("AGENTS.md", "CLAUDE.md")


def test_a_pause_and_its_end_leave_what_is_committed_as_it_is(app: Path) -> None:
    published(app)
    git(app, "add", "AGENTS.md")
    git(app, "commit", "--quiet", "--message", "Point agents to the handoff")

    withdraw(app, ProjectSettings(excluded="`carryover pause`"))
    assert texts(app) == {"AGENTS.md": NEW_FILE, "CLAUDE.md": b"Be Claude.\n"}
    assert git(app, "status", "--porcelain") == ""

    assert edited(app) == ("CLAUDE.md",)
    withdraw(app, ProjectSettings(pointers="off"))
    assert texts(app) == {"CLAUDE.md": b"Be Claude.\n"}


@pytest.mark.parametrize("left_out", ["sparse", "removed", "announced"])
def test_a_file_that_git_has_is_not_made_where_it_is_missing(home: Path, left_out: str) -> None:
    """With our text alone in it, the next commit would take the team's out."""
    app = repository(home / "app", {"AGENTS.md": "Use decimals.\n", ".gitignore": "*.o\n", "shop/cart.py": "x = 1\n"})
    if left_out == "sparse":
        git(app, "sparse-checkout", "set", "--no-cone", "/shop/")
    elif left_out == "announced":
        git(app, "rm", "--quiet", "--cached", "AGENTS.md", ".gitignore")
        git(app, "add", "--intent-to-add", "AGENTS.md", ".gitignore")
    for name in ("AGENTS.md", ".gitignore"):
        (app / name).unlink(missing_ok=True)
    before = git(app, "status", "--porcelain")

    assert (published(app).refusal, texts(app)) == (None, {})
    assert git(app, "status", "--porcelain") == before
