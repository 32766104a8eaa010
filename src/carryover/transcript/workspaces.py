"""Finds the folders that a window of a VS Code-like editor had open, from the window's storage.

Such an editor keeps a folder for each window's data in `workspaceStorage`. Its `workspace.json` names the one folder
that was open, or a `.code-workspace` file that lists several. An empty window has no such file.
"""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Final

import msgspec

from carryover.records.fields import MAX_PATH_CHARS, folder_holding
from carryover.records.lenient import fields_of, items_of, text_of
from carryover.records.uris import path_of
from carryover.text.jsonc import as_json
from carryover.transcript import files

MAX_FOLDERS: Final = 20

_SMALL_BYTES: Final = 1 << 20


class Folders(msgspec.Struct, frozen=True):
    """Absolute paths, in the window's order, but those outside of the folder of the file that lists them last.
    `remote`: they are on another machine."""

    paths: tuple[str, ...] = ()
    remote: bool = False


def folders_of_window(storage: Path) -> Folders | None:
    """Returns the folders that `workspace.json` in a window's storage names; None if it names none."""
    given = fields_of(files.read_beside(storage / "workspace.json", limit=_SMALL_BYTES))
    one, listing = (text_of(given.get(name)) for name in ("folder", "workspace"))
    return folders_of_uri(one) if one else folders_of_listing(listing)


def folders_of_uri(uri: str) -> Folders | None:
    """Returns the folder that a URI or path names; None if it names none."""
    path = _folder(uri)
    if path is None:
        return Folders(remote=True)
    return Folders((path,)) if path else None


def folders_of_listing(uri: str) -> Folders | None:
    """Returns the folders that a `.code-workspace` file lists. Relative ones are resolved against the file.

    A clone brings such a file along, and it may list another project of the user's first.
    """
    path = _folder(uri)
    if path is None:
        return Folders(remote=True)
    data = files.read_beside(Path(path), limit=_SMALL_BYTES) if path else b""
    if not data:
        return None
    text = as_json(data.decode("utf-8", "replace"))
    listed = map(fields_of, items_of(fields_of(text).get("folders"))[:MAX_FOLDERS])
    named = (text_of(entry.get("path")) or _folder(text_of(entry.get("uri"))) for entry in listed)
    around = posixpath.dirname(path)
    folders = [posixpath.normpath(posixpath.join(around, folder)) for folder in named if folder]
    return Folders(tuple(sorted(folders, key=lambda folder: not _is_beside(folder, around))))


def _is_beside(folder: str, around: str) -> bool:
    """Whether one of two folders is, or holds, the other."""
    return folder_holding(folder, [around]) is not None or folder_holding(around, [folder]) is not None


def _folder(uri: str) -> str | None:
    """Returns the absolute path in a URI, empty if it has no path; None if it is on another machine."""
    path = path_of(uri)
    if path is None or path.startswith("//"):
        return None
    plain = posixpath.normpath(path) if path.startswith("/") else ""
    return plain if len(plain) <= MAX_PATH_CHARS and "\x00" not in plain else ""
