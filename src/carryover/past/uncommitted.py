"""Finds what differs from HEAD in a repository, for the document about a project. Blocking."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from carryover.facts import ChangedFile
from carryover.fsio import is_gone
from carryover.past.chat_files import is_secret_name
from carryover.probe.checkout import Checkout
from carryover.probe.git_command import ask
from carryover.probe.git_history import patched_files
from carryover.publish.git_state import differing_files, of_others
from carryover.text.harmless import one_line

_MOST_FILES: Final = 500
MOST_DIFFS: Final = 60
LONGEST_LINES: Final = 3_000
"""Most lines of a file's diff."""
LARGEST_COMPARED: Final = 512 << 10
"""Largest size of a file, then and now, whose diff is read."""
_GIT_S: Final = 5.0
_BOUNDED: Final = (f"core.bigFileThreshold={LARGEST_COMPARED}",)
_FROM_NOTHING: Final = "--- /dev/null\n"
_PATCH: Final = ("diff", "--raw", "-z", "--patch", "--no-renames", "HEAD", "--")
_NUMSTAT: Final = ("diff", "--numstat", "-z", "--no-renames", "HEAD", "--")


def uncommitted(root: Path) -> list[ChangedFile]:
    """Returns the files that differ from HEAD in the repository at `root`, except for what Carryover wrote there.

    At most 500 files, sorted by path; the first 60 that may be shown have their text. That of a file whose name says
    that it holds secrets is not read. As careful as `git_facts`; also empty if git is missing, has no commit, or does
    not answer in time.
    """
    deadline = time.monotonic() + _GIT_S
    try:
        return _uncommitted(root, deadline)
    except (TimeoutError, FileNotFoundError):
        return []


def _uncommitted(root: Path, deadline: float) -> list[ChangedFile]:
    [numstat] = ask(root, _NUMSTAT, deadline=deadline, settings=_BOUNDED)
    if numstat.code != 0:
        return []
    listed = differing_files(root, numstat.out, "HEAD", deadline)
    changed = of_others(Checkout(root), listed, "HEAD", deadline)[:_MOST_FILES]
    gone = {file.path for file in changed if is_gone(root / file.path)}
    short = [file.path for file in changed if 0 < file.insertions + file.deletions <= LONGEST_LINES]
    shown = [path for path in short if path not in gone and not is_secret_name(path)]
    diffs = _diffs(root, shown[:MOST_DIFFS], deadline)
    return [
        replace(
            file,
            diff=diffs.get(file.path, ""),
            new=diffs.get(file.path, "").startswith(_FROM_NOTHING),
            gone=file.path in gone,
        )
        for file in changed
    ]


def _diffs(root: Path, paths: Sequence[str], deadline: float) -> dict[str, str]:
    """Returns the differences from HEAD in the form of `diff -u`, by path."""
    if not paths:
        return {}
    [answer] = ask(root, (*_PATCH, *paths), deadline=deadline, settings=_BOUNDED)
    # What became a link is deleted in one section, and made in the last.
    sections = {name: parts[-1] for _, name, parts in patched_files(answer.out) if parts}
    return {path: _as_diff(path, section) for path, section in sections.items() if len(section) <= LARGEST_COMPARED}


def _as_diff(path: str, section: bytes) -> str:
    head, mark, hunks = section.partition(b"\n@@ ")
    name = one_line(os.fsencode(path).decode("utf-8", "replace"))
    before = _FROM_NOTHING if b"\nnew file mode " in head else f"--- a/{name}\n"
    return f"{before}+++ b/{name}\n{(mark[1:] + hunks).decode('utf-8', 'replace')}"
