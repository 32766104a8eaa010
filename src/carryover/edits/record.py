"""The records of Carryover's changes to users' files, with which every change can be undone.

The ledger knows projects as well, but it may be damaged or recreated; what was written into projects must still be
found, so that it can be removed. The records are readable only by their owner (0600).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Final, TypeVar

import msgspec

from carryover.adapter.spec import Form
from carryover.agents import instruction_files, local_files, read_lists
from carryover.errors import ExitCode, UserError
from carryover.fsio import open_regular, private_dir, read_bytes_bounded, write_if_changed
from carryover.paths import StateDir
from carryover.platform import here
from carryover.text.user_text import UNKNOWN, Origin

SETTINGS_RECORD: Final = "edits.json"
"""In the state folder: the agents' settings that contain our hooks, entry or MCP server."""
PROJECTS_RECORD: Final = "projects.jsonl"
"""In the state folder: the projects that a handoff was published into, one per line, never shortened."""
PROJECT_EDITS: Final = "edited"
"""In a project's `.carryover`: the names of its files that we edited on this machine."""
PLACED_RECORD: Final = "placed.jsonl"
"""In the state folder: what was written into repositories to be committed, one line per time."""
GITIGNORE: Final = ".gitignore"
INFO: Final = ".git/info/"
"""The folder of `info/exclude`, listed if it was created for that."""

T = TypeVar("T")
_SETTINGS_LIMIT_BYTES: Final = 4 << 20
_PROJECTS_LIMIT_BYTES: Final = 16 << 20
_EDITS_LIMIT_BYTES: Final = 4096


class EditedFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A settings file that contains, or did contain, our hooks or our entry. Paths are absolute. A file with an MCP
    server beside them has two."""

    path: str
    agent: str = msgspec.field(name="tool")
    script: str = ""
    """The script that its hooks run; empty for the forms `list` and `server`."""
    form: Form = "nested"
    key: str = ""
    """For the forms `list` and `server`: the name of the list."""
    entry: str = ""
    """For the form `list`: our entry."""
    origin: Origin = UNKNOWN
    folders: tuple[str, ...] = ()
    """Folders that were created for the file, outermost first."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of `edits.json`."""

    files: tuple[EditedFile, ...] = ()

    def of(self, path: Path, *, server: bool = False) -> EditedFile | None:
        """Returns the record of a file by its real path: that of its hooks or entry, or that of its MCP `server`."""
        return next((file for file in self._at(path) if (file.form == "server") == server), None)

    def having(self, path: Path, file: EditedFile | None, *, server: bool = False) -> Record:
        """Returns the record with `file` in place of the one that `of` returns for `path`; None removes it.

        If the file was created for its hooks, it also counts as created for its server, or the reverse: whichever is
        removed last deletes it.
        """
        former = [other for other in self._at(path) if (other.form == "server") == server]
        others = tuple(other for other in self.files if other not in former)
        if file is None:
            return Record(files=others)
        beside = self.of(path, server=not server)
        if beside is not None:
            origin = msgspec.structs.replace(file.origin, missing=beside.origin.missing, blank=beside.origin.blank)
            file = msgspec.structs.replace(file, origin=origin, folders=beside.folders)
        return Record(files=(*others, file))

    def _at(self, path: Path) -> list[EditedFile]:
        real = here().canonical(path)
        return [file for file in self.files if here().canonical(file.path) == real]


def load_record(state: StateDir) -> Record:
    """Reads the record of edited settings; empty if there is none. Creates nothing. Raises UserError (REFUSED), saying
    what to do, if it can't be read or is damaged."""
    path = state.root / SETTINGS_RECORD
    try:
        return msgspec.json.decode(read_bytes_bounded(path, _SETTINGS_LIMIT_BYTES), type=Record)
    except (FileNotFoundError, NotADirectoryError):
        return Record()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        what = f"can't be read ({error.strerror})" if isinstance(error, OSError) else "is damaged"
        remedy = "Move it away and run this again: our hooks are then looked for where agents keep their settings."
        raise UserError(f"{path} {what}. Nothing was changed. {remedy}", ExitCode.REFUSED) from error


def save_record(state: StateDir, record: Record) -> None:
    """Replaces the record of edited settings; if it is empty, deletes its file. Raises OSError."""
    path = state.root / SETTINGS_RECORD
    if not record.files:
        path.unlink(missing_ok=True)
        return
    private_dir(state.root)
    data = msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
    write_if_changed(path, data, mode=0o600, follow=False)


