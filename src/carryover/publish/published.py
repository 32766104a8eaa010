"""Which projects were ever published into: `<state>/projects.jsonl` (0600), one a line, never shortened.

The ledger knows projects too, but it may be damaged, or begun anew; what is in people's projects has to be found then,
to be taken away again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from carryover.fsio import private_dir, read_bytes_bounded

LIST: Final = "projects.jsonl"
_LIMIT_BYTES: Final = 16 << 20


class PublishedProject(msgspec.Struct, frozen=True):
    """A project and the folder that its handoff went to: its own `.carryover`, or one apart from it."""

    root: str
    folder: str


_DECODER: Final = msgspec.json.Decoder(PublishedProject)


def remember(state: Path, project: PublishedProject) -> bool:
    """Adds a project to the list; False when it is there already. Raises OSError."""
    if project in published_projects(state):
        return False
    private_dir(state)
    # One write at the end of the file, so that two programs can do this at once; a torn line ends with the next one.
    line = b"\n" + msgspec.json.encode(project) + b"\n"
    descriptor = os.open(state / LIST, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)
    return True


def published_projects(state: Path) -> tuple[PublishedProject, ...]:
    """The list, each project once; lines that can't be read are passed by. Raises OSError."""
    try:
        lines = read_bytes_bounded(state / LIST, _LIMIT_BYTES, follow=False).split(b"\n")
    except FileNotFoundError:
        return ()
    found: dict[PublishedProject, None] = {}
    for line in filter(None, lines):
        try:
            found[_DECODER.decode(line)] = None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return tuple(found)
