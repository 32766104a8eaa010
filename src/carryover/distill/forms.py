"""Tells by form alone what a user typed into a form, such as the prompt of a command with a place for its arguments."""

from __future__ import annotations

import re
from itertools import dropwhile
from typing import Final, NamedTuple

from carryover.distill.closed_classes import is_list_item
from carryover.distill.pastes import COLONS, MOST_TYPED, is_machine_line, typed_words
from carryover.distill.quotes import clip, clip_middle, quoted
from carryover.text.harmless import one_line
from carryover.text.markdown import line_forms
from carryover.text.pasted import without_paste_marks
from carryover.text.pattern import later

_HEADING: Final = later(r"\s*#{1,3}\s+(\S.{0,59})")
_LEAST_HEADINGS: Final = 2
_LOOKED_AT: Final = 40_000
"""Characters of a prompt of which a line is shown: what was typed stands above a long paste or below it."""
_PLACE: Final = later(r"\s*(?:\$ARGUMENTS|\$@|\{\{ ?(?:args|input) ?\}\})\s*", re.I)
"""A line that stands where a client puts what was typed, in a command's file that it did not fill in."""
_STORED_CHARS: Final = 200
_HANDED_OVER: Final = later(r"(?<![\w@])@[\w.-]{1,40}(?:/[\w.-]{1,60}){1,8}\b")
"""A reference to a file, as people and commands write it: `@flows/agents/editor.md`."""
_MOST_FILES: Final = 2
_NAME_CHARS: Final = 60
_SHOWN_CHARS: Final = 60
_SHOWN_LINES: Final = 3
"""Of what a form does."""
_BELOW: Final = later(r"\n\n\n(?=/[a-z][\w.:-]*(?:\s|$))")
"""What stands between a command's file and the command."""
_COMMAND: Final = later(r"\s*#{1,3}\s+/[\w:-]+")
_NAMED: Final = later(r"\s*(?:description:|#{1,3})\s+(\S.{0,59})")


class Filled(NamedTuple):
    """What was typed into a form, perhaps nothing, the form's name, and the line that tells of it."""

    typed: str
    name: str
    template: str


def request_in(prompt: str) -> str:
    """Returns what a prompt asks: what was typed into it if it is a form, or else the line that names the form."""
    form = filled_in(prompt)
    return prompt if form is None else form.typed or form.template


def without_pastes(prompt: str) -> str:
    """Returns what a prompt asks, without what was pasted into it, unless that is all or a colon leads to it.

    >>> without_pastes("2026-11-20 17:59 | INFO | loss 0.9\\n\\nWhy does it rise?")
    'Why does it rise?'
    """
    request = request_in(clip_middle(prompt, chars=_LOOKED_AT))
    typed = typed_words(request).strip()
    lines = (without_paste_marks(request) if not typed or typed.endswith(COLONS) else typed).splitlines()
    return "\n".join(dropwhile(is_machine_line, filter(str.strip, lines))) or request


def filled_in(prompt: str) -> Filled | None:
    """Returns what was typed into a form. None if the prompt is no form, which is longer than people type and one of:
    a command's file with the command below it, or that begins with the command's name, or whose place for the arguments
    is empty; a heading with a code block alone below it and more headings."""
    if len(prompt) <= MOST_TYPED:
        return None
    lines = prompt.splitlines()
    return _of_a_file(prompt, lines) or _below_a_heading(prompt, lines)


def whole_form(kind: str, prompt: str) -> Filled:
    """Returns the form of a stored or scheduled prompt, in which nothing is known to be typed. It is shown by its
    beginning and the files that it refers to further down."""
    begins = clip(one_line(prompt), chars=_STORED_CHARS)
    files = [file for file in dict.fromkeys(_HANDED_OVER.findall(prompt)) if file not in begins]
    named = f", with {', '.join(files[:_MOST_FILES])}" if files else ""
    shown = quoted(clip(begins, chars=_STORED_CHARS - len(named)))
    return Filled("", shown, f"{kind} prompt {shown}, {len(prompt):,} characters{named}")


def _of_a_file(prompt: str, lines: list[str]) -> Filled | None:
    first = _first(lines)  # of a person who asks about such a file, it is a sentence
    if not first.startswith(("---", "#")):
        return None
    named = next(filter(None, map(_NAMED.match, lines)), None)
    name = named[1] if named is not None else first
    # Without a place for arguments, the command stands below its file as it was typed (Gemini CLI, Qwen Code).
    *_, below = _BELOW.split(prompt)
    if below != prompt:
        return _filled(prompt, below.strip(), name)
    if not (any(map(_PLACE.fullmatch, lines)) or _COMMAND.match(first)):
        return None
    # Where the client left the place empty, what was typed stands right below the file's last list.
    *file, last = prompt.rstrip().splitlines()
    is_typed = bool(file) and is_list_item(file[-1]) and not is_list_item(last) and last == last.lstrip()
    block = _first_block(file if is_typed else lines)
    return _filled(prompt, last.strip() if is_typed else "", name if block is None else block[1][0])


def _below_a_heading(prompt: str, lines: list[str]) -> Filled | None:
    block = _first_block(lines)
    if block is None or 2 * len(block[0]) > len(prompt):
        return None
    return _filled(prompt, block[0], "; ".join(block[1]))


def _first_block(lines: list[str]) -> tuple[str, list[str]] | None:
    """Returns what the code block below a form's first heading holds, and the first lines of what the form does; None
    if that heading has more than a block, or is the only one."""
    forms = line_forms(lines)
    shown = [at for at, line in enumerate(lines) if line.strip()]
    fences = [at for at, form in enumerate(forms) if form == "fence"]
    name = _HEADING.match(lines[shown[0]]) if len(shown) > 1 else None
    headings = [at for at in shown if forms[at] == "text" and _HEADING.match(lines[at])]
    if name is None or fences[:1] != shown[1:2] or len(fences) < 2 or len(headings) < _LEAST_HEADINGS:
        return None
    # That heading is of the block, and the same in each command of a set (Spec Kit): what one does stands below the
    # next.
    below = next((at for at in headings if at > fences[1]), shown[-1])
    steps = dict.fromkeys(line for line in lines[below + 1 :] if line[:1].strip(" \t#") and any(map(str.isalnum, line)))
    does = [clip(line.replace("**", ""), chars=_SHOWN_CHARS) for line in list(steps)[:_SHOWN_LINES]]
    return "\n".join(lines[fences[0] + 1 : fences[1]]).strip(), does or [name[1]]


def _first(lines: list[str]) -> str:
    return next((line for line in lines if line.strip()), "").strip()[:_NAME_CHARS]


def _filled(prompt: str, typed: str, name: str) -> Filled:
    name = name.strip()
    return Filled(typed, name, f"template {quoted(name)}, {len(prompt) - len(typed):,} characters")
