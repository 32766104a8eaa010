"""The parts of one turn: what was said, and the tool calls in it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from carryover.importing.specstory.layout import TOOL, Fences, tool_end

_TAGS: Final = re.compile(r"</?(?:tool-use|details)\b[^>]*>")
_SUMMARY: Final = re.compile(r"<summary>(.*?)</summary>", re.DOTALL)
_THOUGHT, _THOUGHT_END = "<think>", "</think>"
_BARE_TOOL: Final = re.compile(r"Tool use: \*\*([\w.:-]{1,100})\*\*(.*)$")
_RESULT: Final = re.compile(r"(?:Result|Output):\s*$")
_RULE: Final = "---"


class ToolBlock(msgspec.Struct, frozen=True):
    """A tool call as SpecStory shows it."""

    kind: str
    """shell, read, write, search, task, generic or unknown; empty in documents before Markdown v2.0."""
    name: str
    summary: str
    """Its line of summary, without the name."""
    body: tuple[str, ...]
    """The other lines."""


def blocks(text: str) -> Iterator[str | ToolBlock]:
    """The parts of an agent's turn in their order; what the model thought is left out."""
    lines = text.split("\n")
    said: list[str] = []
    fences = Fences()
    at = 0
    while at < len(lines):
        if lines[at].startswith(_THOUGHT) and not fences:
            at = _thought_end(lines, at)
            continue
        end, block = _block_at(lines, at) if not fences else (at, None)
        if block is None:
            said.append(lines[at])
            fences.pass_line(lines[at].encode())
            at += 1
            continue
        yield from _spoken(said)
        said = []
        yield block
        at = end
    yield from _spoken(said)


def spoken_text(text: str) -> str:
    """A text without the rules that SpecStory puts between two speakers."""
    lines = text.strip().split("\n")
    while lines and lines[-1].strip() in ("", _RULE):
        lines.pop()
    while lines and lines[0].strip() in ("", _RULE):
        del lines[0]
    return "\n".join(lines).strip()


def _spoken(lines: Sequence[str]) -> Iterator[str]:
    if text := spoken_text("\n".join(lines)):
        yield text


def _thought_end(lines: Sequence[str], start: int) -> int:
    """The index after the lines of a thought; one without an end takes the rest of the turn."""
    return next((at + 1 for at in range(start, len(lines)) if _THOUGHT_END in lines[at]), len(lines))


def _block_at(lines: Sequence[str], at: int) -> tuple[int, ToolBlock | None]:
    """The tool block that begins at a line, and the index after it."""
    if found := TOOL.match(lines[at].encode()):
        end = tool_end([line.encode() for line in lines[at:]], 0, complete=True) + at + 1
        kind, name = found[1].decode(), html.unescape(found[2].decode())
        return end, _tool_block(kind, name, "\n".join(lines[at:end]))
    if bare := _BARE_TOOL.match(lines[at]):
        end = _bare_end(lines, at)
        return end, _tool_block("", bare[1], "\n".join((f"<summary>{bare[2]}</summary>", *lines[at + 1 : end])))
    return at, None


def _tool_block(kind: str, name: str, text: str) -> ToolBlock:
    head, _, fenced = text.partition("\n```")
    summaries = _SUMMARY.findall(head)
    inner = _TAGS.sub("", _SUMMARY.sub("", head))
    summary = html.unescape(" ".join(" ".join(summaries).split()))
    summary = re.sub(r"^Tool use: \*\*[^*]+\*\*", "", summary).strip(" •")
    end = re.sub(r"(?:\n</details>)?\s*(?:</details>)?\s*</tool-use>\s*\Z|\n</details>\s*\Z", "", f"\n```{fenced}")
    body = f"{inner}{end}" if fenced else inner
    return ToolBlock(kind, name, summary, tuple(line.rstrip("\r") for line in body.split("\n")))


def _bare_end(lines: Sequence[str], start: int) -> int:
    """Where the block of a document before Markdown v2.0 ends, which has no tags: at a rule, at the next tool, or with
    the fenced block that holds its result."""
    fences = Fences()
    result = False
    for at in range(start + 1, len(lines)):
        line = lines[at]
        was_open = bool(fences)
        fences.pass_line(line.encode())
        if was_open and not fences and result:
            return at + 1
        if fences or was_open:
            continue
        if line.strip() == _RULE or _BARE_TOOL.match(line):
            return at
        result = result or _RESULT.match(line) is not None
    return len(lines)
