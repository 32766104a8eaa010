"""Splits a model's answer into its words and the changes of files that it asks for (0.82.3, 0.86.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from carryover.records.changes import Change, Replacement, replaced, written
from carryover.text.pattern import later

_SEARCH: Final = later(r"<{5,9} SEARCH>?\s*")
_DIVIDER: Final = later(r"={5,9}\s*")
_REPLACE: Final = later(r">{5,9} REPLACE\s*")
_FENCE: Final = later(r"\s*(?P<ticks>`{3,4})(?P<named>.*)|\s*<(?P<tag>source|code|pre|codeblock|sourcecode)>\s*")
_FENCE_END: Final = later(r"```.*|\s*</(?:source|code|pre|codeblock|sourcecode)>\s*")
_NAME_ABOVE: Final = 3
_MAX_NAME: Final = 250

Place = Callable[[str], str | None]
"""Returns the absolute path of a file that the model names."""


class Answer(msgspec.Struct, frozen=True):
    """An answer without its changes, and one change per file."""

    prose: str
    changes: tuple[Change, ...]


def read_answer(text: str, place: Place, *, whole_files: bool) -> Answer:
    """Splits an answer into prose and changes; with `whole_files` a file named above a fence gets the fenced text."""
    lines = text.split("\n")
    prose: list[str | None] = []  # the lines read so far, with None for one that belongs to a change
    pairs: dict[str, list[Replacement]] = {}
    written_files: dict[str, Change] = {}
    last = ""
    while (at := len(prose)) < len(lines):
        if (block := _search_block(lines, at)) is not None:
            divider, end = block
            fenced, name = _take_name(prose)
            name = name or last
            if name and (path := place(name)) is not None:
                last = name
                pair = Replacement(_text(lines[at + 1 : divider]), _text(lines[divider + 1 : end]))
                pairs.setdefault(path, []).append(pair)
            is_fence = fenced and end + 1 < len(lines) and _FENCE_END.fullmatch(lines[end + 1]) is not None
            prose += [None] * (end + 1 + is_fence - at)
        elif whole_files and (closed := _end_of_fenced(lines, at)) is not None:
            name = _file_name(lines[at - 1]) if at else ""
            prose += lines[at : closed + 1]
            if name and (path := place(name)) is not None:
                written_files[path] = written(path, _text(lines[at + 1 : closed]))
                prose[at - 1 :] = [None] * (closed + 2 - at)
        else:
            prose.append(lines[at])
    words = "\n".join(line for line in prose if line is not None).strip()
    changes = written_files | {path: replaced(path, found, counted=True) for path, found in pairs.items()}
    return Answer(re.sub(r"\n{3,}", "\n\n", words) if None in prose else words, tuple(changes.values()))


def _search_block(lines: Sequence[str], at: int) -> tuple[int, int] | None:
    """Returns the lines that divide and end the block that begins here; None if there is no complete one."""
    if not _SEARCH.fullmatch(lines[at].strip()):
        return None
    divider = _find(lines, at + 1, _DIVIDER)
    end = _find(lines, divider + 1, _REPLACE)
    return (divider, end) if end < len(lines) else None


def _end_of_fenced(lines: Sequence[str], at: int) -> int | None:
    """Returns the line that closes the fence at `at`; None if no fence begins there, or if it is never closed."""
    fence = _FENCE.fullmatch(lines[at])
    if fence is None:
        return None
    closing = fence["ticks"] or f"</{fence['tag']}>"
    return next((end for end in range(at + 1, len(lines)) if lines[end].rstrip() == closing), None)


def _take_name(prose: list[str | None]) -> tuple[bool, str]:
    """Takes the fence and the file name above a block out of the prose.

    Returns whether there is a fence, and the name; it is empty if there is none.
    """
    fenced = False
    for at in range(len(prose) - 1, max(len(prose) - 1 - _NAME_ABOVE, -1), -1):
        line = (prose[at] or "").strip()
        if prose[at] is None:
            break
        if not fenced and (fence := _FENCE.fullmatch(line)):
            fenced = True
            prose[at:] = [None] * (len(prose) - at)
            if "." in (named := fence["named"] or "") or "/" in named:
                return True, named
        elif line and line not in ("...", "```"):
            name = _file_name(line)
            prose[at] = None if name else prose[at]
            return fenced, name
    return fenced, ""


def _file_name(line: str) -> str:
    """Returns the file that the line above a block names, or ''. Models put the name in marks of all kinds."""
    name = line.strip().rstrip(":").lstrip("#").strip().strip("`").strip("*").strip()
    looks = ("." in name or "/" in name or "\\" in name or name[:1].isupper()) and " " not in name
    return name if looks and len(name) <= _MAX_NAME else ""


def _find(lines: Sequence[str], start: int, pattern: re.Pattern[str]) -> int:
    return next((n for n in range(start, len(lines)) if pattern.fullmatch(lines[n].strip())), len(lines))


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
