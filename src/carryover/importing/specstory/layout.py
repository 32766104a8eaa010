"""Finds where turns begin and tool blocks end in the lines of a SpecStory document.

Tool output and pasted text are unescaped, so a line that looks like the heading of a turn may be quoted. It is a
heading only outside tool blocks and, within a fenced block, only below a rule, which SpecStory puts between two
speakers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

HEADING: Final = re.compile(rb"_\*\*(User|Agent|Assistant)( - sidechain)?(?: \(([^\n]{0,200})\))?\*\*_[ \t\r]*$")
"""Heading of a turn (all versions): the speaker, whether in a sub-agent, and in brackets model and time."""
TOOL: Final = re.compile(rb'<tool-use data-tool-type="([^"\n]{0,80})" data-tool-name="([^"\n]{0,200})">')
"""Start of a tool block (Markdown v2.0 and later)."""
_TOOL_END: Final = b"</tool-use>"
_MOST_ENDS: Final = 100
"""How many possible last lines of a block are checked against its fences; a document may consist of such lines."""
_FENCE: Final = re.compile(rb" {0,3}(`{3,}|~{3,})")
_RULE: Final = b"---"


class Fences:
    """Tracks the open fenced blocks, line by line.

    SpecStory put three backquotes around any text until, in 2026, it began to use more if the text has three. So a
    fence with a language opens a block even within another one, and a bare fence closes the innermost.
    """

    def __init__(self) -> None:
        self._open: list[bytes] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def pass_line(self, line: bytes) -> None:
        """Processes one line."""
        found = _FENCE.match(line)
        if found is None or b"`" in line[found.end() :]:
            return
        fence, language = found[1], line[found.end() :].strip()
        if self._open and (len(self._open[0]) > len(fence) or self._open[0][:1] != fence[:1]):
            return
        if language:
            if len(self._open) < 2 or len(self._open[0]) == 3:
                self._open.append(fence)
        elif self._open:
            self._open.pop()
        else:
            self._open.append(fence)


def turn_starts(lines: Sequence[bytes]) -> list[int]:
    """Returns the indexes of the lines at which turns begin."""
    found = []
    fences, last_end = Fences(), last_tool_end(lines)
    ruled, blank = True, True  # what was above: a rule (blank lines aside), a blank line
    at = 0
    while at < len(lines):
        line = lines[at]
        if blank and HEADING.match(line) and (ruled or not fences):
            found.append(at)
            fences = Fences()
        elif not fences and TOOL.match(line):
            at = tool_end(lines, at, last_end)
            line = b""
        else:
            fences.pass_line(line)
        blank = not line.strip()
        ruled = line.strip() == _RULE or (blank and ruled)
        at += 1
    return found


def last_tool_end(lines: Sequence[bytes]) -> int:
    """Returns the index of the last line that may end a tool block; -1 if there is none."""
    return next((at for at in range(len(lines) - 1, -1, -1) if _ends_tool(lines[at])), -1)


def tool_end(lines: Sequence[bytes], start: int, last_end: int) -> int:
    """Returns the index of the line that ends the tool block starting at `start`. `last_end`: see `last_tool_end`.

    If its fences are unbalanced, that is the first line that could end it; if no line could, the block is one line.
    """
    fences = Fences()
    ends: list[int] = []
    for at in range(start, last_end + 1):
        if _ends_tool(lines[at]):
            ends.append(at)
            if not fences:
                return at
            if len(ends) == _MOST_ENDS:
                break
        if at > start:
            fences.pass_line(lines[at])
    return ends[0] if ends else start


def _ends_tool(line: bytes) -> bool:
    return _TOOL_END in line and line.rstrip().endswith(_TOOL_END)
