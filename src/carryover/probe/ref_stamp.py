"""Detects by calls of stat whether git's answers about HEAD may have changed. Blocking."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from carryover.probe.git_dir import MOST_ENTRIES, WALKED, entries_below

RefStamp = tuple[tuple[str, int, int, int], ...]
"""Path, time of the last write (ns), size and inode of each file that was there."""

_FILES: Final = ("HEAD", "packed-refs", "shallow", "config", "config.worktree", "objects/pack")
"""Beside the branches, what HEAD, the length of its short name, and what its branch follows depend on."""


def ref_stamp(folders: Collection[Path]) -> RefStamp | None:
    """Returns a value that differs after each change of HEAD, a branch, a tag or git's settings in these data folders
    of a checkout; None if git may not be asked about it."""
    try:
        branches = list(islice((path for folder in folders for path in _branches(folder)), MOST_ENTRIES + 1))
    except OSError:
        return None
    if len(branches) > MOST_ENTRIES:
        return None
    files = (str(folder / name) for folder in folders for name in _FILES)
    followed = (_status(path, os.stat) for path in (*files, *_user_settings()))
    found = (*followed, *(_status(path, os.lstat) for path in branches))
    return tuple(status for status in found if status is not None)


def _branches(folder: Path) -> Iterator[str]:
    """Yields the paths of branches and their folders. Git is not asked where a symlink among them leads elsewhere."""
    for name in WALKED:
        yield str(folder / name)
        yield from (entry.path for entry in entries_below(str(folder / name)))


def _user_settings() -> Iterator[str]:
    env = os.environ
    home = env.get("HOME", "")
    yield env.get("GIT_CONFIG_GLOBAL", f"{home}/.gitconfig")
    yield f"{env.get('XDG_CONFIG_HOME') or f'{home}/.config'}/git/config"
    yield env.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig")


def _status(path: str, stat: Callable[[str], os.stat_result]) -> tuple[str, int, int, int] | None:
    try:
        found = stat(path)
    except OSError:
        return None
    return path, found.st_mtime_ns, found.st_size, found.st_ino
