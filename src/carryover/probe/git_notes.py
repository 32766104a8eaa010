"""Reads from git's data folder, without starting git, which operation is unfinished and what was reset or stashed.

`git status` says what is under way; the logs of HEAD and of stashes say what the user did with the work afterwards.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from carryover.facts import GitNotes
from carryover.fsio import open_regular, read_beginning
from carryover.probe.checkout import Checkout
from carryover.redact import clean
from carryover.text.harmless import one_line
from carryover.text.pattern import later

_END_BYTES: Final = 16_384
_NAME_BYTES: Final = 1024
_REBASES: Final = ("rebase-merge/head-name", "rebase-apply/head-name")
_BRANCH: Final = "refs/heads/"
_UNDER_WAY: Final = {
    "rebase-apply/applying": "git am",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}
_NOTED: Final = later(
    rb"^(?P<old>[0-9a-f]{40,64}) (?P<new>[0-9a-f]{40,64}) [^\t\n]{0,400}> (?P<at_s>\d{1,11}) (?P<zone>\S{0,6})"
)
_STASHED_ON: Final = later(rb"\t(?:WIP on|On) ([^:\s]{1,255}): ")
_RESET: Final = b"\treset: moving to "
_SHORT: Final = 7


def git_notes(checkout: Checkout) -> GitNotes:
    """Returns what the data folder of a checkout says, and of its stashes, which worktrees share. Blocks."""
    if checkout.git_dir is None or checkout.common is None:
        return GitNotes()
    reset = next((one for one in _noted(checkout.git_dir / "logs/HEAD", _RESET) if one["old"] != one["new"]), None)
    stash = next(_noted(checkout.common / "logs/refs/stash"), None)
    on = _STASHED_ON.match(stash.string, stash.end("zone")) if stash is not None else None
    under_way, rebased = _under_way(checkout.git_dir)
    return GitNotes(
        under_way=under_way,
        rebased=rebased,
        reset_ms=int(reset["at_s"]) * 1000 if reset is not None else 0,
        reset_from=reset["old"][:_SHORT].decode() if reset is not None else "",
        stashed_ms=int(stash["at_s"]) * 1000 if stash is not None else 0,
        stashed_on=clean(one_line(on[1].decode(errors="replace"))) if on is not None else "",
    )


def _under_way(git_dir: Path) -> tuple[str, str]:
    """Returns what is under way, and the branch of a rebase."""
    for name in _REBASES:
        with contextlib.suppress(OSError):
            head = read_beginning(git_dir / name, _NAME_BYTES).decode(errors="replace").strip()
            is_branch = head.startswith(_BRANCH)
            return "rebase", clean(one_line(head.removeprefix(_BRANCH))) if is_branch else ""
    return next((what for name, what in _UNDER_WAY.items() if os.path.lexists(git_dir / name)), ""), ""


def _noted(log: Path, what: bytes = b"") -> Iterator[re.Match[bytes]]:
    """Yields the last entries of a log that say `what`, newest first; none if it can't be read."""
    try:
        with os.fdopen(open_regular(log, os.O_NOFOLLOW), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _END_BYTES))
            lines = file.read(_END_BYTES).splitlines()
    except OSError:
        return
    yield from filter(None, (_NOTED.match(line) for line in reversed(lines) if what in line))
