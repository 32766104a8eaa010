"""Tells by a shell command's words what it does with Carryover's own files in a project."""

from __future__ import annotations

import re
from typing import Final

from carryover.records.text import names_own_folder
from carryover.text.looking import is_looking, without_prefix
from carryover.text.pattern import later
from carryover.text.shell import tokens, without_heredocs

_LONGEST: Final = 16_384
_PASSED_ON: Final = later(
    r"\s*[^\s\"']{0,200}?(?:powershell|pwsh|cmd|bash|zsh|sh)(?:\.exe)?(?:\s+[-/]\w+(?:\s+\w+)?){0,6}?"
    r"\s+(?:-\w*c|-command|/c)\s+([\"'])((?:(?!\1).)*)\1\s*",
    re.I | re.S,
)
"""A command in quotes that another shell is started with."""
_ENDS_PART: Final = ("&&", "||", ";", "\n", "&", "(", ")")
_RUNS_MORE: Final = later(r"`|[$<]\s?\(|^(?:source|\.)\s|\s-(?:exec|ok)(?:dir)?\s", re.M)
"""A command within a command, or a script that is read in."""
_SHOWS_NOTHING: Final = later(r"(?:cd|echo|printf|sleep|true|fi|done)(?:\s|\Z)")
"""What only says where others look, or what they found."""
_EXCLUDED: Final = later(
    r"--?(?:exclude|ignore)[\w-]{0,40}[= ]\S+|(?:(?<=\s)|^)['\"]?(?::?!|:\(exclude\))[\w.*/]\S*"
    r"|(?:!|-not) -\w*(?:path|name) \S+|-path \S+ -prune|grep (?:-\w+ )*-\w{0,8}v\w{0,8} \S+",
    re.I,
)
"""What a search, a copy or git is to leave out."""
_NAMES_ALONE: Final = later(
    r"(?:ls|ll|dir|tree|stat|du|wc|test|\[|echo|printf|rm|rmdir|mkdir|mv|cp|ln|touch|chmod|chown|(?:remove|new)-item"
    r"|git (?:-C \S+ )?(?:add|rm|mv|commit|status|check-ignore|clean|update-index))(?:\s[^|]*)?",
    re.I | re.S,
)
"""Programs that print nothing of a file but its name."""


def only_looks(command: str) -> bool:
    """Whether a command does nothing but look at Carryover's own files."""
    parts = _parts(command)
    showing = [part for part in parts if not _SHOWS_NOTHING.match(part)]
    looks = is_looking("\n".join(parts)) and not any(map(_RUNS_MORE.search, parts))
    return looks and showing != [] and all(map(_names_own, showing))


def may_print(command: str) -> bool:
    """Whether a command that names Carryover's own files may print something of them."""
    parts = _parts(command)
    named = [without_prefix(part) for part in parts if _names_own(part)]
    return not parts or any(_RUNS_MORE.search(part) or not _NAMES_ALONE.fullmatch(part) for part in named)


def _names_own(part: str) -> bool:
    return names_own_folder(_EXCLUDED.sub("", part))


def _parts(command: str) -> list[str]:
    """Returns the parts of a command without comments, each with what it is piped to; none if a quote has no end:
    nothing is certain then."""
    passed_on = _PASSED_ON.fullmatch(command[:_LONGEST])
    script = passed_on[2] if passed_on is not None else command[:_LONGEST]
    parts: list[list[str]] = [[]]
    for token in tokens(without_heredocs(script)):
        if token.kind == "cut":
            return []
        if token.kind == "operator" and token.text in _ENDS_PART:
            parts.append([])
        else:
            parts[-1].append(token.text)
    return [" ".join(words) for words in parts if words]
