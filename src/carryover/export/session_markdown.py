"""Renders a session as Markdown. Its text stays Markdown, but cannot contain raw HTML, load images or break out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from carryover.export.quoting import code_span, fenced, one_line
from carryover.export.session_parts import Part, SessionHead, exported, local_time
from carryover.redact import CleanText
from carryover.text.markdown import line_forms

_HEADING: Final = re.compile(r"^( {0,3})(#{1,6})(?=\s)")
_UNDERLINE: Final = re.compile(r"^ {0,3}(?:=+|-+)\s*$")
_TAG: Final = re.compile(r"<(?=[A-Za-z/!?])")
_CODE_SPAN: Final = re.compile(r"(`+)(?:(?!\1).)+?\1(?!`)")
_FENCE: Final = re.compile(r"\s*(`{3,}|~{3,})")


def session_markdown(head: SessionHead, parts: Iterable[Part[CleanText]]) -> Iterator[str]:
    """Yields the lines of the document, without line ends."""
    yield f"# {_inert(one_line(head.title or f'Session {head.id}'))}"
    yield ""
    yield from (f"- {name}: {code_span(value)}" for name, value in head.facts if value)
    yield f"- Exported {exported(head.exported_ms)}"
    for part in parts:
        yield ""
        yield from _part(part)


def _part(part: Part[CleanText]) -> Iterator[str]:
    undone = " (undone)" if part.undone else ""
    if part.kind in ("user", "agent"):
        yield f"## {_inert(part.heading)}{undone} · {local_time(part.at_ms)}"
        yield ""
        yield from _contained(part.text)
        return
    mark = "✗" if part.failed else "·"
    yield f"{mark} {code_span(part.heading)}{undone}"
    if part.text:
        yield ""
        yield from fenced(part.text, "diff" if part.is_diff else "").split("\n")


def _contained(text: CleanText) -> Iterator[str]:
    """Yields the lines of a text with every code block closed, and headings below the document's own."""
    lines = text.split("\n")
    forms = line_forms(lines)
    fence = ""
    for line, form in zip(lines, forms, strict=True):
        if form == "fence":
            found = _FENCE.match(line)
            fence = "" if fence else found[1] if found is not None else "```"
        yield line if form != "text" else _text_line(line)
    if fence:
        yield fence


def _text_line(line: str) -> str:
    if _UNDERLINE.match(line):
        return f"\\{line.lstrip()}"
    heading = _HEADING.match(line)
    if heading is not None:
        line = f"{heading[1]}{'#' * min(len(heading[2]) + 2, 6)}{line[heading.end() :]}"
    return _inert(line)


def _inert(line: str) -> str:
    """Neutralizes HTML and images in one line, outside code spans."""
    kept, end = [], 0
    for span in _CODE_SPAN.finditer(line):
        kept += [_without_markup(line[end : span.start()]), span[0]]
        end = span.end()
    return "".join([*kept, _without_markup(line[end:])])


def _without_markup(text: str) -> str:
    return _TAG.sub("&lt;", text).replace("![", "!\\[")
