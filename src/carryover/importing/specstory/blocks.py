"""Splits a turn into what was said and its tool calls."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from carryover.importing.specstory.layout import TOOL, Fences, last_tool_end, tool_end
from carryover.text.lines import one_line

_TAGS: Final = re.compile(r"</?(?:tool-use|details)\b[^>\n]{0,400}>")
_SUMMARY, _SUMMARY_END = "<summary>", "</summary>"
_SUMMARY_CHARS: Final = 20_000
_TOOL_NAME: Final = re.compile(r"^Tool use: \*\*[^*]{1,200}\*\*")
_THOUGHT, _THOUGHT_END = "<think>", "</think>"
_RULE: Final = "---"


class ToolBlock(msgspec.Struct, frozen=True):
    """A tool call in SpecStory's format."""

    kind: str
    """shell, read, write, search, task, generic or unknown."""
    name: str
    summary: str
    """The summary line, without the tool's name."""
    body: tuple[str, ...]
    """The lines after the summary."""


def blocks(text: str) -> Iterator[str | ToolBlock]:
    """Yields the parts of an agent's turn in order; the model's thoughts are left out."""
    lines = text.split("\n")
    raw = [line.encode("utf-8", "replace") for line in lines]
    last_end = last_tool_end(raw)
    said: list[str] = []
    fences = Fences()
    at = 0
    while at < len(lines):
        if lines[at].startswith(_THOUGHT) and not fences:
            at = _thought_end(lines, at)
            continue
        found = TOOL.match(raw[at]) if not fences else None
        if found is None:
            said.append(lines[at])
            fences.pass_line(raw[at])
            at += 1
            continue
        end = tool_end(raw, at, last_end) + 1
        yield from _spoken(said)
        said = []
        yield _tool_block(found[1].decode(), html.unescape(found[2].decode()), "\n".join(lines[at:end]))
        at = end
    yield from _spoken(said)


def spoken_text(text: str) -> str:
    """Returns a text without the rules that SpecStory puts between two speakers."""
    lines = text.split("\n")
    said = [at for at, line in enumerate(lines) if line.strip() not in ("", _RULE)]
    return "\n".join(lines[said[0] : said[-1] + 1]).strip() if said else ""


def _spoken(lines: Sequence[str]) -> Iterator[str]:
    if text := spoken_text("\n".join(lines)):
        yield text


def _thought_end(lines: Sequence[str], start: int) -> int:
    """Returns the index after the lines of a thought; one without an end takes the rest of the turn."""
    return next((at + 1 for at in range(start, len(lines)) if _THOUGHT_END in lines[at]), len(lines))


def _tool_block(kind: str, name: str, text: str) -> ToolBlock:
    head, fence, fenced = text.partition("\n```")
    before, _, rest = head.partition(_SUMMARY)
    summary, _, inner = rest.partition(_SUMMARY_END)
    summary = one_line(html.unescape(summary[:_SUMMARY_CHARS]))
    inner = _TAGS.sub("", f"{before}{inner}")
    body = f"{inner}{fence}{_without_end(fenced)}"
    return ToolBlock(
        kind,
        name,
        _TOOL_NAME.sub("", summary).strip(" •"),
        tuple(line.rstrip("\r") for line in body.split("\n")),
    )


def _without_end(text: str) -> str:
    """Returns the last lines of a block without the tags that close it."""
    for tag in ("</tool-use>", "</details>"):
        text = text.rstrip().removesuffix(tag)
    return text
