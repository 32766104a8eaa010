"""Finds the documents that a tool call read, with the boxes in what it printed of them."""

from __future__ import annotations

import re
from typing import Final

from carryover.facts import Boxes
from carryover.model import Op, ToolResult
from carryover.records.fields import MAX_NAME_CHARS, resolved
from carryover.text.boxes import boxes_in, is_document
from carryover.text.pattern import later

_MOST: Final = 3
_NAMED: Final = later(
    r"(?<![^\s=(])(?<!-c )(?<!-lc )(?<!-m )(?<!-am )(?<!echo )"
    r"([\"'])(?P<quoted>[^\"'\n*?$|<>;&]{1,200}\.[A-Za-z]{2,8})\1(?![^\s;|&)])"
    r"|(?<![^\s'\"=])[\w./~-]{1,200}\.[A-Za-z]{2,8}(?![^\s'\";|&)])"
)
"""A word with the ending of a file; in quotes it may have blanks, unless that is a pattern, a sentence or a script."""
_ENDED: Final = later(r"\.[A-Za-z]{2,8}\s")
"""The end of a first file in a list of several."""
_PATH: Final = later(r"[\w ./~@+,&'()!:–—《》（）-]{1,200}")
_PRINTS: Final = later(r"(?:cat|nl|bat|type|gc|get-content)\s[^|;&\n]+", re.I)
"""A command that prints a whole file."""


def names_documents(command: str) -> bool:
    """Whether a command names documents by paths that begin in its folder."""
    return any(is_document(name) and not name.startswith(("/", "~")) for name in _named_in(command)[:_MOST])


def paths_with_blanks(op: Op, subject: str) -> list[str]:
    """Returns the paths with blanks in them that a call is about: its subject, or what a command that prints files, or
    any with a folder before the first blank, has in quotes."""
    named = [subject] if op in ("read", "edit", "write") else []
    if op == "shell":
        quoted = [found["quoted"] or "" for found in _NAMED.finditer(subject)]
        named = [name for name in quoted if "/" in name.partition(" ")[0] or _PRINTS.match(subject)]
    return [name for name in named if " " in name and _PATH.fullmatch(name) and not _ENDED.search(name)]


def _named_in(command: str) -> list[str]:
    return [found["quoted"] or found[0] for found in _NAMED.finditer(command)]


def documents_read(body: ToolResult, cwd: str | None) -> list[tuple[str, Boxes | None]]:
    """Returns the absolute paths of the documents that a call named, if it succeeded, and the boxes of one that it
    printed as a whole."""
    if body.status != "ok" or body.op not in ("read", "shell"):
        return []
    named = [body.subject] if body.op == "read" else _named_in(body.subject)
    whole = not body.dropped and len(named) == 1 and (body.op == "read" or _PRINTS.fullmatch(body.subject.strip()))
    paths = [resolved(name, cwd) for name in named[:_MOST] if is_document(name)]
    boxes = boxes_in(body.output.splitlines()) if whole and paths else None
    return [(path, boxes) for path in paths if path is not None and len(path) <= MAX_NAME_CHARS]
