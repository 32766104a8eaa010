"""Which folder a conversation belongs to: the one with its transcript's slug, or one of its window's.

A slug is the absolute path without its first `/`, with `-` for `/` and `.`; some builds put one `-` for any run of
characters that are neither letters nor digits. It can't be decoded, only compared.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from carryover.records.fields import MAX_PATH_CHARS, folder_holding, is_absolute
from carryover.records.lenient import Fields, fields_of, items_of, text_of
from carryover.records.uris import uri_in
from carryover.text.pattern import later
from carryover.transcript import sqlite
from carryover.transcript.bounds import TooLarge
from carryover.transcript.workspaces import Folders, folders_of_listing, folders_of_uri, folders_of_window

MAX_LIST_BYTES: Final = 64 << 20
_NAME: Final = later(r"[\w-]{1,100}")
_DOTS_AND_SLASHES: Final = later(r"[/.]")
_NO_WORD: Final = later(r"[^A-Za-z0-9]+")


def folder_named(folders: tuple[str, ...], path: str) -> str | None:
    """Returns the folder that holds a path. A relative path begins with the folder's name."""
    if not is_absolute(path):
        named = [folder for folder in folders if posixpath.basename(folder) == path.partition("/")[0]]
        return named[0] if len(named) == 1 else None
    return folder_holding(path, folders)


def folder_with(slug: str, path: str) -> str | None:
    """Returns `path` or the parent folder that has this slug; None if none has."""
    pure = PurePosixPath(path)
    if not slug or not pure.is_absolute() or ".." in pure.parts or len(path) > MAX_PATH_CHARS:
        return None
    for folder in map(str, (pure, *pure.parents)):
        text = folder.lstrip("/")
        if slug in (_DOTS_AND_SLASHES.sub("-", text), _NO_WORD.sub("-", text).strip("-")):
            return folder
    return None


def folders_of(storage: Path, identifiers: Iterable[msgspec.Raw | None]) -> Folders:
    """Returns the folders of a conversation, from its first usable identifier."""
    given = filter(None, map(fields_of, identifiers))
    return next(filter(None, (_identified(storage, identifier) for identifier in given)), Folders())


def listed_in(db: sqlite.Connection, key: str) -> dict[str, Fields]:
    """Returns the entries of a list of conversations in the editor's settings, by id; empty without such a list."""
    if "ItemTable" not in sqlite.tables(db):
        return {}
    try:
        value = sqlite.value_at(db, "SELECT value FROM ItemTable WHERE key = ?", key, limit=MAX_LIST_BYTES)
    except TooLarge:
        return {}
    entries = map(fields_of, items_of(fields_of(value).get("allComposers")))
    return {ident: entry for entry in entries if _NAME.fullmatch(ident := text_of(entry.get("composerId")))}


def _identified(storage: Path, identifier: Fields) -> Folders | None:
    """Returns the folders that an identifier names, itself or through the window's storage; None if it names none."""
    found = None
    if uri := uri_in(identifier.get("uri")):
        found = folders_of_uri(uri)
    elif listing := uri_in(identifier.get("configPath")):
        found = folders_of_listing(listing)
    name = text_of(identifier.get("id"))
    return folders_of_window(storage / name) if found is None and _NAME.fullmatch(name) else found
