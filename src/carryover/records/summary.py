"""Splits an agent's summary of its own conversation into sections, by the headings that the agent asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from textwrap import dedent
from typing import Final, cast

from carryover.model import SummaryKind, SummaryPart
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.text.pattern import later

MAX_PARTS: Final = 30
MAX_PART_CHARS: Final = 8_000

Kinds = Mapping[str, SummaryKind]
"""Maps each heading, in lower case and without parts in brackets, to its kind."""

_HEADING: Final = later(
    r"(?P<marks>#{1,4} {1,8})?(?P<bold>\*\*)?(?:(?P<number>\d{1,2})[.)] {1,8}(?:\*\*)?)?(?P<title>[^:*<`\n]{2,80}?)"
    r"(?P<end> {0,8}(?:\*\*:?|:\*\*|:)?)(?P<rest>(?<=[:*])[ \t]+\S.*)?"
)
_BRACKETS: Final = later(r"\s*\([^)]*\)")
_TAG: Final = later(r"<(/?)([a-z][a-z_]{2,40})>")
_FENCE: Final = "```"


def kinds_of(**headings: str) -> Kinds:
    """Returns the kinds of headings that are given by kind, separated by `|`."""
    return {heading: cast(SummaryKind, kind) for kind, listed in headings.items() for heading in listed.split("|")}


def parts_by_heading(text: str, kinds: Kinds) -> tuple[SummaryPart, ...]:
    """Returns the sections of a text with numbered, Markdown or bold headings; none if no heading is known. An unknown
    heading begins a section if it looks like the one before it."""
    found: list[tuple[str, SummaryKind, list[str]]] = []
    style = ""
    number = 0
    fenced = False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith(_FENCE)
        heading = None if fenced else _HEADING.fullmatch(line.rstrip(" \t"))
        if heading is not None and (here := _style(heading)):
            kind = kinds.get(_BRACKETS.sub("", heading["title"]).strip().lower())
            follows = int(heading["number"] or 0) == number + bool(heading["number"])
            if kind is not None or (here == style and follows):
                found.append((heading["title"].strip(), kind or "other", [(heading["rest"] or "").strip()]))
                style = here
                number = int(heading["number"] or 0)
                continue
        if found:
            found[-1][2].append(line)
    return _bounded((title, kind, "\n".join(lines)) for title, kind, lines in found)


def parts_by_tag(text: str, kinds: Kinds) -> tuple[SummaryPart, ...]:
    """Returns the sections of a text that consists of tags, perhaps within another tag; none if no tag is known."""
    for within in (text, *(body for _, body in _tagged(text))):
        found = _tagged(within)
        if any(tag in kinds for tag, _ in found):
            return _bounded((tag, kinds.get(tag, "other"), body) for tag, body in found)
    return ()


def _tagged(text: str) -> list[tuple[str, str]]:
    """Returns each tag that is closed again, with the text up to its first end, and those in that text left out."""
    tags = list(_TAG.finditer(text))
    last = {tag[2]: tag.start() for tag in tags if tag[1]}
    found, at = [], 0
    for tag in tags:
        if not tag[1] and at <= tag.start() < last.get(tag[2], 0):
            end = text.index(f"</{tag[2]}>", tag.end())
            found.append((tag[2], text[tag.end() : end]))
            at = end
    return found


def _style(heading: re.Match[str]) -> str:
    """Returns a line's heading style; empty if it is not a heading, for example an entry of a list."""
    marks = heading["marks"]
    bold = heading["bold"] or "**" in heading["end"]
    if marks:
        return marks.strip()
    if heading["number"] and bold:
        return "**1"
    if heading["number"]:
        return "1" if ":" in heading["end"] else ""
    return "**" if heading["bold"] and "**" in heading["end"] else ""


def _bounded(found: Iterable[tuple[str, SummaryKind, str]]) -> tuple[SummaryPart, ...]:
    parts = [
        SummaryPart(kind, bounded(heading, SHORT_CHARS), bounded(dedent(text).strip(), MAX_PART_CHARS))
        for heading, kind, text in found
        if text.strip()
    ]
    return tuple(parts[:MAX_PARTS])
