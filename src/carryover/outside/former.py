"""The records of trial versions, from before the first release, which the journal replaced: what they say counts as its
first lines.

edits.json, projects.jsonl, placed.jsonl, backups/    in the state folder
.carryover/edited                                     in each project of projects.jsonl: the names of its files that we
                                                      edited
"""

# No annotations as text (`from __future__`): before it decodes, msgspec 0.22 would compile each of them.
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Final

import msgspec
from msgspec.structs import replace

from carryover.adapter.spec import Form
from carryover.agents import instruction_files, local_files, read_lists
from carryover.decoders import decoder_of
from carryover.fsio import read_bytes_bounded
from carryover.outside.listed import INFO, Listed, handoff_folder, in_project
from carryover.paths import STORE
from carryover.probe.ignore_rules import GITIGNORE
from carryover.probe.looks import look_at_each
from carryover.text.pattern import later
from carryover.text.user_text import UNKNOWN, Origin

EDITS: Final = "edits.json"
PROJECTS: Final = "projects.jsonl"
PLACED: Final = "placed.jsonl"
BACKUPS: Final = "backups"
"""Copies of files from before our first edit. What an edit takes out again is the same byte for byte."""
EDITED: Final = "edited"
_COPY: Final = later(r".+\.[0-9a-f]{12}(?:\.[0-9a-f]{8}\.tmp)?", re.DOTALL)
"""The name of the file, and a hash of its path."""
_LIMIT_BYTES: Final = 16 << 20
_LIST_LIMIT_BYTES: Final = 4096


class _File(msgspec.Struct, frozen=True):
    path: str
    tool: str
    script: str = ""
    form: Form = "nested"
    key: str = ""
    entry: str = ""
    origin: Origin = UNKNOWN
    folders: tuple[str, ...] = ()


class _Files(msgspec.Struct, frozen=True):
    files: tuple[_File, ...] = ()


class _Line(msgspec.Struct, frozen=True):
    """A line on the project at `root`: the `folder` of its handoff, in projects.jsonl; or what was written into the
    checkout, in placed.jsonl, where no names mean that it was taken out and may be written again."""

    root: str
    folder: str = ""
    repository: str = ""
    agreed_ms: int = 0
    names: tuple[str, ...] = ()


def has_former(state: Path) -> bool:
    """Whether the state folder has any of the records."""
    return any(os.path.lexists(state / name) for name in (EDITS, PROJECTS, PLACED)) or bool(backups(state))


def backups(state: Path) -> list[Path]:
    """Returns the copies, known by their names, and then their folder, if nothing else is in it: `CARRYOVER_HOME` may
    name a folder in which the user has backups too."""
    folder = state / BACKUPS
    if folder.is_symlink() or not folder.is_dir():
        return []
    inside = sorted(folder.iterdir())
    copies = [path for path in inside if _COPY.fullmatch(path.name) and path.is_file()]
    return [*copies, folder] if copies == inside else copies


def entries(state: Path) -> Iterator[Listed]:
    """Yields what the records in the state folder say; nothing for one that is damaged, as if it were missing. Raises
    OSError if one can't be read."""
    for file in _files(state) or ():
        facts = {name: getattr(file, name) for name in ("path", "script", "form", "key", "entry", "origin")}
        yield Listed(agent=file.tool, **facts)
        yield from (Listed(path=folder, form="folder") for folder in file.folders)
    yield from (handoff_folder(one.folder, one.root) for one in _lines(state / PROJECTS) if one.folder)
    for _, edited in look_at_each(_written_into(state), _edited_in):
        yield from edited
    placed: list[Listed] = []
    for one in (line for line in _lines(state / PLACED) if line.repository):
        if not one.names:
            placed = [entry for entry in placed if entry.root != one.root]
        new = Listed(path="", form="once", root=one.root, repository=one.repository, agreed_ms=one.agreed_ms)
        placed += [replace(new, path=f"{one.root}/{name}") for name in one.names]
    yield from placed


def is_damaged(state: Path) -> bool:
    """Whether the record of agents' settings does not say any more what it said. Raises OSError."""
    return _files(state) is None


def _files(state: Path) -> tuple[_File, ...] | None:
    """Returns the agents' settings that are recorded; None if the record is damaged."""
    try:
        return decoder_of(_Files).decode(_read(state / EDITS) or b"{}").files
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def remove_former(state: Path) -> None:
    """Removes the records, once the journal has what they say. One that is damaged stays, with the backups, for the
    user to look into. Raises OSError."""
    look_at_each(_written_into(state), _remove_list)
    for name in (PROJECTS, PLACED):
        (state / name).unlink(missing_ok=True)
    if is_damaged(state):
        return
    (state / EDITS).unlink(missing_ok=True)
    for path in backups(state):
        path.rmdir() if path.name == BACKUPS else path.unlink(missing_ok=True)


def _written_into(state: Path) -> list[Path]:
    """Returns the projects that had a handoff inside: only in these is a list ours, anyone else's came with the
    folder."""
    return [Path(one.root) for one in _lines(state / PROJECTS) if Path(one.folder) == Path(one.root, STORE)]


def _edited_in(root: Path) -> tuple[Listed, ...]:
    """Returns what the project's own list says. Other names than those that we ever edited are ignored."""
    listed = _project_list(root)
    if listed is None:
        return ()
    local = [file.name for file in local_files().values()]
    folders = {f"{folder}/" for name in local for folder in PurePath(name).parents if folder.name}
    lists = (where.name for where in read_lists().values())
    ever = (*instruction_files(), *lists, GITIGNORE, INFO, *local, *sorted(folders))
    return tuple(in_project(root, name) for name in ever if name.encode() in listed)


def _remove_list(root: Path) -> None:
    if _project_list(root) is not None:
        (root / STORE / EDITED).unlink(missing_ok=True)


def _project_list(root: Path) -> list[bytes] | None:
    """Returns the lines of the project's list; None if there is none, or something else, such as what a link leads
    to."""
    if (root / STORE).is_symlink():
        return None
    try:
        return read_bytes_bounded(root / STORE / EDITED, _LIST_LIMIT_BYTES, follow=False).split(b"\n")
    except OSError:
        return None


def _read(path: Path) -> bytes | None:
    try:
        return read_bytes_bounded(path, _LIMIT_BYTES, follow=False)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _lines(path: Path) -> Iterator[_Line]:
    for line in filter(None, (_read(path) or b"").split(b"\n")):
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            yield decoder_of(_Line).decode(line)
