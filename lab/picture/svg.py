"""Draws scenes as terminal windows, one below the other. Pure: the same scenes give the same bytes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from picture.story import WIDTH, Scene

_COLUMN: Final = 7.9
_LINE: Final = 19
_PAD: Final = 16
_BAR: Final = 28
_GAP: Final = 14
_PAGE: Final = round(WIDTH * _COLUMN) + 2 * _PAD

_STYLE: Final = (
    "text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d6deeb;white-space:pre}"
    ".title{fill:#8b98a9}.typed{fill:#82d6a5}.limit{fill:#f2a65a}"
)
_CLASSES: Final = (("⎿", "limit"), ("$ ", "typed"), ("> ", "typed"))
"""The beginning of a line, and how it is coloured."""


def drawn(title: str, scenes: Sequence[Scene]) -> str:
    """Returns the picture as SVG. It loads nothing and runs nothing; `title` is what a screen reader says."""
    windows = list(_windows(scenes))
    height = windows[-1][0] + windows[-1][1]
    body = "".join(text for _, _, text in windows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_PAGE} {height}" width="{_PAGE}" height="{height}" '
        f'role="img" aria-labelledby="title">\n<title id="title">{escape(title)}</title>\n<style>{_STYLE}</style>\n'
        f"{body}</svg>\n"
    )


def wrapped(line: str) -> list[str]:
    """Returns the line as the terminal has room for it; what follows the first row is indented."""
    return textwrap.wrap(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False) or [""]


def _windows(scenes: Sequence[Scene]) -> Iterator[tuple[int, int, str]]:
    """Where each window begins, its height, and its drawing."""
    top = 0
    for scene in scenes:
        rows = [(_class_of(line), row) for line in scene.lines for row in wrapped(line)]
        height = _BAR + len(rows) * _LINE + _PAD
        frame = f'<rect y="{top}" width="{_PAGE}" height="{height}" rx="8" fill="#16202c"/>\n'
        title = f'<text class="title" x="{_PAD}" y="{top + 19}">{escape(scene.title)}</text>\n'
        text = "".join(
            f'<text{look} x="{_PAD}" y="{top + _BAR + 16 + number * _LINE}">{escape(row)}</text>\n'
            for number, (look, row) in enumerate(rows)
        )
        yield top, height, frame + title + text
        top += height + _GAP


def _class_of(line: str) -> str:
    return next((f' class="{name}"' for begin, name in _CLASSES if line.startswith(begin)), "")
