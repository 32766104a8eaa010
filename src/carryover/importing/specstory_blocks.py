"""Finds turns, spoken text and tool calls in the lines of a SpecStory document.

Tool output and pasted text are unescaped, so what looks like a turn's heading may be quoted. It counts only outside
tool blocks and, within a fenced block, only below a rule, which SpecStory puts between two speakers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from carryover.importing.turns import Fences, open_blocks
from carryover.records.entities import unescaped
from carryover.text.harmless import one_line
from carryover.text.pattern import later

HEADING: Final = later(
    r"_\*\*(User|Agent|Assistant)( - sidechain)?(?: \((?!sidechain\))(.{0,200}?)\))?( \(sidechain\))?\*\*_[ \t\r]*$"
)
"""Heading of a turn (all versions): the speaker, whether in a sub-agent, and in brackets model and time."""
REASONS: Final = (
    "Tool call errored or timed out",
    "The string to replace was not found in the file.",
    "The model provided an ambiguous search string to replace.",
    "Model provided invalid arguments to find/replace tool.",
    "Incorrect tool arguments",
)
"""All that is shown of a call that failed, in one line."""
_ALONE: Final = ("Cancelled", *REASONS)
_TOOL: Final = later(r'<tool-use data-tool-type="([^"]{0,80})" data-tool-name="([^"]{0,200})">')
"""Start of a tool block (Markdown v2.0 and later)."""
_TOOL_END: Final = "</tool-use>"
_THOUGHT: Final = "<think>"
_OLDER_TOOL: Final = later(r"Tool use: \*\*([^*]{1,200})\*\*(?:\s*$| (\S.*))")
"""Start of a tool's part (before v2). What the call is about may follow on the line; a rule ends the part."""
_OLDER_PLAN: Final = "**Agent task list:**"
_CLOSING: Final = {"```bash": "```", "```diff": "```", "<details>": "</details>"}
"""First and last lines of what is shown of a call before v2, in which rules may be."""
_NAMELESS: Final[dict[str, tuple[str, str]]] = {
    "Read file: ": ("read", "read"),
    "<details><summary>Edit file: ": ("write", "edit"),
    "<details>": ("search", "search"),
    "```diff": ("write", "edit"),
    "```bash": ("shell", "run"),
}
"""How a call without a name begins (first half of 2025), alone between two rules, and what stands for its name."""
_MOST_ENDS: Final = 100
"""How many possible last lines of a block are checked against its fences; a document may consist of such lines."""
_RULE: Final = "---"
_NOBODY: Final = "_****_"
"""Heading of each part of an answer (before April 2025)."""
_TAGS: Final = later(r"</?(?:tool-use|details)\b[^>\n]{0,400}>")
_SUMMARY_CHARS: Final = 20_000
_TOOL_NAME: Final = later(r"^Tool use: \*\*[^*]{1,200}\*\*")


class ToolBlock(msgspec.Struct, frozen=True):
    """A tool call. `kind` is shell, read, write, search, task, generic or unknown; `summary` is the summary line
    without the tool's name, `body` the lines after it."""

    kind: str
    name: str
    summary: str
    body: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing but the name is shown."""
        return not self.summary and not any(map(str.strip, self.body))


class _Ends:
    """Where what begins in a line ends."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        ends = (at for at, line in enumerate(lines) if _TOOL_END in line)
        self._tools = [at for at in ends if lines[at].rstrip().endswith(_TOOL_END)]
        self._thoughts = [at for at, line in enumerate(lines) if "</think>" in line]
        rules = [*(at for at, line in enumerate(lines) if line.strip() == _RULE), len(lines)]
        above = [next(filter(str.strip, reversed(lines[max(0, at - 4) : at])), "").strip() for at in rules]
        self._rules = {
            closing: [at for at, last in zip(rules, above, strict=True) if closing in ("", last) or at == len(lines)]
            for closing in ("", *_CLOSING.values())
        }

    def hidden(self, at: int) -> int | None:
        """Returns the last line of the tool block or thought that begins in a line; None if none does."""
        if _TOOL.match(self._lines[at]):
            return self._end(at, self._tools)
        first = bisect_left(self._thoughts, at) if self._lines[at].startswith(_THOUGHT) else len(self._thoughts)
        return self._thoughts[first] if first < len(self._thoughts) else None

    def part(self, at: int, *, named: bool) -> int:
        """Returns the rule that ends the part that begins in a line, or the number of lines."""
        first = next(filter(str.strip, self._lines[at : at + 4]), "")
        closing = next((end for begin, end in _CLOSING.items() if first.startswith(begin)), "")
        rules = self._rules[closing]
        return self._end(at - 1, rules) if named else rules[bisect_left(rules, at)]

    def _end(self, start: int, ends: Sequence[int]) -> int:
        """Returns the first of these lines behind `start` at which no fence is open. With unbalanced fences, that is
        the first of them; if there is none, `start`."""
        first = bisect_left(ends, start)
        fences = Fences()
        at = start + 1
        near = ends[first : first + _MOST_ENDS]
        for end in near:
            for line in self._lines[at:end]:
                fences.pass_line(line)
            if not fences:
                return end
            at = end
        return near[0] if near else start


