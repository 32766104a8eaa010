"""Parses diffs, and detects the files that differ only by what Carryover itself wrote."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from carryover.fsio import read_bytes_bounded

_SIZE_LIMIT_BYTES: Final = 256 << 10

Cleaner = Callable[[bytes], bytes]
"""Removes Carryover's own text from a file's content."""


class OwnWrites(msgspec.Struct, frozen=True, kw_only=True):
    """The files and texts that Carryover writes into a project, which are not part of the work there."""

    folder: str | None = None
    """A folder at the top of the repository that belongs to Carryover alone."""
    without: Mapping[str, Cleaner] = {}
    """By file name, for files at the top of the repository that Carryover adds text to."""

    def covers(self, path: str) -> bool:
        """Whether `path`, relative to the top, is Carryover's folder or in it."""
        return self.folder is not None and f"{path}/".startswith(f"{self.folder}/")

    def cleaner(self, path: str, places: Mapping[str, str] = {}) -> Cleaner | None:
        """Returns a function that removes Carryover's text from the file at `path`; None if Carryover doesn't write to
        it.

        `places`: see `own_places`.
        """
        names = {name.casefold(): name for name in self.without}  # a file system may have kept another case
        name = names.get(path.casefold()) or places.get(path)
        return self.without[name] if name is not None else None


class ChangedFile(msgspec.Struct, frozen=True):
    """A file of a diff: its path now, and how many lines were added and removed (0 in a binary file)."""

    path: str
    insertions: int
    deletions: int


def changed_files(numstat: bytes) -> list[ChangedFile]:
    """Returns the files in the output of `git diff --numstat -z`, without the duplicates that merge conflicts cause."""
    found: dict[str, ChangedFile] = {}
    fields = iter(numstat.split(b"\0"))
    for field in fields:
        counts = field.split(b"\t", 2)
        if len(counts) != 3:
            continue
        path = counts[2]
        if not path:  # renamed: the old path and the new one follow
            next(fields, b"")
            path = next(fields, b"")
        name = os.fsdecode(path)
        before = found.get(name, ChangedFile(name, 0, 0))
        found[name] = ChangedFile(name, before.insertions + _lines(counts[0]), before.deletions + _lines(counts[1]))
    return list(found.values())


def own_places(root: Path, own: OwnWrites) -> dict[str, str]:
    """Maps paths to files that are symlinks to them, both relative to `root`: an edit changes the link's target."""
    top = os.path.realpath(root)
    links = [name for name in own.without if (root / name).is_symlink()]
    targets = {os.path.relpath(os.path.realpath(root / name), top): name for name in links}
    return {path: name for path, name in targets.items() if not path.startswith("..")}


def is_own_text(path: Path, before: bytes, clean: Cleaner) -> bool:
    """Whether the file at `path` differs from its earlier content `before` only by Carryover's own text."""
    try:
        now = read_bytes_bounded(path, _SIZE_LIMIT_BYTES, follow=False)
    except OSError:
        return False
    # git may have stored the file with other line ends than it was checked out with.
    return clean(now).replace(b"\r\n", b"\n") == clean(before).replace(b"\r\n", b"\n")


def _lines(count: bytes) -> int:
    return int(count) if count.isdigit() else 0
