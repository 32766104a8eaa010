"""Whether a file in a project was written there by the user's own programs, or may have come with the project.

A clone, a pull or an unpacked archive may contain a file that looks like an agent's transcript. So a file counts only
if all of this holds, for it and for the agent's log of what was typed:

- it is a regular file of the user's, with no symlink and no other repository between it and the project;
- git itself lists it as untracked, and is not at work in the checkout;
- its last change was a write: unpacking sets the time of the last write afterwards;
- the newest entry of the log names the time at which the log was last written, which no copy can know beforehand;
- the transcript was written after that entry, and long after it was made: what git or an archive brings is written in
  one go, even if it names the second of its arrival.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, ProjectReader
from carryover.platform import here
from carryover.probe.checkout import Checkout

TRACKED: Final = "git tracks it, so it may be another's"
AT_WORK: Final = "git is changing the files there at this moment"
COPIED: Final = "it was copied or unpacked, and not written to since"
IN_ONE_GO: Final = "it was written in one go so far, as what is copied or unpacked"

_TICK_NS: Final = 2_000_000_000
"""File systems count time in ticks of up to two seconds."""
_IN_ONE_GO_NS: Final = 5_000_000_000
_NS_PER_BYTE: Final = 15_000
"""Nothing unpacks as slowly as 64 KiB a second, and no agent writes as fast for long."""


def why_not_own(agent: Agent, checkout: Checkout, path: Path) -> str | None:
    """Returns why a source in a project may not be the user's own, as a clause for people; None if it is the user's.

    `path` is a source of `agent` in the project. Blocks, and asks git only if its index has changed. Raises OSError if
    the file does not exist.
    """
    root = checkout.root
    found = os.lstat(path)
    reason = _why_not_written_here(root, path, found) or _why_not_out_of_git(checkout, path)
    if reason is not None or not isinstance(agent.reader, ProjectReader):
        return reason
    typed, times_ms = agent.reader.last_input(path)
    log = _status(typed) if typed.is_relative_to(root) else None
    if log is None:
        return f"nothing that was typed to {agent.spec.name} is recorded beside it"
    reason = _why_not_written_here(root, typed, log)
    if reason is None and all(abs(log.st_mtime_ns - at_ms * 1_000_000) > _TICK_NS for at_ms in times_ms):
        reason = COPIED
    if reason := reason or _why_not_out_of_git(checkout, typed):
        return f"{typed.name}, the record of what was typed, is not your own: {reason}"
    if found.st_mtime_ns < log.st_mtime_ns - _TICK_NS:
        return f"{agent.spec.name} did not write to it when you last typed something there"
    return _why_at_once(path, found)


def is_own(agent: Agent, checkout: Checkout, path: Path) -> bool:
    """Whether the source exists and is the user's own. Blocks."""
    try:
        return why_not_own(agent, checkout, path) is None
    except OSError:
        return False


def _why_not_written_here(root: Path, path: Path, found: os.stat_result) -> str | None:
    if not stat.S_ISREG(found.st_mode):
        return "it is a symlink" if stat.S_ISLNK(found.st_mode) else "it is not a regular file"
    if found.st_uid != os.geteuid():
        return "it belongs to another user"
    for folder in path.relative_to(root).parents[:-1]:
        if not stat.S_ISDIR(os.lstat(root / folder).st_mode):
            return "there is a symlink on the way to it"
        if os.path.lexists(root / folder / ".git"):
            return "it is in another repository"
    if abs(found.st_mtime_ns - found.st_ctime_ns) > _TICK_NS:
        return COPIED
    return None


def _why_at_once(path: Path, found: os.stat_result) -> str | None:
    born = here().born_ns(path)
    if born is None:
        return "its disk does not say when it was made"
    longest_ns = _IN_ONE_GO_NS + found.st_size * _NS_PER_BYTE
    return IN_ONE_GO if found.st_mtime_ns - born < longest_ns else None


def _why_not_out_of_git(checkout: Checkout, path: Path) -> str | None:
    """Returns why git may have written the file. While git changes files, its old index lacks the new ones."""
    if not os.path.lexists(checkout.root / ".git"):
        return None
    before = checkout.index()
    if before is None:
        return AT_WORK
    try:
        is_untracked = checkout.is_untracked(path.relative_to(checkout.root).as_posix())
    except OSError:
        return "git could not say whether it is tracked"
    if checkout.index() != before:
        return AT_WORK
    return None if is_untracked else TRACKED


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None
