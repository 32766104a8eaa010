"""Says which commit another machine had of a project that is worked on here too. Blocking."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from carryover.distill.quotes import clip
from carryover.distill.view import ProjectView
from carryover.facts import is_foreign
from carryover.ledger.queries import project_by_root, published_git
from carryover.probe.git import TIMEOUT_S, may_be_repository
from carryover.probe.git_command import ask_one

_MOST: Final = 2
_BRANCH_CHARS: Final = 80


def elsewhere_lines(db: sqlite3.Connection, view: ProjectView) -> tuple[str, ...]:
    """Returns a line for each of the machines whose sessions are the newest, as far as their commits are known."""
    if is_foreign(view.root) or not any(session.where for session in view.sessions):
        return ()
    lines = (_line(db, former, Path(view.root)) for former in filter(is_foreign, view.former_roots))
    return tuple([line for line in lines if line is not None][:_MOST])


def _line(db: sqlite3.Connection, foreign: str, root: Path) -> str | None:
    project = project_by_root(db, foreign)
    git = published_git(db, project.id) if project is not None else None
    if git is None or git.head is None:
        return None
    branch = f"branch {clip(git.branch, chars=_BRANCH_CHARS)}" if git.branch else "detached HEAD"
    return f"on {foreign.partition(':')[0]}: {branch} at {git.head}{_whether_here(root, git.head)}"


def _whether_here(root: Path, commit: str) -> str:
    """Says whether the repository at `root` has the commit; nothing if there is none or git is too slow."""
    if not may_be_repository(root):
        return ""
    try:
        asked = ask_one(root, "cat-file", "-e", f"{commit}^{{commit}}", timeout_s=TIMEOUT_S)
    except OSError:
        return ""
    return ", which is here" if asked.code == 0 else ", which is not here; `git fetch` may bring it"
