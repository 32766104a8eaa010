"""Which folder a transcript belongs to: the name of its project's folder cannot be read back, only compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Final

import msgspec

from carryover.agents.cursor.terms.tools import PATHS, Arguments
from carryover.records import rawjson
from carryover.records.bounds import MAX_PATH_CHARS

MARK: Final = "agent-transcripts"
"""The folder of a project's transcripts; the name of the folder above it is the project's slug."""

_DOTS_AND_SLASHES: Final = re.compile(r"[/.]")
_NO_WORD: Final = re.compile(r"[^A-Za-z0-9]+")
_MENTIONED: Final = re.compile(r"(?<![\w.~/-])/[\w./@+-]+")
_MAX_COMMAND_CHARS: Final = 4000
_MAX_MENTIONED: Final = 20


def slug_of(transcript: str) -> str | None:
    """The project's slug in the path of a transcript, None where it has not that layout."""
    parts = PurePosixPath(transcript.replace("\\", "/")).parts
    at = max((place for place, part in enumerate(parts) if part == MARK), default=0)
    return parts[at - 1] if at > 0 else None


def folder_with(slug: str | None, path: str) -> str | None:
    """`path` or the folder above it whose slug is this one; None where there is none.

    A slug is the absolute path without its first `/`, with `-` for `/` and `.`; some builds put one `-` for any run
    of what is neither letter nor digit.
    """
    if not slug or len(path) > MAX_PATH_CHARS:
        return None
    pure: PurePath = PurePosixPath(path) if path.startswith("/") else PureWindowsPath(path)
    if not pure.is_absolute() or ".." in pure.parts:
        return None
    for folder in (pure, *pure.parents):
        text = str(folder).lstrip("/")
        if slug in (_DOTS_AND_SLASHES.sub("-", text), _NO_WORD.sub("-", text).strip("-")):
            return str(folder)
    return None


def paths_in(args: msgspec.Raw) -> Iterator[str]:
    """The absolute paths that the arguments of a call mention."""
    given = rawjson.part_of(args, Arguments)
    if given is None:
        return
    for name in (*PATHS, "working_directory", "cwd", "target_directory"):
        if path := given.first(name):
            yield path
    for number, found in enumerate(_MENTIONED.finditer(given.first("command")[:_MAX_COMMAND_CHARS])):
        if number == _MAX_MENTIONED:
            return
        yield found[0]
