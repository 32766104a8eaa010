"""Finds the commits of a repository, and those that lines came with. Blocking, in bounded time."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from carryover.probe.git import output_of
from carryover.text.pattern import later

TIMEOUT_S: Final = 2.0
MOST_COMMITS: Final = 500

_LOG: Final = ("log", "--no-renames", "--name-only", "--root", "--encoding=UTF-8", "--format=%x01%H %at %ct %s")
_HEADER: Final = later(r"\x01(?P<id>[0-9a-f]{40,64}) (?P<authored_s>\d+) (?P<committed_s>\d+) (?P<subject>.*)")
_BLAMED: Final = later(rb"([0-9a-f]{40,64}) (\d+) \d+")
_FORMER_NAME: Final = later(rb"^filename (.+)$", re.M)
_HUNK: Final = later(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.M)
_NAMES: Final = ("--find-renames", "-l1000", "--name-status", "-z")
_NAME: Final = later(r"\w[^\s:]*")
"""Names of commits and branches that git cannot take for an option or a path."""
SHORT: Final = 8


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit. Times are UTC ms, of whole seconds; a rebase changes only `committed_ms`."""

    id: str
    subject: str
    authored_ms: int
    committed_ms: int
    files: tuple[str, ...] = ()
    """Paths that it changed, relative to the top of the repository; empty for a merge."""


def newest_commits(root: Path, *, since_ms: int = 0, limit: int = MOST_COMMITS) -> list[Commit]:
    """Returns the newest commits of HEAD and all branches, newest first; empty if git gives no answer in time."""
    since = [f"--since=@{since_ms // 1000} +0000"] if since_ms else []
    return _log(root, f"--max-count={limit}", *since, "--branches", "HEAD")


def commit_named(root: Path, name: str) -> list[Commit]:
    """Returns the commit that git calls `name`, followed by the commits before it; empty if there is none."""
    return _log(root, f"--max-count={MOST_COMMITS}", f"{name}^{{commit}}") if _NAME.fullmatch(name) else []


def commit_of_line(root: Path, path: str, line: int) -> tuple[Commit, str] | None:
    """Returns the commit that introduced line `line` (from 1) of the file in its present state, and the file's name in
    that commit. Names are relative to the top of the repository. None if the line is not in HEAD, or
    git gives no answer in time."""
    changes = output_of(root, "diff", "--unified=0", "--no-renames", "HEAD", "--", path, timeout_s=TIMEOUT_S)
    at = _line_before(changes, line) if changes is not None else None
    if at is None:
        return None
    blamed = output_of(root, "blame", "--porcelain", f"-L{at},{at}", "HEAD", "--", path, timeout_s=TIMEOUT_S)
    found = _BLAMED.match(blamed) if blamed else None
    if not blamed or found is None:
        return None
    commits = _log(root, "--max-count=1", found[1].decode())
    if not commits:
        return None
    former = _FORMER_NAME.search(blamed)
    return commits[0], path if former is None else os.fsdecode(former[1])


class FormerName(msgspec.Struct, frozen=True, kw_only=True):
    """A name, relative to the top of the repository, that a file had before it was renamed."""

    name: str
    until_ms: int | None
    """The commit that renamed it (UTC ms); None if that is not committed."""


def former_names(root: Path, path: str) -> list[FormerName]:
    """Returns the names that the file at `path` (relative to the top of the repository) had before, newest first.

    They are those of renames that git recognises, also of one that is staged. Empty if it gives no answer in time.
    """
    staged = _renames(output_of(root, "diff", *_NAMES, "HEAD", "--", timeout_s=TIMEOUT_S) or b"")
    names = [FormerName(name=old, until_ms=None) for old, new, _ in staged if new == path]
    committed = names[0].name if names else path
    log = ("log", "--follow", f"--max-count={MOST_COMMITS}", "--format=%x01%ct", *_NAMES, "HEAD", "--", committed)
    renames = _renames(output_of(root, *log, timeout_s=TIMEOUT_S) or b"")
    return [*names, *(FormerName(name=old, until_ms=at_ms) for old, _, at_ms in renames)]


def _renames(out: bytes) -> Iterator[tuple[str, str, int]]:
    """Yields the old name, the new one and the time (UTC ms) of each rename in what git printed."""
    words = iter(os.fsdecode(out).split("\0"))
    at_ms = 0
    for word in words:
        text = word.strip("\n")
        if text.startswith("\x01"):
            time_s, _, text = text[1:].partition("\n")
            at_ms = int(time_s) * 1000
        if text.startswith("R"):
            yield next(words), next(words), at_ms
        elif text:
            next(words)


def _log(root: Path, *arguments: str) -> list[Commit]:
    out = output_of(root, *_LOG, *arguments, "--", timeout_s=TIMEOUT_S) or b""
    return list(_commits(out.decode("utf-8", "replace").split("\n")))


def _commits(lines: Sequence[str]) -> Iterator[Commit]:
    starts = [at for at, line in enumerate(lines) if line.startswith("\x01")]
    for at, end in pairwise([*starts, len(lines)]):
        if header := _HEADER.match(lines[at]):
            yield Commit(
                id=header["id"],
                subject=header["subject"],
                authored_ms=int(header["authored_s"]) * 1000,
                committed_ms=int(header["committed_s"]) * 1000,
                files=tuple(line for line in lines[at + 1 : end] if line),
            )


def _line_before(diff: bytes, line: int) -> int | None:
    moved = 0
    for hunk in _HUNK.finditer(diff):
        removed = int(hunk[2] or 1)
        start = int(hunk[3])
        added = int(hunk[4] or 1)
        if line < start + (added == 0):  # without added lines, `start` is the line before
            break
        if line < start + added:
            return None
        moved += removed - added
    return line + moved
