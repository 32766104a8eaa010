"""Finds Copilot's sessions and selects the reader for each kind of source.

A source's kind follows from its location alone. A session has the same id in every location: FACTS.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final, Literal

from carryover.adapter.contract import Reader, Source
from carryover.agents.copilot.spec import CHATS, EMPTY, SPEC, WINDOWS
from carryover.readers.files import read_head
from carryover.records.rawjson import objects_in

Kind = Literal["log", "chat"]
"""log: events of a session in the terminal client, or in VS Code running that client. chat: a chat as VS Code stores
it."""

_STATE: Final = "session-state"
_BESIDE: Final = "workspace.yaml"
"""Contains the session's name, so that a change of it counts as a change of the session."""
_PRODUCER: Final = "copilot-agent"
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NAME: Final = r"(?P<session>[\w-]{1,100})"
_IN_WINDOW: Final = r"(?P<group>[^/]+)"
_EXPORT_RANK: Final = -1
_LAYOUTS: Final[tuple[tuple[Kind, str, str, str, int], ...]] = (
    ("log", _STATE, "*/events.jsonl", rf"(?P<session>(?i:{_ID.pattern}))/events\.jsonl", 0),
    ("chat", WINDOWS, f"*/{CHATS}/*.jsonl", rf"{_IN_WINDOW}/{CHATS}/{_NAME}\.jsonl", 7),
    ("chat", WINDOWS, f"*/{CHATS}/*.json", rf"{_IN_WINDOW}/{CHATS}/{_NAME}\.json", 6),
    ("chat", EMPTY, "*.jsonl", rf"{_NAME}\.jsonl", 5),
    ("chat", EMPTY, "*.json", rf"{_NAME}\.json", 4),
)
"""Kind, name of the root, glob and pattern below it, and rank.

A session in several places counts where most of it is. A chat that moves from an empty window into a folder is copied,
and the copy continues.
"""

_HEAD_BYTES: Final = 64 << 10
_CHAT: Final = re.compile(
    rb'\s*\{\s*(?:"kind"\s*:\s*0\s*,\s*"v"\s*:\s*\{\s*)?'
    rb'"(?:version|requesterUsername|responderUsername|initialLocation|requests|sessionId|creationDate)"\s*:'
)
"""The beginning of a chat: one JSON object, or a log whose first line holds the whole state."""


def kind_of(path: str | PurePath) -> Kind | None:
    """Returns the kind of the source at `path`, by the end of its path alone; None if it is not a source."""
    found = (kind for kind, root, _, below, _ in _LAYOUTS if re.search(rf"/{root}/{below}\Z", str(path)))
    return next(found, None)


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path` below `root`, recognised by name alone."""
    if root.name == _STATE and path.name == _BESIDE:
        path = path.with_name("events.jsonl")
    if not path.is_relative_to(root):
        return None
    for _, name, _, below, rank in _LAYOUTS:
        if name == root.name and (found := re.fullmatch(below, str(path.relative_to(root)))):
            group = found.groupdict().get("group", EMPTY if name == EMPTY else "")
            return Source(agent=SPEC.id, path=str(path), session=found["session"], group=group, rank=rank)
    return None


def sources(root: Path) -> list[Source]:
    """Returns every source below `root`, sorted by path."""
    paths = (path for _, name, pattern, _, _ in _LAYOUTS if name == root.name for path in root.glob(pattern))
    found = (source_of(path, root) for path in paths)
    return sorted((source for source in found if source is not None), key=lambda source: source.path)


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the source in a file anywhere on disk, recognised by how it begins.

    It may be an exported or copied chat, or a log of the terminal client (1.0.48, 1.0.102).
    """
    first = next(objects_in(head, most=1), {})
    start = first.get("data")
    if first.get("type") != "session.start" or not isinstance(start, dict) or start.get("producer") != _PRODUCER:
        return Source(agent=SPEC.id, path=str(path), rank=_EXPORT_RANK) if _is_chat(head) else None
    session = start.get("sessionId")
    is_own = isinstance(session, str) and _ID.fullmatch(session) and "vscodeVersion" not in start
    return Source(agent=SPEC.id, path=str(path), session=session) if is_own else None


def kind_to_read(path: Path) -> Kind:
    """Returns the kind to read `path` as: by location, or by content for an export or a copy elsewhere."""
    return kind_of(path) or ("chat" if _is_chat(read_head(path, _HEAD_BYTES)) else "log")


def readers() -> Mapping[Kind, Reader]:
    """Returns the reader for each kind of source."""
    from carryover.agents.copilot.log_reader import LogReader
    from carryover.agents.copilot.vscode_store import ChatReader
    from carryover.readers.stat_cache import StatCachedReader

    return {"log": LogReader(), "chat": StatCachedReader(ChatReader())}


def _is_chat(head: bytes) -> bool:
    return _CHAT.match(head) is not None and all(name in head for name in (b'"responderUsername"', b'"requests"'))
