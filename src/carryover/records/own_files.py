"""Tells by a shell command's words what it does with Carryover's own files in a project."""

from __future__ import annotations

import re
from typing import Final

from carryover.records.text import names_own_folder
from carryover.text.looking import is_looking, without_prefix
from carryover.text.pattern import later
from carryover.text.shell import commands, is_cut, pipelines, script_of_shell

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
    script = _script(command)
    parts = _parts(script)
    showing = [part for part in parts if not _SHOWS_NOTHING.match(part)]
    looks = is_looking(script) and not any(map(_RUNS_MORE.search, parts))
    return looks and showing != [] and all(map(_names_own, showing))


def may_print(command: str) -> bool:
    """Whether a command that names Carryover's own files may print something of them."""
    parts = _parts(_script(command))
    named = [without_prefix(part) for part in parts if _names_own(part)]
    return not parts or any(_RUNS_MORE.search(part) or not _NAMES_ALONE.fullmatch(part) for part in named)


def _names_own(part: str) -> bool:
    return names_own_folder(_EXCLUDED.sub("", part))


def _script(command: str) -> str:
    """Returns the command that another shell is started with, if that is all of `command`; `command` itself if that
    names none of the files: PowerShell takes what follows too."""
    steps = commands(command)
    script = script_of_shell(steps[0].words) if len(steps) == 1 else None
    return script if script and _names_own(script) else command


def _parts(script: str) -> list[str]:
    """Returns the parts of a command, each with what it is piped to; none if its end is not certain."""
    return [] if is_cut(script) else [" | ".join(each.text for each in part) for part in pipelines(script)]