def turn_lines(lines: Sequence[str]) -> list[int]:
    """Returns the indexes of the lines at which turns begin."""
    found: list[int] = []
    fences = Fences()
    ends = _Ends(lines)
    ruled = True  # a rule was above, blank lines aside
    blank = True  # a blank line was above
    at = 0
    while at < len(lines):
        line = lines[at]
        if blank and HEADING.match(line) and (ruled or not fences):
            found.append(at)
            fences = Fences()
        elif not fences and (end := ends.hidden(at)) is not None:  # a thought's fences may have no end
            at = end
            line = ""
        else:
            fences.pass_line(line)
        blank = not line.strip()
        ruled = line.strip() == _RULE or (blank and ruled)
        at += 1
    return found


def blocks(text: str, *, unnamed: bool = False) -> Iterator[str | ToolBlock]:
    """Yields the parts of an agent's turn in order; the model's thoughts are left out. A text may be empty.

    `unnamed`: whether the document may be one in which tools have no names.
    """
    unnamed = unnamed and "<tool-use " not in text and "Tool use: **" not in text
    lines = ["" if line.strip() == _NOBODY else line for line in text.split("\n")]
    said: list[str] = []
    fences = Fences()
    ends = _Ends(lines)
    at = 0
    ruled = unnamed  # a rule was above, blank lines aside
    while at < len(lines):
        is_rule = lines[at].strip() == _RULE
        end, block = _call_at(lines, at, ends, said, ruled, unnamed) if not fences else (None, None)
        if block is not None or (is_rule and ruled and unnamed):  # of a call, nothing may be shown
            yield spoken_text(said)
            said = []
        if block is not None:
            yield block
        if end is None:
            if said or lines[at].strip():
                said.append(lines[at])
            fences.pass_line(lines[at])
        if is_rule and unnamed:
            fences = Fences()
        ruled = is_rule or (ruled and not lines[at].strip())
        at = at + 1 if end is None else end
    yield spoken_text(said)


def _call_at(
    lines: Sequence[str], at: int, ends: _Ends, said: Sequence[str], ruled: bool, unnamed: bool
) -> tuple[int | None, ToolBlock | None]:
    """Returns the line behind the call or thought that begins in a line, None if neither does, and the call. `said`:
    the agent's words above it, from the first line that is not blank."""
    line = lines[at]
    if (last := ends.hidden(at)) is not None:
        if not (tool := _TOOL.match(line)):
            return last + 1, None
        return _printed_below(lines, last) + 1, _block(tool[1], unescaped(tool[2]), lines[at : last + 1])
    if line.startswith(_THOUGHT):
        return len(lines), None
    if (tool := _OLDER_TOOL.match(line)) and not (tool[2] and said):
        end = ends.part(at + 1, named=True)
        block = _block("unknown", tool[1], lines[at + 1 : end])
        return end, msgspec.structs.replace(block, summary=block.summary or tool[2] or "")
    if line == _OLDER_PLAN and not said:
        below = (place for place in range(at + 1, len(lines)) if lines[place].strip())
        end = next((place for place in below if not lines[place].lstrip().startswith("- [")), len(lines))
        return end, ToolBlock("task", "TodoWrite", "", tuple(lines[at + 1 : end]))
    if ruled and line.strip() and (unnamed or line in _ALONE):
        end = ends.part(at, named=False)
        nameless = _nameless(lines[at:end])
        return (end, nameless) if nameless is not None else (None, None)
    return None, None


def _nameless(part: Sequence[str]) -> ToolBlock | None:
    """Returns what is alone between two rules as a call, if it has the form of one."""
    text = "\n".join(part).strip()
    if text in _ALONE:
        return ToolBlock("unknown", "call", "", (text,))
    kind, name = next((named for begin, named in _NAMELESS.items() if text.startswith(begin)), ("", ""))
    outside = (line for line, depth in zip(part, open_blocks(part), strict=True) if not depth and line[:3] != "```")
    is_diff = all(line[:1] in ("", " ", "+", "-") or line.startswith("```") for line in part)
    if not kind or (
        (kind == "read" and "\n" in text)
        or (kind == "shell" and any(map(str.strip, outside)))
        or (text.startswith("```diff") and not is_diff)
    ):
        return None
    text = text.removesuffix("Read file: undefined")
    return _block(kind, name, (text.replace("`", "") if kind == "search" else text).split("\n"))  # what was found


def spoken_text(lines: Sequence[str]) -> str:
    """Returns a text without the rules that SpecStory puts between two speakers."""
    said = [at for at, line in enumerate(lines) if line.strip() not in ("", _RULE)]
    return "\n".join(lines[said[0] : said[-1] + 1]).strip() if said else ""


def _printed_below(lines: Sequence[str], end: int) -> int:
    """Returns the index of the last line of what a todo list's tool printed, right below its block (v2.0.0)."""
    fence = lines[end + 1 : end + 2] == ["```"]
    return next((at for at in range(end + 2, len(lines)) if lines[at] == "```"), end) if fence else end


def _block(kind: str, name: str, lines: Sequence[str]) -> ToolBlock:
    head, fence, fenced = "\n".join(lines).partition("\n```")
    before, _, rest = head.partition("<summary>")
    summary, _, inner = rest.partition("</summary>")
    summary = one_line(unescaped(summary[:_SUMMARY_CHARS]))
    for tag in (_TOOL_END, "</details>"):
        fenced = fenced.rstrip().removesuffix(tag)
    body = f"{_TAGS.sub('', before + inner)}{fence}{fenced}"
    return ToolBlock(kind, name, _TOOL_NAME.sub("", summary).strip(" •"), tuple(body.split("\n")))
