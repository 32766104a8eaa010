"""Finds turns, spoken text and tool blocks in the lines of a SpecStory document.

Tool output and pasted text are unescaped, so what looks like a turn's heading may be quoted. It counts only outside
tool blocks and, within a fenced block, only below a rule, which SpecStory puts between two speakers.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from carryover.text.lines import one_line

HEADING: Final = re.compile(r"_\*\*(User|Agent|Assistant)( - sidechain)?(?: \((.{0,200})\))?\*\*_[ \t\r]*$")
"""Heading of a turn (all versions): the speaker, whether in a sub-agent, and in brackets model and time."""
_TOOL: Final = re.compile(r'<tool-use data-tool-type="([^"]{0,80})" data-tool-name="([^"]{0,200})">')
"""Start of a tool block (Markdown v2.0 and later)."""
_TOOL_END: Final = "</tool-use>"
_MOST_ENDS: Final = 100
"""How many possible last lines of a block are checked against its fences; a document may consist of such lines."""
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE: Final = "---"
_TAGS: Final = re.compile(r"</?(?:tool-use|details)\b[^>\n]{0,400}>")
_SUMMARY_CHARS: Final = 20_000
_TOOL_NAME: Final = re.compile(r"^Tool use: \*\*[^*]{1,200}\*\*")


class Fences:
    """Tracks the open fenced blocks, line by line.

    SpecStory put three backquotes around any text until, in 2026, it began to use more if the text has three. So a
    fence with a language opens a block even within another one, and a bare fence closes the innermost.
    """

    def __init__(self) -> None:
        self._open: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def pass_line(self, line: str) -> None:
        """Processes one line."""
        found = _FENCE.match(line)
        if found is None or "`" in line[found.end() :]:
            return
        fence = found[1]
        language = line[found.end() :].strip()
        if self._open and (len(self._open[0]) > len(fence) or self._open[0][:1] != fence[:1]):
            return
        if self._open and not language:
            self._open.pop()
        elif len(self._open) < 2 or len(self._open[0]) == 3:
            self._open.append(fence)


class ToolBlock(msgspec.Struct, frozen=True):
    """A tool call. `kind` is shell, read, write, search, task, generic or unknown; `summary` is the summary line
    without the tool's name, `body` the lines after it."""

    kind: str
    name: str
    summary: str
    body: tuple[str, ...]


def turn_starts(lines: Sequence[str]) -> list[int]:
    """Returns the indexes of the lines at which turns begin."""
    found: list[int] = []
    fences = Fences()
    ends = _tool_ends(lines)
    ruled = True  # a rule was above, blank lines aside
    blank = True  # a blank line was above
    at = 0
    while at < len(lines):
        line = lines[at]
        if blank and HEADING.match(line) and (ruled or not fences):
            found.append(at)
            fences = Fences()
        elif not fences and _TOOL.match(line):
            at = _tool_end(lines, at, ends)
            line = ""
        else:
            fences.pass_line(line)
        blank = not line.strip()
        ruled = line.strip() == _RULE or (blank and ruled)
        at += 1
    return found


def blocks(text: str) -> Iterator[str | ToolBlock]:
    """Yields the parts of an agent's turn in order; the model's thoughts are left out. A text may be empty."""
    lines = text.split("\n")
    said: list[str] = []
    fences = Fences()
    ends = _tool_ends(lines)
    at = 0
    while at < len(lines):
        line = lines[at]
        if not fences and line.startswith("<think>"):
            at = next((last for last in range(at, len(lines)) if "</think>" in lines[last]), len(lines))
        elif not fences and (tool := _TOOL.match(line)):
            yield spoken_text(said)
            said = []
            end = _tool_end(lines, at, ends)
            yield _tool_block(tool[1], html.unescape(tool[2]), "\n".join(lines[at : end + 1]))
            at = end
        else:
            said.append(line)
            fences.pass_line(line)
        at += 1
    yield spoken_text(said)


def spoken_text(lines: Sequence[str]) -> str:
    """Returns a text without the rules that SpecStory puts between two speakers."""
    said = [at for at, line in enumerate(lines) if line.strip() not in ("", _RULE)]
    return "\n".join(lines[said[0] : said[-1] + 1]).strip() if said else ""


def _tool_ends(lines: Sequence[str]) -> list[int]:
    return [at for at, line in enumerate(lines) if _TOOL_END in line and line.rstrip().endswith(_TOOL_END)]


def _tool_end(lines: Sequence[str], start: int, ends: Sequence[int]) -> int:
    """Returns the index of the line that ends the tool block at `start`. With unbalanced fences, that is the first line
    that could end it; if no line could, the block is one line."""
    first = bisect_left(ends, start)
    fences = Fences()
    at = start + 1
    near = ends[first : first + _MOST_ENDS]
    for end in near:
        for line in lines[at:end]:
            fences.pass_line(line)
        if not fences:
            return end
        at = end
    return near[0] if near else start


def _tool_block(kind: str, name: str, text: str) -> ToolBlock:
    head, fence, fenced = text.partition("\n```")
    before, _, rest = head.partition("<summary>")
    summary, _, inner = rest.partition("</summary>")
    summary = one_line(html.unescape(summary[:_SUMMARY_CHARS]))
    for tag in (_TOOL_END, "</details>"):
        fenced = fenced.rstrip().removesuffix(tag)
    body = f"{_TAGS.sub('', before + inner)}{fence}{fenced}"
    return ToolBlock(kind, name, _TOOL_NAME.sub("", summary).strip(" •"), tuple(body.split("\n")))
