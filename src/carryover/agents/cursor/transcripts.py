"""Where Cursor keeps its conversations, and which files there hold some: three stores, each known by its place alone.

Paths: FACTS.md. One conversation has the same id in every store, and may lie in several.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Final, Literal

from carryover.adapter.contract import Source
from carryover.adapter.spec import LINUX, MACOS, Place

AGENT_ID: Final = "cursor"

_MAC_USER: Final = "~/Library/Application Support/Cursor/User"

PLACES: Final = (
    # Electron keeps an application's data below XDG_CONFIG_HOME on Linux.
    Place(
        path="~/.config/Cursor/User/globalStorage",
        env="XDG_CONFIG_HOME",
        below="Cursor/User/globalStorage",
        platforms=(LINUX,),
    ),
    Place(
        path="~/.config/Cursor/User/workspaceStorage",
        env="XDG_CONFIG_HOME",
        below="Cursor/User/workspaceStorage",
        platforms=(LINUX,),
    ),
    Place(path=f"{_MAC_USER}/globalStorage", platforms=(MACOS,)),
    Place(path=f"{_MAC_USER}/workspaceStorage", platforms=(MACOS,)),
    Place(path="~/.cursor/chats"),
    Place(path="~/.config/Cursor/chats", env="XDG_CONFIG_HOME", below="Cursor/chats"),
    Place(path="~/.cursor/projects"),
    # The remote side of an editor that works over SSH or in a container.
    Place(path="~/.cursor-server/projects"),
)
"""The folders below which sources lie. The settings beside `globalStorage` are none of ours and hold much more."""

Kind = Literal["ide", "workspace", "chat", "transcript", "text"]
"""ide: the editor's global database. workspace: that of a window, with conversations of versions below 0.43 only.
chat: a conversation of the terminal client. transcript: lines written beside either of them; text: their old form."""

_RANKS: Final[dict[Kind, int]] = {"ide": 3, "workspace": 3, "chat": 2, "transcript": 1, "text": 0}
"""The databases hold results, times and ids, the transcripts no results and no times, their old form least."""

_DATABASE: Final = "state.vscdb"
_CHAT: Final = "store.db"
_TRANSCRIPTS: Final = "agent-transcripts"
_TRANSCRIPT_KINDS: Final[dict[str, Kind]] = {"jsonl": "transcript", "txt": "text"}
_BESIDE: Final = ("-wal", "-journal")
WITHOUT_FOLDER: Final = "empty-window"
"""Stands in place of a project's slug. A conversation with a folder may have a copy of its transcript there."""
_COPY_RANK: Final = -1

_ID: Final = re.compile(r"[\w-]{1,100}")


def kind_of(path: str | PurePath) -> Kind | None:
    """What kind of source `path` is, told by its last names alone; None where it is none."""
    match str(path).split("/")[-5:]:
        case [*_, "globalStorage", "state.vscdb"]:
            return "ide"
        case [*_, "workspaceStorage", _, "state.vscdb"]:
            return "workspace"
        case [*_, "chats", _, _, "store.db"]:
            return "chat"
        case [*above, name] if _TRANSCRIPTS in above[-3:]:
            return _TRANSCRIPT_KINDS.get(name.rpartition(".")[2])
    return None


def source_of(path: Path, root: Path) -> Source | None:
    """The source that `path` is, by its name alone; a change beside a database is one of the database."""
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return None
    if not parts:
        return None
    name = parts[-1]
    for suffix in _BESIDE:
        if name in (_DATABASE + suffix, _CHAT + suffix):
            name = name.removesuffix(suffix)
    match root.name, (*parts[:-1], name):
        case "globalStorage", ("state.vscdb",):
            return _source("ide", root / name)
        case "workspaceStorage", (folder, "state.vscdb"):
            return _source("workspace", root / folder / name, group=folder)
        case "chats", (group, chat, "store.db") if _ID.fullmatch(chat):
            return _source("chat", root / group / chat / name, session=chat, group=group)
        case "projects", (slug, "agent-transcripts", *below):
            return _transcript(path, slug, tuple(below))
    return None


def sources(root: Path) -> list[Source]:
    """Every source below `root` now, in the order of their paths."""
    found = (source_of(path, root) for path in _files(root))
    return sorted((source for source in found if source is not None), key=lambda source: source.path)


def _source(kind: Kind, path: Path, *, session: str | None = None, group: str = "") -> Source:
    return Source(agent=AGENT_ID, path=str(path), session=session, group=group, rank=_RANKS[kind])


def _transcript(path: Path, slug: str, below: tuple[str, ...]) -> Source | None:
    """`<id>/<id>.jsonl`, `<id>/subagents/<child>.jsonl`, and the older `<id>.jsonl` and `<id>.txt`.

    The slug is not reversible, so it groups files and never names a project.
    """
    stem, dot, suffix = below[-1].rpartition(".") if below else ("", "", "")
    if not dot or not _ID.fullmatch(stem):
        return None
    session, sidechain = stem, None
    match below, suffix:
        case ((_,), "jsonl" | "txt"):
            pass
        case ((folder, _), "jsonl") if folder == stem:
            pass
        case ((folder, "subagents", _), "jsonl") if _ID.fullmatch(folder):
            session, sidechain = folder, stem
        case _:
            return None
    rank = _COPY_RANK if slug == WITHOUT_FOLDER else _RANKS[_TRANSCRIPT_KINDS[suffix]]
    return Source(agent=AGENT_ID, path=str(path), session=session, sidechain=sidechain, group=slug, rank=rank)


def _files(root: Path) -> Iterator[Path]:
    match root.name:
        case "globalStorage":
            yield from (root / entry.name for entry in _entries(root) if entry.name == _DATABASE)
        case "workspaceStorage":
            yield from _named(_entries(root), _DATABASE)
        case "chats":
            for group in _entries(root):
                yield from _named(_entries(Path(group.path)), _CHAT)
        case "projects":
            for slug in _entries(root):
                yield from _transcripts(Path(slug.path) / _TRANSCRIPTS)


def _named(folders: list[os.DirEntry[str]], name: str) -> Iterator[Path]:
    for folder in folders:
        yield from (Path(entry.path) for entry in _entries(Path(folder.path)) if entry.name == name)


def _transcripts(folder: Path) -> Iterator[Path]:
    for entry in _entries(folder):
        if "." in entry.name:
            yield Path(entry.path)
            continue
        for inner in _entries(Path(entry.path)):
            if inner.name == "subagents":
                yield from (Path(child.path) for child in _entries(Path(inner.path)))
            else:
                yield Path(inner.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder. It may be gone by now, be no folder, or be closed to us: then nothing."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
