"""Commits of a repository and where its lines come from, for views. Blocking, in bounded time.

All that views ask git for is here, through `git_command`; nothing else knows how git says it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from carryover.probe.git import may_be_repository
from carryover.probe.git_command import ask

TIMEOUT_S: Final = 2.0
MOST_COMMITS: Final = 500

_LOG: Final = ("log", "--no-renames", "--name-only", "--root", "--encoding=UTF-8", "--format=%x01%H %at %ct %s")
_HEADER: Final = re.compile(r"\x01([0-9a-f]{40,64}) (\d+) (\d+) (.*)")
_BLAMED: Final = re.compile(rb"([0-9a-f]{40,64}) (\d+) \d+")
_HUNK: Final = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.M)
_NAME: Final = re.compile(r"\w[^\s:]*")
"""Of a commit or branch: never taken for an option or a path."""
SHORT: Final = 8
"""Characters of an id that people are shown."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit. Times are UTC ms, of whole seconds; a rebase changes only `committed_ms`."""

    id: str
    subject: str
    authored_ms: int
    committed_ms: int
    files: tuple[str, ...] = ()
    """Paths that differ from its parent, relative to the top of the repository; none of a merge."""


def newest_commits(root: Path, *, since_ms: int = 0, limit: int = MOST_COMMITS) -> list[Commit]:
    """The newest commits of HEAD and all branches, newest first; none if git has none or does not answer in time."""
    since = [f"--since=@{since_ms // 1000}"] if since_ms else []
    return _log(root, f"--max-count={limit}", *since, "--branches", "HEAD")


def commit_named(root: Path, name: str) -> list[Commit]:
    """The commit that git calls `name`, followed by those before it; none if there is no such commit."""
    return _log(root, f"--max-count={MOST_COMMITS}", f"{name}^{{commit}}") if _NAME.fullmatch(name) else []


def commit_of_line(root: Path, path: str, line: int) -> Commit | None:
    """The commit that brought line `line` (from 1) of the file as it is now; None if the line is not in HEAD.

    `path` is relative to the top of the repository. None also if git does not know or does not answer in time.
    """
    [changes] = _asked(root, ("diff", "--unified=0", "--no-renames", "HEAD", "--", path)) or [None]
    at = _line_before(changes, line) if changes is not None else None
    if at is None:
        return None
    [blamed] = _asked(root, ("blame", "--porcelain", f"-L{at},{at}", "HEAD", "--", path)) or [None]
    found = _BLAMED.match(blamed) if blamed else None
    commits = _log(root, "--max-count=1", found[1].decode()) if found is not None else []
    return commits[0] if commits else None


def _log(root: Path, *arguments: str) -> list[Commit]:
    [out] = _asked(root, (*_LOG, *arguments, "--")) or [b""]
    return list(_commits(out.decode("utf-8", "replace").split("\n")))


def _asked(root: Path, *commands: Sequence[str]) -> list[bytes] | None:
    """What git says to each; None if any of them fails or none of them is answered in time."""
    if not may_be_repository(root):
        return None
    try:
        answers = ask(root, *commands, deadline=time.monotonic() + TIMEOUT_S)
    except (TimeoutError, FileNotFoundError):
        return None
    return [answer.out for answer in answers] if all(answer.code == 0 for answer in answers) else None


def _commits(lines: Sequence[str]) -> Iterator[Commit]:
    starts = [at for at, line in enumerate(lines) if line.startswith("\x01")]
    for at, end in pairwise([*starts, len(lines)]):
        if header := _HEADER.match(lines[at]):
            yield Commit(
                id=header[1],
                subject=header[4],
                authored_ms=int(header[2]) * 1000,
                committed_ms=int(header[3]) * 1000,
                files=tuple(line for line in lines[at + 1 : end] if line),
            )


def _line_before(diff: bytes, line: int) -> int | None:
    """The number that line `line` has on the other side of a diff without context; None if the diff added it."""
    moved = 0
    for hunk in _HUNK.finditer(diff):
        removed, start, added = int(hunk[2] or 1), int(hunk[3]), int(hunk[4] or 1)
        if line < start + (added == 0):  # without added lines, `start` is the line before
            break
        if line < start + added:
            return None
        moved += removed - added
    return line + moved
