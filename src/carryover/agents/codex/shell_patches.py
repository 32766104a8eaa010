"""Patches that reach `apply_patch` by way of a shell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from carryover.records.changes import Change
from carryover.records.fields import resolved
from carryover.records.patches import in_patch

_MOST_CHARS: Final = 1 << 20
_BEGIN: Final = "*** Begin Patch"
_END: Final = "\n*** End Patch"
_MOST_AROUND: Final = 2000
_CD: Final = r"\s*(?:cd\s+(?P<folder>'[^'\n]*'|\"[^\"\n$`]*\"|[^\s;&|$`'\"*?~]+)\s*&&\s*)?"
_ANY_CD: Final = re.compile(r"\bcd\s")
_TOOL: Final = r"apply_?patch(?:\.bat)?"
_HERE: Final = r"<<-?\s*(?P<quote>['\"]?)(?P<end>\w+)(?P=quote)"
_HANDED: Final = tuple(
    (re.compile(_CD + before), after)
    for before, after in (
        (rf"{_TOOL}\s+{_HERE}\s*", r"\s*\n{end}\s*"),
        (rf"cat\s+{_HERE}\s*\|\s*{_TOOL}\s*", r"\s*\n{end}\s*"),
        (rf"{_TOOL}\s+(?P<end>['\"])\s*", r"\s*{end}\s*"),
        (rf"{_TOOL}\s+@(?P<end>['\"])\s*", r"\s*\n{end}@\s*"),
        (r"@(?P<end>['\"])\s*", rf"\s*\n{{end}}@\s*\|\s*{_TOOL}\s*"),
    )
)
"""What comes before and after a patch in a command that does nothing else: a here-document (0.34 and later), or what
PowerShell has for that (0.48 to 0.87 on Windows; the forms are the shell's, in no recording)."""
_SUCCESS: Final = "Success. Updated the following files:"
_TOLD: Final = re.compile(r"^[AMD] (\S[^\r\n]{0,1000})", re.MULTILINE)


def in_command(command: str, cwd: str | None) -> tuple[Change, ...] | None:
    """The changes of a shell command that only hands a patch to `apply_patch`; None where it is something else.

    The client takes such a command out of the shell's hands (0.169).
    """
    patches = _patches(command)
    if len(patches) != 1:
        return None
    start, end = patches[0]
    before, after = command[:start], command[end:]
    if len(before) + len(after) > _MOST_AROUND:
        return None
    for opening, closing in _HANDED:
        handed = opening.fullmatch(before)
        if handed is not None and re.fullmatch(closing.format(end=handed["end"]), after):
            return in_patch(command[start:end], _moved(handed, cwd))
    return None


def in_script(command: str, cwd: str | None) -> tuple[Change, ...]:
    """The changes that a script tries to make by `apply_patch` among other things. See `confirmed`."""
    patches = _patches(command)
    if not patches:
        return ()
    around = "".join(command[end:start] for (_, end), (start, _) in pairwise([(0, 0), *patches, (len(command), 0)]))
    if not re.search(_TOOL, around):
        return ()
    moved = re.match(_CD, around[:_MOST_AROUND])
    folder = moved["folder"] if moved is not None else None
    if len(_ANY_CD.findall(around)) > (1 if folder else 0):
        return ()
    cwd = _moved(moved, cwd) if moved is not None else cwd
    return tuple(change for start, end in patches for change in in_patch(command[start:end], cwd))


def confirmed(changes: Sequence[Change], output: str) -> tuple[Change, ...]:
    """Those of a script's `changes` that its output confirms: it may have continued after a patch that failed."""
    if _SUCCESS not in output:
        return ()
    named = tuple("/" + _slashed(found[1].strip()).removeprefix("./").lstrip("/") for found in _TOLD.finditer(output))
    return tuple(
        change
        for change in changes
        if any(f"/{_slashed(path)}".endswith(named) for path in (change.path, change.old_path) if path)
    )


def _patches(command: str) -> list[tuple[int, int]]:
    """Where in `command` patches begin and end."""
    found: list[tuple[int, int]] = []
    start = command.find(_BEGIN) if len(command) <= _MOST_CHARS else -1
    while start >= 0:
        last = command.find(_END, start)
        if last < 0:
            break
        found.append((start, last + len(_END)))
        start = command.find(_BEGIN, found[-1][1])
    return found


def _moved(handed: re.Match[str], cwd: str | None) -> str | None:
    return resolved(handed["folder"].strip("'\""), cwd) if handed["folder"] else cwd


def _slashed(path: str) -> str:
    return path.replace("\\", "/")