class PublishedProject(msgspec.Struct, frozen=True):
    """A project and the folder that its handoff is written to: its own `.carryover`, or one outside it."""

    root: str
    folder: str


_PROJECT_DECODER: Final = msgspec.json.Decoder(PublishedProject)


def remember_project(state: Path, project: PublishedProject) -> bool:
    """Adds a project to the list; returns False if it is already there. Raises OSError."""
    if project in published_projects(state):
        return False
    _append(state / PROJECTS_RECORD, project)
    return True


def published_projects(state: Path) -> tuple[PublishedProject, ...]:
    """Returns the list, each project once; unreadable lines are skipped. Raises OSError."""
    return tuple(dict.fromkeys(_lines_of(state / PROJECTS_RECORD, _PROJECT_DECODER)))


class Placed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The texts written into one checkout to be committed; recorded once per repository."""

    root: str
    repository: str
    """What the checkout has in common with others of the repository: git's folder. Outside of git, the root."""
    agreed_ms: int = 0
    """The user's agreement to it, UTC ms: see `ProjectSettings.agreed_ms`."""
    names: tuple[str, ...] = ()
    """The files that had our text then. None: all of it was taken out at the user's wish, and may be written again."""


_PLACED_DECODER: Final = msgspec.json.Decoder(Placed)


def remember_placed(state: Path, placed: Placed) -> None:
    """Adds to the list a text that was written into a checkout. Raises OSError."""
    _append(state / PLACED_RECORD, placed)


def placed_texts(state: Path) -> tuple[Placed, ...]:
    """Returns the texts that were written into checkouts and not removed since; unreadable lines are skipped. Raises
    OSError."""
    found: list[Placed] = []
    for placed in _lines_of(state / PLACED_RECORD, _PLACED_DECODER):
        found = [*found, placed] if placed.names else [one for one in found if one.root != placed.root]
    return tuple(found)


def _append(path: Path, entry: msgspec.Struct) -> None:
    private_dir(path.parent)
    # One write at the end of the file, so that two programs can do this at once; a torn line ends with the next one.
    line = b"\n" + msgspec.json.encode(entry) + b"\n"
    descriptor = open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def _lines_of(path: Path, decoder: msgspec.json.Decoder[T]) -> Iterator[T]:
    try:
        lines = read_bytes_bounded(path, _PROJECTS_LIMIT_BYTES, follow=False).split(b"\n")
    except FileNotFoundError:
        return
    for line in filter(None, lines):
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            yield decoder.decode(line)


def edited_in_project(store: Path, placed: Collection[str] = ()) -> set[str]:
    """Returns the names of a project's files that we edited on this machine; `store` is its `.carryover`. Other names
    than those we ever edit are ignored, since a cloned repository may contain any list. `placed`: names that are listed
    in the state folder, which count if the list is gone, as after `git clean -x`."""
    try:
        lines = read_bytes_bounded(store / PROJECT_EDITS, _EDITS_LIMIT_BYTES, follow=False).split(b"\n")
    except OSError:
        lines = [name.encode() for name in placed]
    return {name for name in _editable() if name.encode() in lines}


def placed_in_project(state: Path, root: Path) -> set[str]:
    """Returns the names of files that were written into the checkout at `root` to be committed. Raises OSError."""
    return {name for placed in placed_texts(state) if placed.root == str(root) for name in placed.names}


def save_edited_in_project(store: Path, names: Collection[str]) -> None:
    """Replaces the list of edited files; if it is empty, deletes its file. Raises OSError."""
    path = store / PROJECT_EDITS
    if names:
        lines = "".join(f"{name}\n" for name in _editable() if name in names)
        private_dir(store)
        write_if_changed(path, lines.encode(), mode=0o600, follow=False)
    else:
        path.unlink(missing_ok=True)


def _editable() -> tuple[str, ...]:
    local = [file.name for file in local_files().values()]
    folders = {folder for name in local for folder in folders_of(name)}
    return (
        *instruction_files(),
        *(where.name for where in read_lists().values()),
        GITIGNORE,
        INFO,
        *local,
        *sorted(folders),
    )


def folders_of(name: str) -> list[str]:
    """Returns the folders in a project that the file `name` needs, as the list has them, outermost first."""
    return [f"{folder}/" for folder in reversed(PurePath(name).parents) if folder.name]
