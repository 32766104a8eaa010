"""Splits a shell command line into the simple commands it is made of."""

from __future__ import annotations

import re
from typing import NamedTuple

_HEREDOC = re.compile(
    r"(?<!<)<<(?!<)-?[ \t]*(['\"]?)(\w+)\1([^\n]*)\n.*?(?:^[ \t]*\2[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
_TOKEN = re.compile(
    r"""(?x)
      (?P<blank>[ \t\r]+ | \\\n | (?<=[\s;&|(])\#[^\n]*)
    | (?P<redirect>\d*(?:&>>?|>>?\|?|<<<|<)(?:&\d|&-)?)
    | (?P<operator>&&|\|\||;;|\|&|[;&|\n()])
    | (?P<word>(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|\$\((?![(])[^()\n]*\)|[^\s;&|()<>'"\\]|(?<=[^\s])\#)+)
    | (?P<rest>.)
    """,
    re.DOTALL,
)
_QUOTING = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)", re.DOTALL)
_LONGEST = 16_384


class SimpleCommand(NamedTuple):
    """One command with its arguments, unquoted, without redirections; `then` is the operator that follows it."""

    words: tuple[str, ...]
    then: str


def simple_commands(command: str) -> list[SimpleCommand]:
    """The commands of a line in order. Texts of here-documents are left out; what is in quotes stays one word."""
    found = []
    words: list[str] = []
    skip_target = False
    for token in _TOKEN.finditer(_HEREDOC.sub(r"\3\n", command[:_LONGEST])):
        kind = token.lastgroup
        if kind == "operator":
            if words:
                found.append(SimpleCommand(tuple(words), token[0]))
                words = []
            skip_target = False
        elif kind == "redirect":
            skip_target = "&" not in token[0][1:] or token[0].startswith("&")
        elif kind == "word":
            if not skip_target:
                words.append(_QUOTING.sub(lambda part: part[1] or part[2] or part[3] or "", token[0]))
            skip_target = False
        elif kind == "rest":  # a quote that is never closed: the line was cut, what follows is no command
            break
    if words:
        found.append(SimpleCommand(tuple(words), ""))
    return found
