"""Renders a session as one self-contained web page: no scripts, no requests, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Final

from carryover.export.markdown_html import markdown_html
from carryover.export.page import facts, moment, page
from carryover.export.session_parts import Part, SessionHead, exported
from carryover.redact import CleanText
from carryover.text.markdown import line_forms

_CHANGES: Final = {"+": "ins", "-": "del"}


def session_html(head: SessionHead, parts: Iterable[Part[CleanText]], *, style: str, above: str = "") -> Iterator[str]:
    """Yields the page in pieces that include their line ends. `above`: markup that leads back to where it belongs.

    Turn 3 is the place `#turn-3`.
    """
    title = head.title or f"Session {head.id}"
    return page(title, _body(title, head, parts, above), style)


def _body(title: str, head: SessionHead, parts: Iterable[Part[CleanText]], above: str) -> Iterator[str]:
    yield f"{above}<h1>{escape(title)}</h1>\n"
    yield facts((*head.facts, ("Exported", exported(head.exported_ms).replace("`", ""))))
    yield "<main>\n"
    turn = 0
    for part in parts:
        place = f' id="turn-{part.turn}"' if part.turn > turn else ""
        turn = max(turn, part.turn)
        yield _said(part, place) if part.kind in ("user", "agent") else _work(part)
    yield "</main>\n"


def _said(part: Part[CleanText], place: str) -> str:
    undone = " undone" if part.undone else ""
    heading = f"<h2><span>{escape(part.heading)}</span>{moment(part.at_ms)}</h2>"
    # What the user typed stays as it was typed: in `__init__.py` nothing is bold.
    text = "".join(_blocks(part.text)) if part.kind == "user" else markdown_html(part.text)
    return f'<section class="{part.kind}{undone}"{place}>{heading}{text}</section>\n'


def _work(part: Part[CleanText]) -> str:
    marks = f"{' failed' if part.failed else ''}{' undone' if part.undone else ''}"
    line = f"{'✗ ' if part.failed else ''}<code>{escape(part.heading)}</code>"
    if not part.text:
        return f'<div class="happening{marks}">{line if part.failed else f"· {line}"}</div>\n'
    text = _diff(part.text) if part.is_diff else escape(part.text)
    return f'<details class="work{marks}"><summary>{line}</summary><pre>{text}</pre></details>\n'


def _diff(text: str) -> str:
    shown = []
    for sign, lines in groupby(text.split("\n"), key=lambda line: line[:1]):
        run, tag = escape("\n".join(lines)), _CHANGES.get(sign)
        shown.append(f"<{tag}>{run}</{tag}>" if tag is not None else f"{run}\n")
    return "".join(shown).rstrip("\n")


def _blocks(text: str) -> Iterator[str]:
    """Renders text as written, with code blocks set apart."""
    lines = text.split("\n")
    for is_code, some in groupby(zip(lines, line_forms(lines), strict=True), key=lambda pair: pair[1] != "text"):
        block = [line for line, form in some if form != "fence"]
        shown = escape("\n".join(block).strip("\n"))
        if shown:
            yield f"<pre>{shown}</pre>" if is_code else f'<div class="text">{shown}</div>'
