"""What to say where a project that was moved may be missing its past: which command brings it along."""

from __future__ import annotations

import shlex
from contextlib import closing
from pathlib import Path
from typing import Final

from carryover.fsio import is_folder
from carryover.ledger.queries import connect_read_only, whereabouts
from carryover.paths import StateDir
from carryover.publish.moved_folders import identity_of, may_be_here, may_have_moved

MOST_SUGGESTED: Final = 3


def suggestions(state: StateDir, root: str, *, by_name: bool) -> list[str]:
    """Roots of gone projects that may be the one at `root` now, likeliest first: those of the same repository and, with
    `by_name`, those whose folders were called the same."""
    if not state.ledger.exists() or not is_folder(Path(root)):
        return []
    with closing(connect_read_only(state.ledger)) as db:
        known = whereabouts(db)
    gone = [row for row in known if may_have_moved(row, root)]
    identity = identity_of(Path(root)) if any(row.identity is not None for row in gone) else None
    return may_be_here(Path(root), identity, gone, by_name=by_name)[:MOST_SUGGESTED]


def how_to_link(state: StateDir, root: str, *, by_name: bool) -> str | None:
    """The command by which the past of a project that was moved to `root` comes along, where one may have been."""
    found = suggestions(state, root, by_name=by_name)
    if not found:
        return None
    commands = " or ".join(f"`carryover link {shlex.quote(old)} {shlex.quote(root)}`" for old in found)
    return f"If this project was moved here, {commands} brings along what was recorded."
