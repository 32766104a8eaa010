"""Recognises a project whose folder has been moved, by what only the same folder has. Blocks.

Nothing is joined unless the old path is gone, and either `.git` is the same one on disk or the folder holds exactly the
handoff last published at the old path. A clone was created at another time and has no handoff; anyone who copied a
handoff has its content already. A worktree that was removed has moved into its main checkout, where its branch is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.config import Config, project_settings
from carryover.facts import is_foreign
from carryover.fsio import is_folder, is_gone
from carryover.ledger.rows import Whereabouts
from carryover.paths import STORE
from carryover.platform import here
from carryover.probe.checkout import Checkout
from carryover.probe.git_dir import listed_worktrees
from carryover.probe.looks import Silent, look_at
from carryover.projects.handoff_file import BEGINNING, HANDOFF, fingerprint_of, read_handoff
from carryover.projects.policy import refusal
from carryover.projects.root import StatePaths
from carryover.terminal.paths import shell_word

_MOST_SUGGESTED: Final = 3


def identity_of(root: Path) -> str | None:
    """Returns what distinguishes the repository's main checkout at `root` from all others, whatever is committed or
    configured there, as the ledger has it; None for a worktree, or if its age can't be determined."""
    try:
        found = (root / ".git").lstat()
        if not (root / ".git" / "HEAD").is_file():  # a worktree's .git is a file, whose inode may be reused
            return None
        # Git writes this file only once, from its template; a user's template may lack it.
        made_ns = (root / ".git" / "description").lstat().st_mtime_ns
    except OSError:
        return None
    # A clone may get the inode of a deleted repository, but not its time.
    parts = {"device": found.st_dev, "inode": found.st_ino, "made_ns": made_ns}
    return msgspec.json.encode(parts).decode() if made_ns else None


def is_away(root: str) -> bool:
    """Whether the project's folder is no longer at `root`: nothing is there, or a symlink, or it is another
    machine's, or spelt differently by now. On a disk that does not answer, it counts as there."""
    try:
        return is_foreign(root) or look_at(root, lambda: is_gone(Path(root)) or here().canonical(root) != root)
    except Silent:
        return False


def may_have_moved(row: Whereabouts, root: str) -> bool:
    """Whether a project has sessions at another root whose folder is gone and has not been found again."""
    may_move = row.has_sessions and row.moved_to is None and not row.not_moved and not is_foreign(row.root)
    return may_move and row.root != root and is_away(row.root)


def moved_to_here(
    root: Path,
    identity: str | None,
    known: Iterable[Whereabouts],
    config: Config,
    paths: StatePaths,
) -> list[Whereabouts]:
    """Returns the projects that demonstrably moved to `root`. `identity`: that of the repository there now."""
    handoff = _handoff_in(root)

    def is_it(row: Whereabouts) -> bool:
        is_same = identity is not None and row.identity == identity
        has_left = handoff is not None and row.published_sha == handoff
        # In this order, so that of hundreds of projects no other is looked for on the disk.
        if not (is_same or has_left) or not may_have_moved(row, str(root)):
            return False
        if project_settings(Path(row.root), config).excluded is not None:
            return False
        # If the parent of its old path is gone too, the disk may be unmounted. A handoff where none may be written may
        # have come with a clone.
        if has_left and is_folder(Path(row.root).parent) and refusal(Checkout(root), paths) is None:
            return True
        return is_same and (row.main_root is None or _was_worktree(row, root))

    return list(filter(is_it, known))


def _was_worktree(row: Whereabouts, root: Path) -> bool:
    """Whether the project was a worktree of the main checkout at `root`, and was removed. One that was moved is there
    under another path, with its handoff; if the folder above it is gone too, the disk may be unmounted, unless git has
    removed it from its list."""
    checkout = Checkout(root)
    is_listed = checkout.common is not None and row.root in map(str, listed_worktrees(checkout.common))
    if is_listed and not is_folder(Path(row.root).parent):
        return False
    return row.published_sha is None or row.published_sha not in map(_handoff_in, checkout.others)


def _handoff_in(root: Path) -> str | None:
    """Returns the fingerprint of the handoff in a folder; None if there is none."""
    try:
        text = read_handoff(root / STORE / HANDOFF)
    except OSError:
        return None
    return fingerprint_of(text) if text.startswith(BEGINNING) else None


def how_to_link(known: Sequence[Whereabouts], root: str, *, has_work: bool) -> str | None:
    """Returns a sentence that says how to join another project with the same folder name to the one at `root`: one of
    another machine or, unless `has_work` is recorded at `root`, one whose folder is gone. None if no project in
    `known` is either."""
    if not is_folder(Path(root)):
        return None
    alike = [row for row in known if Path(row.root).name == Path(root).name]
    others = [row.root for row in alike if is_foreign(row.root) and row.moved_to is None and not row.not_moved]
    if others:
        return f"Another machine has a project of this name. If it is the same, {_links(others, root)} joins the two."
    # A worktree that is gone belongs to its main checkout, and to no other clone.
    gone = [row.root for row in alike if not has_work and row.main_root in (None, root) and may_have_moved(row, root)]
    return f"If this project was moved here, {_links(gone, root)} brings along what was recorded." if gone else None


def _links(olds: Sequence[str], root: str) -> str:
    commands = (f"`carryover link {shell_word(old)} {shell_word(root)}`" for old in olds[:_MOST_SUGGESTED])
    return " or ".join(commands)


def moves_with(
    old: str, new: str, known: Sequence[Whereabouts], root_of: Callable[[str], str]
) -> list[tuple[Whereabouts, str]]:
    """Returns the project at `old` and those below it, which move along, each with its new root."""
    taken = []
    for row in known:
        below = row.root.removeprefix(old.rstrip("/"))
        if row.root == old:
            taken.append((row, new))
        elif below != row.root and below.startswith("/") and is_away(row.root):
            taken.append((row, root_of(new.rstrip("/") + below)))
    return taken
