"""What Carryover writes into a project is told from what people and agents change there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from carryover.config import Config
from carryover.facts import GitFacts
from carryover.paths import StateDir
from carryover.publish.refresh import Refreshed, refresh
from support.claude_session import ClaudeSession
from support.repository import git


def published(home: Path, project: int) -> Refreshed:
    state = StateDir(home / ".carryover")
    return refresh(state.ledger, project, Config(), state=state.root, home=home, now_ms=1_795_200_000_000)


def facts_of(made: Refreshed) -> tuple[int, int]:
    assert made.git is not None
    return made.git.changed_files, made.git.untracked


def test_the_handoffs_git_context_leaves_out_what_publishing_it_wrote(
    home: Path, session: ClaudeSession, read_in: Callable[[ClaudeSession], int]
) -> None:
    """A project with a text in AGENTS.md and .gitignore, and one in CLAUDE.md that is not committed yet."""
    for name, text in (("AGENTS.md", "Be brief.\n"), (".gitignore", "*.pyc\n")):
        (session.cwd / name).write_text(text)
    git(session.cwd, "add", "--all")
    git(session.cwd, "commit", "--quiet", "--message", "rules")
    session.prompt("Add a discount function")
    project = read_in(session)

    edited = published(home, project).published.edited
    made = published(home, project)

    assert edited == (".gitignore", "AGENTS.md")
    assert facts_of(made) == (0, 0)
    assert made.text is not None and "; nothing uncommitted" in made.text
    (session.cwd / "AGENTS.md").write_text((session.cwd / "AGENTS.md").read_text().replace("brief", "terse"))
    (session.cwd / "CLAUDE.md").write_text("Be kind.\n")
    published(home, project)
    assert facts_of(published(home, project)) == (1, 1)


def test_files_that_publishing_made_are_not_counted(
    home: Path, session: ClaudeSession, read_in: Callable[[ClaudeSession], int]
) -> None:
    session.prompt("Add a discount function")
    project = read_in(session)

    edited = published(home, project).published.edited

    assert edited == (".gitignore", "AGENTS.md")
    head = git(session.cwd, "rev-parse", "--short", "HEAD").strip()
    assert published(home, project).git == GitFacts(branch="main", head=head, subject="first commit")
