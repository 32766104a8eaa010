"""Reads the arguments of a command: options, their values, and what is left."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

_PATH = re.compile(r".*/.*|.*\.\w{1,5}|[\w-]+\.\w+::.*")


def stem(path: str) -> str:
    """Name of a file without its folder and its last suffix."""
    return PurePosixPath(path).stem


def positionals(arguments: Sequence[str], valued: Collection[str] = ()) -> list[str]:
    """Arguments that are no options and no values of `valued` options."""
    found = []
    rest = iter(arguments)
    for argument in rest:
        if argument in valued:
            next(rest, None)
        elif not argument.startswith("-"):
            found.append(argument)
    return found


def value(arguments: Sequence[str], *options: str) -> str | None:
    """Value of the first of `options` that is given, as `-o value` or `--option=value`."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in options:
            return value if equals else next(iter(arguments[index + 1 :]), None)
    return None


def has(arguments: Sequence[str], *options: str) -> bool:
    """Whether one of `options` is given, with a value or without."""
    return any(argument.partition("=")[0] in options for argument in arguments)


def paths(arguments: Sequence[str], valued: Collection[str] = ()) -> tuple[str, ...]:
    """The files and folders among the arguments."""
    return tuple(file_of(word) for word in positionals(arguments, valued) if _PATH.fullmatch(word))


def file_of(word: str) -> str:
    """`tests/test_x.py::test_y` and `spec/x_spec.rb:12` name one test of a file."""
    return re.sub(r"::.*|:\d[\d:]*$", "", word)
