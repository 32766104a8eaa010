"""Finds the files that a script in a here-document wrote, since its command names none. Nothing is guessed: only a
statement that begins at the left margin certainly ran, and only of a name that is spelled out is it known which."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from carryover.text.pattern import later
from carryover.text.shell import script_lines

_PROGRAM: Final = later(r"(?:[\w.~/-]{0,200}/)?(?:python3?(?:\.\d{1,2})?|node|bun)")
_BEGINS: Final = later(rf"(?:^|&&|;)[ \t]*{_PROGRAM.pattern}(?:[ \t]+-[\w=-]*)*[ \t]*<<", re.M)
_MAY_STOP_OR_MOVE: Final = later(r"exit|chdir", re.I)
_TEXTS: Final = later(r"(\"\"\"|'''|`)[\s\S]*?\1")
"""Texts of several lines, which may be scripts themselves."""
_LITERAL: Final = r"(?:(?:pathlib\.)?Path\()?[\"']([^\"'\\$\n]{1,200})[\"']\)?"
_FILE: Final = rf"(?:{_LITERAL}|(\w{{1,60}}))"
_ASSIGNED: Final = later(rf"^[ \t]*(?:(?:const|let|var) )?(\w{{1,60}}) ?=(?!=) ?(?:{_LITERAL};?[ \t]*$)?", re.M)
_WRITTEN: Final = later(
    r"^(?:with |\w{1,60} ?= ?)?(?:[\w.]{1,60}\((?:[\w.]{1,60}, ?)?)?"  # `json.dump(rates, open(...))`
    rf"(?:{_FILE}\.write_(?:text|bytes)\(|open\({_FILE}, ?(?:mode=)?[\"'][wax]"
    rf"|(?:(?:fs|require\([\"'](?:node:)?fs[\"']\))\.)?(?:write|append)FileSync\({_FILE},)",
    re.M,
)


def may_write(command: str) -> bool:
    """Whether `written` may find anything in a command."""
    return "<<" in command and _BEGINS.search(command) is not None


def reads_script(words: Sequence[str]) -> bool:
    """Whether a command runs a script that it reads from its input."""
    is_program = _PROGRAM.fullmatch("".join(words[:1])) is not None
    return is_program and all(word.startswith("-") for word in words[1:])


def written(command: str) -> Iterator[str]:
    """Yields the files that the only here-document of a command wrote if it succeeded, as they are named there."""
    begun = [line for line in script_lines(command) if line.below]
    if len(begun) != 1 or begun[0].waiting or not _BEGINS.search(begun[0].text):
        return
    script = _TEXTS.sub("''", "\n".join(begun[0].below[:-1]))
    if _MAY_STOP_OR_MOVE.search(script):
        return
    values: dict[str, str] = {}
    for name, value in _ASSIGNED.findall(script):
        values[name] = "" if name in values else value
    for found in _WRITTEN.finditer(script):
        literal, name = (found[at] or found[at + 2] or found[at + 4] for at in (1, 2))
        if path := literal or values.get(name):
            yield path
