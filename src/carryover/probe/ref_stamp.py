"""Recognises by calls of stat whether what git says of HEAD may have changed. Blocking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from carryover.probe.checkout import common_dir_of, git_dir_of

RefStamp = tuple[tuple[str, int, int, int], ...]
"""Path, time of the last write (ns), size and inode of each file that was there."""

_FILES: Final = ("HEAD", "packed-refs", "shallow", "config", "config.worktree", "objects/pack")
"""Beside the branches, what HEAD, the length of its short name, and what its branch follows depend on."""
_FOLDERS: Final = ("refs", "reftable")


def ref_stamp(root: Path) -> RefStamp | None:
    """Returns what differs after each change of HEAD, a branch, a tag or git's settings at `root`; None if that is not
    the top of a checkout."""
    git_dir, common = git_dir_of(root), common_dir_of(root)
    if git_dir is None or common is None:
        return None
    of_repository = (path for folder in {git_dir: None, common: None} for path in _paths_in(folder))
    found = (_status(path) for path in (*of_repository, *_user_settings()))
    return tuple(status for status in found if status is not None)


def _paths_in(folder: Path) -> Iterator[str]:
    yield from (str(folder / name) for name in _FILES)
    for name in _FOLDERS:
        for place, folders, files in os.walk(folder / name):
            yield from (os.path.join(place, each) for each in (*folders, *files))  # noqa: PTH118 (faster)


def _user_settings() -> Iterator[str]:
    env = os.environ
    home = env.get("HOME", "")
    yield env.get("GIT_CONFIG_GLOBAL", f"{home}/.gitconfig")
    yield f"{env.get('XDG_CONFIG_HOME') or f'{home}/.config'}/git/config"
    yield env.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig")


def _status(path: str) -> tuple[str, int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 (faster)
    except OSError:
        return None
    return path, found.st_mtime_ns, found.st_size, found.st_ino
