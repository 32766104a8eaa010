"""Describes a project from its files: the first paragraph of its README, and its layout."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from pathlib import PurePosixPath
from typing import Final

from carryover.text.markdown import is_table_row, line_forms

_FENCE_NAMES: Final = {".cc": "cpp", ".cs": "csharp", ".h": "c", ".hpp": "cpp", ".ipynb": "json", ".mjs": "js"}
_MOST_ENTRIES: Final = 24
_ABOUT_CHARS: Final = 700
_BADGE: Final = re.compile(r"\s*(?:\[?!\[|<|:\w+:|\.\. |={3,}|-{3,}|#|\[[^\]]*\]:)")
_TAG: Final = re.compile(r"<[^>\n]{0,200}>")
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)


def first_paragraph(readme: str) -> str:
    """Returns the first paragraph of prose in a README: not a title, badge, table or code."""
    if "-->" in readme:
        readme = _COMMENT.sub("", readme)
    lines = readme.splitlines()
    forms = line_forms(lines)
    paragraph: list[str] = []
    for at, line in enumerate(lines):
        underlined = at + 1 < len(lines) and re.fullmatch(r"\s*(?:={3,}|-{3,}|~{3,})\s*", lines[at + 1]) is not None
        prose = forms[at] == "text" and not _BADGE.match(line) and not is_table_row(line) and not underlined
        text = _TAG.sub("", line).strip() if prose else ""
        if text:
            paragraph.append(text)
        elif paragraph:
            break
    whole = " ".join(paragraph)
    return whole if len(whole) <= _ABOUT_CHARS else f"{whole[: _ABOUT_CHARS - 1].rsplit(' ', 1)[0]}…"


def fence_name(path: str) -> str:
    """Returns the info string of a code block with this file's text: its extension, as most renderers take it."""
    suffix = PurePosixPath(path).suffix.lower()
    return _FENCE_NAMES.get(suffix, suffix.removeprefix("."))


def layout(paths: Iterable[str]) -> list[str]:
    """Lists the project's folders with their direct content, then its top-level files, in at most 24 entries."""
    parts = sorted(PurePosixPath(path).parts for path in paths)
    top = [part[0] for part in parts if len(part) == 1]
    entries = []
    for folder, inside in groupby((part for part in parts if len(part) > 1), key=lambda part: part[0]):
        below = list(inside)
        names = Counter(f"{part[1]}/" if len(part) > 2 else part[1] for part in below)
        shown = [name for name, _ in sorted(names.items(), key=lambda item: (-item[1], item[0]))[:6]]
        more = f", and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
        entries.append(f"{folder}/ ({len(below)}): {', '.join(shown)}{more}")
    room = max(_MOST_ENTRIES - len(entries), 4)
    if len(entries) > _MOST_ENTRIES:
        entries = [*entries[:_MOST_ENTRIES], f"and {len(entries) - _MOST_ENTRIES} more folders"]
    if top:
        more = f", and {len(top) - room} more" if len(top) > room else ""
        entries.append(f"at the top: {', '.join(top[:room])}{more}")
    return entries
