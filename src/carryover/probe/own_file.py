"""Whether a file in a project was written there by the user's own programs, or may have come with the project.

A cloned repository, or an archive that was unpacked, may bring a file that looks like an agent's transcript and says
what its author likes. Such a file is known by what cannot come along: git tracks it, or the last thing that happened to
it was not a write. Unpacking sets the time of the last write, which is then another than that of the last change.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path
from typing import Final

from carryover.probe.git_command import ask

TRACKED: Final = "git tracks it, so it may be another's"

_GIT_TIMEOUT_S: Final = 5.0
_TICK_NS: Final = 2_000_000_000
"""File systems count time in ticks of up to two seconds."""
_OLD_IN_GIT: Final = ("description", "info", "hooks", "config")
"""What `git clone` and `git init` make and hardly anything changes."""

_untracked: dict[Path, tuple[int, int, int]] = {}


def why_not_own(root: Path, path: Path) -> str | None:
    """Why the file, which is in the project at `root`, may be another's, as a clause for people; None if it is the
    user's own. Blocks. Asks git only after its index has changed. Raises OSError where there is no such file."""
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        return "it is a symlink" if stat.S_ISLNK(found.st_mode) else "it is not a regular file"
    if found.st_uid != os.geteuid():
        return "it belongs to another user"
    if abs(found.st_mtime_ns - found.st_ctime_ns) > _TICK_NS:
        return "it was copied or unpacked, and not written to since"
    git = root / ".git"
    if not os.path.lexists(git):
        return None
    if found.st_mtime_ns < _made_ns(git) - _TICK_NS:
        return "it is older than the repository"
    try:
        return TRACKED if is_tracked(root, path) else None
    except OSError:
        return "git could not say whether it is tracked"


def is_own(root: Path, path: Path) -> bool:
    """Whether there is such a file, and it is the user's own. Blocks."""
    try:
        return why_not_own(root, path) is None
    except OSError:
        return False


def _made_ns(git: Path) -> int:
    """About when a repository was made on this machine: nothing can set the time of a change back."""
    inside = (git / name for name in _OLD_IN_GIT) if git.is_dir() else ()
    times = [found.st_ctime_ns for found in map(_status, inside) if found is not None]
    whole = _status(git)
    return min(times, default=whole.st_ctime_ns if whole is not None else 0)


def is_tracked(root: Path, path: Path) -> bool:
    """Whether git tracks a file of the checkout at `root`. Blocks, and asks only after git's index has changed.

    Raises OSError where git can't say.
    """
    index = _status(root / ".git" / "index")
    signature = (index.st_mtime_ns, index.st_size, index.st_ino) if index is not None else None
    if signature is not None and _untracked.get(path) == signature:
        return False
    command = ("ls-files", "-z", "--", path.relative_to(root).as_posix())
    [answer] = ask(root, command, deadline=time.monotonic() + _GIT_TIMEOUT_S)
    if answer.code != 0:
        raise OSError(errno.EINVAL, "git can't read this repository")
    if not answer.out and signature is not None:
        _untracked[path] = signature
    return bool(answer.out)


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None
