"""What the files of a checkout say of a folder at its top where git can't be run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from carryover.fsio import read_bytes_bounded
from carryover.probe.checkout import git_dir_of
from carryover.probe.ignored import SIZE_LIMIT_BYTES, exclude_file, has_rule, names

_LARGEST_INDEX: Final = 64 << 20
_WHOLE_PATHS: Final = tuple(b"DIRC\0\0\0" + bytes([version]) for version in (2, 3))
"""How an index begins that has each path as a whole; version 4 leaves out what a path shares with the one before."""
_LETS_IN: Final = re.compile(rb"^(?:\xef\xbb\xbf)?!", re.MULTILINE)


def can_be_kept_out(root: Path, folder: str) -> bool:
    """Whether certainly nothing in `folder` is tracked, and a rule in `info/exclude` keeps it out of commits, or would
    if added at its end; False where only git can tell. Blocks."""
    try:
        # For the top of a checkout, git prefers no other file to `info/exclude` than this one.
        if _LETS_IN.search(_content(root / ".gitignore", SIZE_LIMIT_BYTES)):
            return False
        rules = _content(exclude_file(root), SIZE_LIMIT_BYTES)
        return (has_rule(rules, folder) or not names(rules, folder)) and is_surely_untracked(root, folder)
    except OSError:
        return False


def is_surely_untracked(root: Path, name: str) -> bool:
    """Whether certainly neither `name` nor anything in it is tracked; False where only git can tell. Blocks."""
    try:
        git_dir = git_dir_of(root)
        if git_dir is None or any(git_dir.glob("sharedindex.*")):
            return False
        index = _content(git_dir / "index", _LARGEST_INDEX)
    except OSError:
        return False
    return not index or (index.startswith(_WHOLE_PATHS) and name.lower().encode() not in index.lower())


def _content(path: Path, limit_bytes: int) -> bytes:
    """Returns what is in the file; nothing if there is none. Raises OSError for a symlink, or one that is larger."""
    try:
        return read_bytes_bounded(path, limit_bytes, follow=False)
    except FileNotFoundError:
        return b""
