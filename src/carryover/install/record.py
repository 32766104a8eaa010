"""What install has done to settings that are not ours: `<state>/edits.json` (0600). Uninstall goes by it alone."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

from carryover.configedit.hook import UNKNOWN, Form, Origin
from carryover.errors import ExitCode, UserError
from carryover.fsio import private_dir, read_bytes_bounded, write_if_changed
from carryover.paths import StateDir

RECORD: Final = "edits.json"
_LIMIT_BYTES: Final = 4 << 20


class EditedFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A settings file that holds hooks of ours, or did. Paths are absolute."""

    path: str
    tool: str
    script: str
    """The stub script its hooks run."""
    form: Form = "nested"
    origin: Origin = UNKNOWN
    folders: tuple[str, ...] = ()
    """Folders that were made for it, outermost first."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything `edits.json` holds."""

    files: tuple[EditedFile, ...] = ()

    def of(self, path: Path) -> EditedFile | None:
        """What is recorded of a file, whatever way leads to it."""
        real = os.path.realpath(path)
        return next((file for file in self.files if os.path.realpath(file.path) == real), None)

    def of_tool(self, tool: str) -> tuple[EditedFile, ...]:
        """The files edited for one tool; more than one where its settings moved."""
        return tuple(file for file in self.files if file.tool == tool)

    def without_tools(self, tools: Collection[str]) -> Record:
        """The record without what was edited for some tools."""
        return Record(files=tuple(file for file in self.files if file.tool not in tools))

    def having(self, path: Path, file: EditedFile | None) -> Record:
        """The record with `file` as all it says of `path`; None forgets it."""
        real = os.path.realpath(path)
        others = tuple(other for other in self.files if os.path.realpath(other.path) != real)
        return Record(files=others if file is None else (*others, file))


def load_record(state: StateDir) -> Record:
    """The record; empty where there is none. Creates nothing.

    Raises:
        UserError: REFUSED; it can't be read, or is damaged. Says what to do.
    """
    path = state.root / RECORD
    try:
        return msgspec.json.decode(read_bytes_bounded(path, _LIMIT_BYTES), type=Record)
    except (FileNotFoundError, NotADirectoryError):
        return Record()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        what = f"can't be read ({error.strerror})" if isinstance(error, OSError) else "is damaged"
        remedy = "Move it away and run this again: our hooks are then looked for where the tools have their settings."
        raise UserError(f"{path} {what}. Nothing was changed. {remedy}", ExitCode.REFUSED) from error


def save_record(state: StateDir, record: Record) -> None:
    """Replaces the record; an empty one goes with its file. Raises OSError."""
    path = state.root / RECORD
    if not record.files:
        path.unlink(missing_ok=True)
        return
    private_dir(state.root)
    data = msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
    write_if_changed(path, data, mode=0o600, follow=False)
