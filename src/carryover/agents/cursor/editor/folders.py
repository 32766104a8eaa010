"""Which folders a conversation in the editor belongs to: those of the window it was held in."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import msgspec

from carryover.adapter.contract import Stamp
from carryover.agents.cursor.editor.store import heads_in, item
from carryover.agents.cursor.editor.wire import Uri, WorkspaceIdentifier, items_of, name_of, time_of
from carryover.readers import document, sqlite
from carryover.records import rawjson
from carryover.records.bounds import MAX_PATH_CHARS

MAX_FOLDERS: Final = 20
MAX_WORKSPACES: Final = 2_000

_LIST: Final = "composer.composerData"
_SMALL_BYTES: Final = 1 << 20
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_NAME: Final = re.compile(r"[\w-]{1,100}")
# A string stays; comments and commas before a closing bracket go, which editors allow in this file.
_NOT_JSON: Final = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/|,(?=\s*[\]}])', re.DOTALL)


class Folders(msgspec.Struct, frozen=True):
    """Absolute paths, the window's first folder first. `remote`: they lie on another machine."""

    paths: tuple[str, ...] = ()
    remote: bool = False


NOWHERE: Final = Folders()


class WorkspaceFile(msgspec.Struct, frozen=True):
    """`workspace.json`: a folder, or a file that lists several."""

    folder: msgspec.Raw = rawjson.ABSENT
    workspace: msgspec.Raw = rawjson.ABSENT


class CodeWorkspace(msgspec.Struct, frozen=True):
    """A `.code-workspace` file."""

    folders: msgspec.Raw = rawjson.ABSENT


class ListedFolder(msgspec.Struct, frozen=True):
    path: msgspec.Raw = rawjson.ABSENT
    uri: msgspec.Raw = rawjson.ABSENT


class Workspaces:
    """The workspaces beside a global database: their folders, and the conversations that those of 2025 list.

    What was read is kept until the files change, for there may be hundreds of them.
    """

    def __init__(self) -> None:
        self._lists: dict[Path, tuple[Stamp, dict[str, int]]] = {}

    def updated(self, storage: Path) -> dict[str, int]:
        """When the conversations that the workspaces list last changed."""
        updated: dict[str, int] = {}
        for listed in self._listed(storage).values():
            updated.update({ident: max(at, updated.get(ident, 0)) for ident, at in listed.items()})
        return updated

    def folders_of(self, storage: Path, ident: str, identifiers: Iterable[msgspec.Raw]) -> Folders:
        """The folders of conversation `ident`, by the first identifier that names some, or else by the workspace that
        lists it: of several the one where it changed last, for a window that becomes another takes its list along."""
        read = [rawjson.part_of(identifier, WorkspaceIdentifier) for identifier in identifiers]
        given = [identifier for identifier in read if identifier is not None]
        if given:
            return next(filter(None, (_identified(storage, identifier) for identifier in given)), NOWHERE)
        listing = {folder: listed[ident] for folder, listed in self._listed(storage).items() if ident in listed}
        return (_of_workspace(max(listing, key=lambda folder: listing[folder])) if listing else None) or NOWHERE

    def _listed(self, storage: Path) -> dict[Path, dict[str, int]]:
        found = {}
        for folder in _folders_in(storage):
            database = folder / "state.vscdb"
            try:
                stamp = sqlite.stamp(database)
                known = self._lists.get(database)
                if known is None or known[0] != stamp:
                    known = stamp, sqlite.look_into(database, _composers_of)
                    self._lists[database] = known
            except OSError:
                continue
            if known[1]:
                found[folder] = known[1]
        return found


def of_workspace(folder: Path) -> Folders:
    """The folders of the window whose storage is `folder`."""
    return _of_workspace(folder) or NOWHERE


def _composers_of(db: sqlite.Connection) -> dict[str, int]:
    if "ItemTable" not in sqlite.tables(db):
        return {}
    return {ident: time_of(head.last_updated_at) for ident, head in heads_in(item(db, _LIST)).items()}


def _folders_in(storage: Path) -> list[Path]:
    try:
        with os.scandir(storage) as entries:
            return sorted(Path(entry.path) for entry in entries)[:MAX_WORKSPACES]
    except OSError:
        return []


def _identified(storage: Path, given: WorkspaceIdentifier) -> Folders | None:
    told = _told(given)
    if told is None and _NAME.fullmatch(name := name_of(given.id)):
        told = _of_workspace(storage / name)
    return told


def _told(given: WorkspaceIdentifier) -> Folders | None:
    """The folders that an identifier names; None where it names none."""
    if (folder := rawjson.part_of(given.uri, Uri)) is not None:
        return _of_uri(_as_text(folder))
    if (listing := rawjson.part_of(given.config_path, Uri)) is not None:
        return _of_listing(_as_text(listing))
    return None


def _as_text(uri: Uri) -> str:
    external = name_of(uri.external)
    named = _SCHEME.match(external)
    scheme = name_of(uri.scheme) or (named[1] if named is not None else "file")
    if scheme == "file":
        return name_of(uri.fsPath) or external or name_of(uri.path)
    return f"{scheme}:{name_of(uri.path)}"


def _of_workspace(folder: Path) -> Folders | None:
    data = _content(folder / "workspace.json")
    given = rawjson.part_of(msgspec.Raw(data), WorkspaceFile) if data is not None else None
    if given is None:
        return None
    if one := name_of(given.folder):
        return _of_uri(one)
    return _of_listing(name_of(given.workspace))


def _of_uri(uri: str) -> Folders | None:
    path = _path_of(uri)
    if path is None:
        return Folders(remote=True)
    return Folders((path,)) if path else None


def _of_listing(uri: str) -> Folders | None:
    """The folders that a `.code-workspace` file lists; relative ones are so to the file."""
    path = _path_of(uri)
    if path is None:
        return Folders(remote=True)
    data = _content(Path(path)) if path else None
    if data is None:
        return None
    text = _NOT_JSON.sub(lambda found: found[1] or "", data.decode("utf-8", "replace"))
    given = rawjson.part_of(msgspec.Raw(text.encode()), CodeWorkspace)
    listed = [rawjson.part_of(entry, ListedFolder) for entry in items_of(given.folders) or ()] if given else []
    paths: list[str] = []
    for folder in listed[:MAX_FOLDERS]:
        named = (name_of(folder.path) or _path_of(name_of(folder.uri)) or "") if folder is not None else ""
        if named:
            paths.append(posixpath.normpath(posixpath.join(posixpath.dirname(path), named)))
    return Folders(tuple(paths))


def _path_of(uri: str) -> str | None:
    """The path of a `file:` URI or of a plain path, empty where it is not absolute; None: on another machine."""
    if uri.startswith("file:"):
        # With a host, it is a file of another machine's.
        uri = unquote(re.sub(r"^file:(?://(?=/))?", "", uri))
    elif _SCHEME.match(uri):
        return None
    if uri.startswith("//"):
        return None
    path = posixpath.normpath(uri) if uri.startswith("/") else ""
    return path if len(path) <= MAX_PATH_CHARS and "\x00" not in path else ""


def _content(path: Path) -> bytes | None:
    try:
        return document.content(path, limit=_SMALL_BYTES)[0]
    except (OSError, ValueError):
        return None
