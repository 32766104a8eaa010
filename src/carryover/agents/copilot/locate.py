"""Finds Copilot's sessions and selects the reader for each kind of source.

A source's kind follows from its location alone. A session has the same id in every location: FACTS.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final

from carryover.adapter.contract import Reader, Source
from carryover.agents.copilot.spec import CHATS, EMPTY, SPEC, WINDOWS
from carryover.readers import layouts
from carryover.readers.files import read_head
from carryover.readers.layouts import Layout
from carryover.records.rawjson import objects_in

_STATE: Final = "session-state"
_BESIDE: Final = "workspace.yaml"
"""Contains the session's name, so that a change of it counts as a change of the session."""
_PRODUCER: Final = "copilot-agent"
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NAME: Final = r"(?P<session>[\w-]{1,100})"
_EXPORT_RANK: Final = -1
_IN_WINDOW: Final = rf"(?P<group>[^/]+)/{CHATS}/{_NAME}"

# A session in several places counts where most of it is. A chat that moves from an empty window into a folder is
# copied, and the copy continues.
_LAYOUTS: Final = (
    Layout(
        kind="log", root=_STATE, globs=("*/events.jsonl",), pattern=rf"(?P<session>(?i:{_ID.pattern}))/events\.jsonl"
    ),
    Layout(kind="chat", root=WINDOWS, globs=(f"*/{CHATS}/*.jsonl",), pattern=rf"{_IN_WINDOW}\.jsonl", rank=7),
    Layout(kind="chat", root=WINDOWS, globs=(f"*/{CHATS}/*.json",), pattern=rf"{_IN_WINDOW}\.json", rank=6),
    Layout(kind="chat", root=EMPTY, globs=("*.jsonl",), pattern=rf"{_NAME}\.jsonl", rank=5),
    Layout(kind="chat", root=EMPTY, globs=("*.json",), pattern=rf"{_NAME}\.json", rank=4),
)
_HEAD_BYTES: Final = 64 << 10
_CHAT: Final = re.compile(
    rb'\s*\{\s*(?:"kind"\s*:\s*0\s*,\s*"v"\s*:\s*\{\s*)?'
    rb'"(?:version|requesterUsername|responderUsername|initialLocation|requests|sessionId|creationDate)"\s*:'
)
"""The beginning of a chat: one JSON object, or a log whose first line holds the whole state."""


def kind_of(path: str | PurePath) -> str | None:
    """Returns the kind of the source at `path`, by the end of its path alone; None if it is not a source."""
    return layouts.kind_of(_LAYOUTS, path)


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path` below `root`, recognised by name alone."""
    path = path.with_name("events.jsonl") if (root.name, path.name) == (_STATE, _BESIDE) else path
    return layouts.source_at(SPEC.id, _LAYOUTS, path, root)


def sources(root: Path) -> list[Source]:
    """Returns every source below `root`, sorted by path."""
    return layouts.sources_below(SPEC.id, _LAYOUTS, root)


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


def kind_to_read(path: Path) -> str:
    """Returns the kind to read `path` as: by location, or by content for an export or a copy elsewhere."""
    return kind_of(path) or ("chat" if _is_chat(read_head(path, _HEAD_BYTES)) else "log")


def readers() -> Mapping[str, Reader]:
    """Returns the reader for each kind of source."""
    from carryover.agents.copilot.log_reader import LogReader
    from carryover.agents.copilot.vscode_reader import ChatReader
    from carryover.readers.stat_cache import StatCachedReader

    return {"log": LogReader(), "chat": StatCachedReader(ChatReader())}


def _is_chat(head: bytes) -> bool:
    return _CHAT.match(head) is not None and all(name in head for name in (b'"responderUsername"', b'"requests"'))
