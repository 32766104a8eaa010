"""Splits shell command lines into tokens and simple commands, and quotes words. Expands and executes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from carryover.text.pattern import later

_HEREDOC: Final = later(r"(?<!<)<<(?!<)(-?)[ \t]*(['\"]?)([A-Za-z_]\w*)\2")
_TOKEN: Final = later(
    r"""(?x)
      (?P<blank>[ \t\r]+ | \\(?:\n|\Z) | (?<![^\s;&|(])\#[^\n]*)
    | (?P<redirect>\d*(?:&>>?|>>?\|?|<<<|<)(?:&\d|&-)?)
    | (?P<operator>&&|\|\||;;|\|&|[;&|\n()])
    | (?P<word>(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|\$\((?![(])[^()\n]*\)|[^\s;&|()<>'"\\]|(?<=[^\s])\#)+)
    | (?P<rest>.)
    """,
    re.DOTALL,
)
_QUOTING: Final = later(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)", re.DOTALL)
_SCRIPT_OPTION: Final = later(r"-\w*c|--run|--command")
_SHELLS: Final = frozenset(("bash", "sh", "zsh", "dash", "nix-shell"))
_WRAPPERS: Final = frozenset(("docker", "docker-compose", "podman", "ssh", "sudo", "env", "timeout", "nohup", "nix"))
"""Programs that run the command among their words: in a container, on another machine, with other settings."""
_LONGEST: Final = 16_384

_Kind = Literal["word", "operator", "redirect", "cut"]


class Token(NamedTuple):
    """A piece of a command line as written. An `operator` separates commands, as line ends do; a `redirect` comes
    without its target; `cut` is a quote that is never closed, and the last token, since nothing after it is certain."""

    kind: _Kind
    text: str


class SimpleCommand(NamedTuple):
    """One command with its arguments, unquoted, without redirections. `then` is the operator that follows it."""

    words: tuple[str, ...]
    then: str


class ScriptLine(NamedTuple):
    """A line of a script, the lines of its here-documents below it, and how many of these never end."""

    text: str
    below: list[str]
    waiting: int


def tokens(script: str) -> Iterator[Token]:
    """Yields the tokens of a script without comments. Remove here-documents first (`without_heredocs`)."""
    for found in _TOKEN.finditer(script):
        match found.lastgroup:
            case "word" | "operator" | "redirect" as kind:
                yield Token(kind, found[0])
            case "rest":
                yield Token("cut", found[0])
                return


def without_heredocs(script: str) -> str:
    """Returns `script` without its here-documents and the operators that introduce them."""
    return "\n".join(_HEREDOC.sub(" ", each.text) for each in script_lines(script))


def script_lines(script: str) -> list[ScriptLine]:
    """Returns the lines of a script, each with the here-documents that it introduces."""
    found: list[ScriptLine] = []
    waiting: list[tuple[bool, str]] = []
    for line in script.split("\n"):
        if waiting:
            indented, end = waiting[0]
            if (line.lstrip("\t") if indented else line).rstrip("\r") == end:
                waiting.pop(0)
            found[-1].below.append(line)
            found[-1] = found[-1]._replace(waiting=len(waiting))
            continue
        waiting = [(mark[1] == "-", mark[3]) for mark in _HEREDOC.finditer(line)]
        found.append(ScriptLine(line, [], len(waiting)))
    return found


def simple_commands(script: str) -> tuple[SimpleCommand, ...]:
    """Returns the commands of a script in order, up to a quote that is never closed."""
    return tuple(SimpleCommand(tuple(map(unquoted, words)), then) for words, then in written_commands(script) if words)


@lru_cache(maxsize=16)  # several ask it of one call
def written_commands(script: str) -> tuple[tuple[tuple[str, ...], str], ...]:
    """Returns the words of each of these commands as written, with their quotes, and the operator that follows it.
    There are no words before a parenthesis that stands beside another operator."""
    found: list[tuple[tuple[str, ...], str]] = []
    words: list[str] = []
    skip_target = False
    for token in tokens(without_heredocs(script[:_LONGEST])):
        if token.kind == "operator" and (words or token.text in "()"):
            found.append((tuple(words), token.text))
            words = []
        elif token.kind == "word" and not skip_target:
            words.append(token.text)
        skip_target = token.kind == "redirect" and has_target(token)
    return (*found, (tuple(words), "")) if words else tuple(found)


def has_target(redirect: Token) -> bool:
    """Whether a redirection is followed by a word with its target; `2>&1` is not."""
    return "&" not in redirect.text[1:] or redirect.text.startswith("&")


def unquoted(word: str) -> str:
    """Returns a word without its quotes and escapes."""
    return _QUOTING.sub(lambda part: part[1] or part[2] or part[3] or "", word)


def script_of_shell(words: Sequence[str]) -> str | None:
    """Returns the script that a shell is started with, as in `bash -lc '...'`, perhaps by a program that runs it
    elsewhere; None if it is started otherwise."""
    places = range(len(words) if words and words[0] in _WRAPPERS else 1)
    shell = next((place for place in places if words[place:] and words[place].rpartition("/")[2] in _SHELLS), None)
    if shell is None:
        return None
    return next((script for option, script in pairwise(words[shell + 1 :]) if _SCRIPT_OPTION.fullmatch(option)), None)
