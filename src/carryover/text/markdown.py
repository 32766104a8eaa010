"""Reads Markdown: the lines of prompts and answers, and the visible text of a user's file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Final, Literal

from carryover.text.pattern import later

# A fence may be in a list or a quotation. Its indentation does not matter, since list items shift it.
_OPENER: Final = later(rb"[ \t]*(?:(?:[-*+>]|\d{1,9}[.)])[ \t]*)*(`{3,}(?=[^`]*$)|~{3,})")
_CLOSER: Final = later(rb"[ \t>]*(`{3,}|~{3,})[ \t]*$")
# In an answer: whatever looks like a fence is one, and one that is never closed runs to the end.
_FENCE: Final = later(r"^\s*(```+(?=[^`]*$)|~~~+)")
_TABLE_ROW: Final = later(r"^\s*\|.*\|\s*$")
_CODE: Final = later(r"`[^`\n]+`|(?<!\w)[\"'“„«‘][?!]{1,3}[\"'”“»’](?!\w)")
"""Text between backticks, or a punctuation mark alone between quotation marks."""
_HIDDEN: Final = later(r"(?<!`)(`{1,3})(?!`)[^\n]+?(?<!`)\1(?!`)|<!--(?:(?!<!--|-->).)*-->", re.DOTALL)
_SHORT_BLOCK: Final = 8
"""So many lines with its fences may hold the commands to run next."""
_LONG_BLOCK: Final = 20
"""Code of fewer lines mostly shows what is said. Its length would take the room of another answer's words."""
_NO_CODE: Final = ("", "markdown", "md", "text", "txt")
"""How a fence begins that has a tree, a draft or an output in it."""
_LANGUAGE: Final = later(r"[A-Za-z][\w+#.-]{0,20}(?![\w+#.:/-])")
"""The first word after a fence; a SpecStory document of Cursor has the place there of code that is in a file."""
LEFT_OUT: Final = "…"
"""How a line begins that stands for a block of code."""


LineForm = Literal["text", "fence", "code"]


def line_forms(lines: Sequence[str]) -> list[LineForm]:
    """Returns the form of each line of an answer or prompt: text, an opening or closing code fence, or code."""
    forms: list[LineForm] = []
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        if not fence:
            forms.append("fence" if mark else "text")
            fence = mark[1] if mark else ""
        elif mark and mark[1].startswith(fence):
            forms.append("fence")
            fence = ""
        else:
            forms.append("code")
    return forms


def without_blocks(text: str, *, counted: bool = False) -> str:
    """Returns an answer with `…` for each long block of code, which names its language and is closed; all of it if
    nothing but what leads to code is said. `counted`: with how many lines of what are left out, if they are many."""
    lines = text.splitlines()
    kept: list[str] = []
    for is_text, run in groupby(zip(line_forms(lines), lines, strict=True), key=lambda one: one[0] == "text"):
        block = [*run]
        info = block[0][1].strip(" \t`~")
        is_code = not is_text and info.casefold() not in _NO_CODE
        is_left_out = is_code and block[-1][0] == "fence" and len(block) > _SHORT_BLOCK
        length = len(block) - 2
        language = _LANGUAGE.match(info) if counted and length >= _LONG_BLOCK else None
        mark = f"{LEFT_OUT} ({length} lines of {language[0]})" if language is not None else LEFT_OUT
        kept += [mark] if is_left_out else [line for _, line in block]
    said = (line.rstrip() for line in kept if line.strip() and not line.startswith(LEFT_OUT))
    is_said = any(not line.endswith((":", "：")) for line in said)
    return "\n".join(kept) if is_said and len(kept) < len(lines) else text


def own_lines(lines: Sequence[str]) -> list[bool]:
    """Returns for each line of an answer whether it is the author's own, outside of code blocks and quotations. A fence
    without a language right below text or another fence, with a blank line after it, opens no block: it closes one
    whose beginning is missing, or one around others.

    >>> own_lines(["Run:", "```", "make?", "```", "> Why?", "Shall I?"])
    [True, False, False, False, False, True]
    >>> own_lines(["```", "make?", "```", "```", "", "It works.", "Shall I?"])
    [False, False, False, False, True, True, True]
    """
    forms = line_forms(lines)
    at = len(forms) - 1
    while at >= 0 and forms[at] == "code":
        at -= 1
    above, below = "".join(lines[at - 1 : at]).strip(), "".join(lines[at + 1 : at + 2]).strip()
    is_bare = at > 0 and forms[at] == "fence" and not lines[at].strip(" \t`~")
    if is_bare and forms[at - 1] != "code" and above and not below:
        forms[at + 1 :] = ["text"] * (len(forms) - at - 1)
    return [form == "text" and not line.lstrip().startswith(">") for line, form in zip(lines, forms, strict=True)]


def without_code(line: str) -> str:
    """Returns a line of the same length with code and quoted punctuation marks replaced by `x`, since these end no
    sentence.

    >>> without_code("Is `a.b?` new? Count each '?' in it.")
    "Is `xxxx` new? Count each 'x' in it."
    """
    return _CODE.sub(lambda code: f"{code[0][0]}{'x' * (len(code[0]) - 2)}{code[0][-1]}", line)


def is_table_row(line: str) -> bool:
    """Whether the line is a row of a table, or the rule below its header."""
    return _TABLE_ROW.match(line) is not None


def fenced_lines(lines: Sequence[bytes]) -> set[int]:
    """Returns the indexes of the lines in a user's file that belong to a fence that is closed."""
    places = [at for at, line in enumerate(lines) if b"```" in line or b"~~~" in line]
    closers = [_run(_CLOSER, lines[at]) or b"" for at in places]
    longest_after = _longest_after(closers)
    inside: set[int] = set()
    at = 0
    while at < len(places):
        opener = _run(_OPENER, lines[places[at]])
        if opener is not None and longest_after[at].get(opener[:1], 0) >= len(opener):
            end = next(i for i in range(at + 1, len(places)) if closers[i].startswith(opener))
            inside.update(range(places[at], places[end] + 1))
            at = end
        at += 1
    return inside


def visible_text(data: bytes) -> str:
    """Returns a user's text without code fences, code spans of a line and HTML comments."""
    lines = data.split(b"\n")
    hidden = fenced_lines(lines)
    text = b"\n".join(b"" if at in hidden else line for at, line in enumerate(lines)).decode("utf-8-sig", "replace")
    return _HIDDEN.sub("", text)


def _run(pattern: re.Pattern[bytes], line: bytes) -> bytes | None:
    match = pattern.match(line.rstrip(b"\r\n"))
    return match[1] if match else None


def _longest_after(closers: Sequence[bytes]) -> list[dict[bytes, int]]:
    found: list[dict[bytes, int]] = []
    longest: dict[bytes, int] = {}
    for closer in reversed(closers):
        found.append(longest)
        if len(closer) > longest.get(closer[:1], 0):
            longest = {**longest, closer[:1]: len(closer)}
    return found[::-1]


def without_thinking(text: str) -> str:
    """Returns what a model says after the thoughts that it put between tags at the beginning. They may end in another
    part of the answer, which then begins with the closing tag."""
    said = text.lstrip()
    if said.startswith("<think>"):
        return said.partition("</think>")[2]
    return said.removeprefix("</think>") if said.startswith("</think>") else text
