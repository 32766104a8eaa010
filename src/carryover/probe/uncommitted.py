"""Reads uncommitted changes, file by file and bounded. Blocking."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.fsio import is_gone
from carryover.probe.git import may_be_repository, of_others
from carryover.probe.git_command import ask
from carryover.probe.git_diff import ChangedFile, OwnWrites, changed_files

MOST_FILES: Final = 500
MOST_DIFFS: Final = 60
LONGEST_LINES: Final = 3_000
"""Most lines of a file's diff."""
LARGEST_BYTES: Final = 512 << 10
"""Largest size of a file, then and now, whose diff is read."""
_AT_ONCE: Final = 4
_NUMSTAT: Final = ("diff", "--numstat", "-z", "--no-renames", "HEAD", "--")
_DIFF: Final = ("diff", "--no-renames", "HEAD", "--")


class Uncommitted(msgspec.Struct, frozen=True, kw_only=True):
    """A file that differs from HEAD. `diff` is empty if it is not text, too long, deleted, or not to be shown."""

    path: str
    insertions: int
    deletions: int
    diff: str = ""
    new: bool = False
    """Whether HEAD does not have the file."""
    gone: bool = False
    """Whether the file was deleted."""


def uncommitted(
    root: Path, *, own: OwnWrites, hidden: Callable[[str], bool] = lambda _: False, timeout_s: float = 5.0
) -> list[Uncommitted]:
    """Returns the files that differ from HEAD in the repository at `root`, except for what `own` describes.

    At most 500 files, sorted by path; the first 60 that may be shown have their text. The text of a `hidden` path is
    not read. As careful as `git_facts`; also empty if git is missing, has no commit, or does not answer in time.
    """
    deadline = time.monotonic() + timeout_s
    try:
        return _uncommitted(root, own, hidden, deadline) if may_be_repository(root) else []
    except (TimeoutError, FileNotFoundError):
        return []


def _uncommitted(root: Path, own: OwnWrites, hidden: Callable[[str], bool], deadline: float) -> list[Uncommitted]:
    [numstat] = ask(root, _NUMSTAT, deadline=deadline)
    if numstat.code != 0:
        return []
    changed = of_others(root, changed_files(numstat.out), own, "HEAD", deadline)[:MOST_FILES]
    sizes = _sizes(root, [file.path for file in changed], deadline)
    shown = [file for file in changed if _may_be_shown(root, file, sizes) and not hidden(file.path)][:MOST_DIFFS]
    diffs: dict[str, str] = {}
    for start in range(0, len(shown), _AT_ONCE):
        few = shown[start : start + _AT_ONCE]
        commands = [(*_DIFF, file.path) for file in few]
        for file, answer in zip(few, ask(root, *commands, deadline=deadline), strict=True):
            diffs[file.path] = answer.out.decode("utf-8", "replace") if answer.code == 0 else ""
    return [
        Uncommitted(
            path=file.path,
            insertions=file.insertions,
            deletions=file.deletions,
            diff=diffs.get(file.path, ""),
            new=file.path not in sizes,
            gone=is_gone(root / file.path),
        )
        for file in changed
    ]


def _sizes(root: Path, paths: Sequence[str], deadline: float) -> dict[str, int]:
    """Returns the sizes in bytes that `paths` have in HEAD, without those it does not contain."""
    if not paths:
        return {}
    [listed] = ask(root, ("ls-tree", "-l", "-z", "HEAD", "--", *paths), deadline=deadline)
    found: dict[str, int] = {}
    for entry in listed.out.split(b"\0"):
        about, tab, path = entry.partition(b"\t")
        size = about.split()[-1:] if tab else []
        if size and size[0].isdigit():
            found[os.fsdecode(path)] = int(size[0])
    return found


def _may_be_shown(root: Path, file: ChangedFile, sizes: dict[str, int]) -> bool:
    if not 0 < file.insertions + file.deletions <= LONGEST_LINES or sizes.get(file.path, 0) > LARGEST_BYTES:
        return False
    try:
        status = (root / file.path).lstat()
    except (OSError, ValueError):  # deleted
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST_BYTES
