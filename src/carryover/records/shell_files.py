"""Detects the files that a successful shell command certainly changed: redirections, tee, rm, mv and git's forms.

Agents write files in the shell too, and no other record shows it. Only plain cases are read: a name with a variable, a
glob or a tilde, a loop, a subshell or an alternative (`||`) could mean anything, and nothing is guessed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from carryover.records.changes import Change
from carryover.records.fields import MAX_PATH_CHARS, resolved
from carryover.text.shell import Token, has_target, tokens, without_heredocs

MAX_SCRIPT_CHARS: Final = 20_000
MAX_CHANGES: Final = 20

_KEYWORDS: Final = frozenset(
    ("if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "function", "select")
)
_CERTAIN_OPERATORS: Final = frozenset((";", "\n", "&&", "|"))
_HARDLY_FAIL: Final = frozenset(("cd", "mkdir", "set", "export", "echo"))
"""Commands that agents put before the actual one and that hardly ever fail."""
_UNCERTAIN_WORDS: Final = frozenset(("{", "}", "!", "[["))
_UNREADABLE: Final = re.compile(r"\$\(|`|(?<!<)<<(?!<)")
_TELLING: Final = re.compile(r">|\b(?:tee|rm|mv)\b")
_SILENCED: Final = re.compile(r"[12&]?>{1,2}\s*(?:/dev/null|&[12])")
_PLAIN: Final = re.compile(r"[^\s$`*?\[\]{}~<>|&;()!\"'\\]+")


@dataclass(frozen=True, slots=True)
class Step:
    """One simple command: its words, its output files, and whether it certainly ran and certainly succeeded."""

    words: tuple[str, ...]
    written: tuple[str, ...]
    ran: bool
    succeeded: bool


def changes(command: str, cwd: str | None) -> tuple[Change, ...]:
    """Returns the changes of `command`, run in `cwd`, in order; empty if it is not plain enough to be sure of any."""
    if not _TELLING.search(_SILENCED.sub("", command)):
        return ()
    steps = _steps(without_heredocs(command))
    found: list[Change] = []
    for step in steps:
        if step.words[:1] == ("cd",):
            cwd = _moved(step.words[1:], cwd) if step.ran else None
            continue
        if step.ran:
            found += _redirected(step, cwd)
        if step.succeeded:
            found += _named(step.words, cwd)
    return tuple(change for change in found if len(change.path) <= MAX_PATH_CHARS)[:MAX_CHANGES]


def _steps(script: str) -> Sequence[Step]:
    """Returns the simple commands of a script; empty if it is more than a plain sequence of them."""
    if len(script) > MAX_SCRIPT_CHARS or _UNREADABLE.search(script):
        return ()
    found = list(tokens(script))
    return () if any(map(_is_uncertain, found)) else _sequence(found)


def _is_uncertain(token: Token) -> bool:
    match token.kind:
        case "operator":
            return token.text not in _CERTAIN_OPERATORS
        case "word":
            return token.text in _UNCERTAIN_WORDS or token.text in _KEYWORDS
    return token.kind == "cut"


def _sequence(found: Sequence[Token]) -> Sequence[Step]:
    """Splits tokens at `;`, `&&` and `|`.

    A successful script means that every command of its last `&&` list succeeded (apart from pipes). In an earlier list
    only the first command certainly ran, and those after commands that hardly ever fail.
    """
    cut: list[tuple[list[Token], int, bool]] = []
    command: list[Token] = []
    lists, after_and = 0, False
    for token in [*found, Token("operator", ";")]:
        if token.kind != "operator":
            command.append(token)
            continue
        if command:
            cut.append((command, lists, after_and))
        may_fail = bool(command) and command[0].text not in _HARDLY_FAIL
        command = []
        ends_list = token.text in (";", "\n")
        lists += ends_list
        after_and = not ends_list and (after_and or (token.text == "&&" and may_fail))
    last = cut[-1][1] if cut else 0
    return [_step(step, ran=number == last or not late, succeeded=number == last) for step, number, late in cut]


def _step(command: Sequence[Token], *, ran: bool, succeeded: bool) -> Step:
    words: list[str] = []
    written: list[str] = []
    redirect: Token | None = None
    for token in command:
        if token.kind == "redirect":
            redirect = token if has_target(token) else None
        elif redirect is None:
            words.append(token.text)
        else:
            if redirect.text.removeprefix("1") in (">", ">>", ">|"):
                written.append(token.text)
            redirect = None
    return Step(words=tuple(words), written=tuple(written), ran=ran, succeeded=succeeded)


def _name(word: str) -> str | None:
    """Returns the file name in a shell word; None if the shell might expand it to something else."""
    if len(word) >= 2 and word[0] == word[-1] == "'" and "'" not in word[1:-1]:
        inner = word[1:-1]
        return inner if inner and "\n" not in inner else None
    if len(word) >= 2 and word[0] == word[-1] == '"':
        inner = word[1:-1]
        return inner if inner and not re.search(r"[$`\"\\\n!]", inner) else None
    return word if _PLAIN.fullmatch(word) else None


def _path(word: str, cwd: str | None) -> str | None:
    name = _name(word)
    return resolved(name, cwd) if name else None


def _moved(words: Sequence[str], cwd: str | None) -> str | None:
    """Returns the folder after `cd`; None, which makes relative names unknown, unless it is one plain name."""
    if len(words) != 1 or words[0].startswith("-"):
        return None
    return _path(words[0], cwd)


def _redirected(step: Step, cwd: str | None) -> list[Change]:
    paths = [_path(word, cwd) for word in step.written]
    if step.words[:1] == ("tee",):
        paths += [_path(word, cwd) for word in step.words[1:] if not word.startswith("-")]
    return [Change(path=path, change="modify") for path in paths if path and not path.startswith("/dev/")]


def _named(words: tuple[str, ...], cwd: str | None) -> list[Change]:
    """Returns the changes of commands that name the files they change."""
    if words[:1] == ("git",):
        words = words[1:]
        if words[:1] not in (("rm",), ("mv",)) or "--cached" in words:
            return []
    if not words:
        return []
    options = [word for word in words[1:] if word.startswith("-")]
    names = [word for word in words[1:] if not word.startswith("-")]
    if words[0] == "rm" and not any(re.fullmatch(r"-\w*[rRd]\w*|--\w.*", option) for option in options):
        return [Change(path=path, change="delete") for word in names if (path := _path(word, cwd))]
    if words[0] == "mv" and len(names) == 2 and not any(option.startswith("--") for option in options):
        return _renamed(names[0], names[1], cwd)
    return []


def _renamed(old: str, new: str, cwd: str | None) -> list[Change]:
    old_path, new_path = _path(old, cwd), _path(new, cwd)
    if old_path is None or new_path is None:
        return []
    into_folder = new.strip("'\"").endswith("/") or new in (".", "..")
    if into_folder:
        new_path = posixpath.join(new_path, posixpath.basename(old_path))
    elif not _is_alike(posixpath.basename(old_path), posixpath.basename(new_path)):
        return []
    return [Change(path=new_path, change="rename", old_path=old_path)]


def _is_alike(old: str, new: str) -> bool:
    """Whether the new name is certainly a file's: `mv notes.md docs` may move into a folder, and no disk is read."""
    suffix = posixpath.splitext(old)[1]
    return old == new or (suffix != "" and suffix == posixpath.splitext(new)[1])
