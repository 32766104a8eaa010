"""Splits a model's answer into its words and the changes of files that it asks for (0.82.3, 0.86.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from carryover.model import FileEdit
from carryover.records.changes import Replacement, replaced, written
from carryover.text.pattern import later

_BLANK: Final = r"[^\S\n]*"
_TAG: Final = "source|code|pre|codeblock|sourcecode"
_DIVIDER: Final = rf"{_BLANK}={{5,9}}{_BLANK}$"
_REPLACE: Final = rf"{_BLANK}>{{5,9}} REPLACE{_BLANK}$"
# Each part ends at the first line that can end it, so that many beginnings without an end take no long search.
_BLOCK: Final = (
    rf"^{_BLANK}<{{5,9}} SEARCH>?{_BLANK}\n(?P<old>(?:(?!{_DIVIDER}).*\n)*){_DIVIDER}\n"
    rf"(?P<new>(?:(?!{_REPLACE}).*\n)*){_REPLACE}"
)
_FENCED: Final = (
    rf"^{_BLANK}(?:(?P<ticks>````|```(?!`)).*|<(?P<tag>{_TAG})>{_BLANK})\n"
    rf"(?P<body>(?:.*\n)*?)(?:(?P=ticks)|</(?P=tag)>){_BLANK}$"
)
_EDITS: Final = later(_BLOCK, re.MULTILINE)
_EDITS_AND_FILES: Final = later(f"{_BLOCK}|{_FENCED}", re.MULTILINE)
_FENCE: Final = later(rf"`{{3,4}}(?P<named>.*)|<(?:{_TAG})>")
_FENCE_END: Final = later(rf"(?:```.*|{_BLANK}</(?:{_TAG})>{_BLANK})$", re.MULTILINE)
_NAME_ABOVE: Final = 3
_MAX_NAME: Final = 250

_Place = Callable[[str], str | None]
"""Returns the absolute path of a file that the model names."""


def read_answer(text: str, place: _Place, *, whole_files: bool) -> tuple[str, tuple[FileEdit, ...]]:
    """Splits an answer into prose and changes, one per file; with `whole_files` a file named above a fence gets
    the fenced text."""
    prose: list[str] = []
    pairs: dict[str, list[Replacement]] = {}
    files: dict[str, FileEdit] = {}
    edits = _EDITS_AND_FILES if whole_files else _EDITS
    last = ""
    at = read = 0
    while found := edits.search(text, read):
        above = text[at : found.start()].split("\n")[:-1]
        if found["new"] is not None:
            above, fenced, name = _named_above(above)
            path = place(name or last) if name or last else None
            if path is not None:
                last = name or last
                pairs.setdefault(path, []).append(Replacement(found["old"], found["new"]))
            end = _FENCE_END.match(text, found.end() + 1) if fenced else None
            at = read = (end or found).end() + 1
        elif above and (name := _file_name(above.pop())) and (path := place(name)) is not None:
            files[path] = written(path, found["body"])
            at = read = found.end() + 1
        else:
            read = found.end()
            continue
        prose += above
    words = "\n".join((*prose, text[at:])).strip()
    changes = files | {path: replaced(path, each, counted=True) for path, each in pairs.items()}
    return re.sub(r"\n{3,}", "\n\n", words) if at else words, tuple(changes.values())


def _named_above(lines: list[str]) -> tuple[list[str], bool, str]:
    """Returns the lines above a block without its fence and its file's name, whether it has a fence, and the name; it
    is empty if there is none."""
    fenced = False
    for at in range(len(lines) - 1, max(len(lines) - 1 - _NAME_ABOVE, -1), -1):
        line = lines[at].strip()
        if not fenced and (fence := _FENCE.fullmatch(line)):
            fenced, lines = True, lines[:at]
            if "." in (named := fence["named"] or "") or "/" in named:
                return lines, True, named
        elif line and line not in ("...", "```"):
            name = _file_name(line)
            return [*lines[:at], *lines[at + 1 :]] if name else lines, fenced, name
    return lines, fenced, ""


def _file_name(line: str) -> str:
    """Returns the file that the line above a block names, or ''. Models put the name in marks of all kinds."""
    name = line.strip().rstrip(":").lstrip("#").strip().strip("`").strip("*").strip()
    looks = ("." in name or "/" in name or "\\" in name or name[:1].isupper()) and " " not in name
    return name if looks and len(name) <= _MAX_NAME else ""
