"""Where Copilot keeps its sessions, which files there hold one, and how each kind is read.

The kinds of sources are known by their place alone: FACTS.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final, Literal

from carryover.adapter.contract import Reader, Source
from carryover.agents.copilot import vscode_places
from carryover.agents.copilot.spec import SPEC
from carryover.agents.copilot.vscode_places import ChatKind
from carryover.readers.files import read_head
from carryover.records.rawjson import objects_in

Kind = Literal["log"] | ChatKind
"""log: the events of a session of the terminal client, or of one that VS Code runs by it."""

_STATE: Final = "session-state"
_LOG: Final = "events.jsonl"
_HEAD_BYTES: Final = 64 << 10
_BESIDE: Final = "workspace.yaml"
"""The client keeps the session's name there, so a change of it is one of the session."""
_PRODUCER: Final = "copilot-agent"
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def kind_of(path: str | PurePath) -> Kind | None:
    """What kind of source `path` is, by its last names alone; None where it is none."""
    match str(path).split("/")[-3:]:
        case [state, session, name] if state == _STATE and name == _LOG and _ID.fullmatch(session):
            return "log"
    return vscode_places.kind_of(path)


def source_of(path: Path, root: Path) -> Source | None:
    """The source that `path` below `root` is, by its name alone."""
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return None
    if path.name == _BESIDE:
        path = path.with_name(_LOG)
    match kind_of(path), parts:
        case "log", (session, _) if root.name == _STATE:
            return Source(agent=SPEC.id, path=str(path), session=session)
    return vscode_places.source_of(path, root, SPEC.id)


def sources(root: Path) -> list[Source]:
    """Every source below `root` now, in the order of their paths."""
    if root.name == _STATE:
        found = [source for path in root.glob(f"*/{_LOG}") if (source := source_of(path, root)) is not None]
    else:
        found = vscode_places.sources(root, SPEC.id)
    return sorted(found, key=lambda source: source.path)


def exported(path: Path, head: bytes) -> Source | None:
    """The source that a file anywhere is: an exported or copied chat, or a log, by the start that it begins with
    (1.0.48, 1.0.102; in VS Code also the transcript that the extension writes)."""
    first = next(objects_in(head, most=1), {})
    start = first.get("data")
    if first.get("type") != "session.start" or not isinstance(start, dict) or start.get("producer") != _PRODUCER:
        return vscode_places.exported(path, head, SPEC.id)
    session = start.get("sessionId")
    if not isinstance(session, str) or not _ID.fullmatch(session):
        return None
    rank = vscode_places.TRANSCRIPT_RANK if "vscodeVersion" in start else 0
    return Source(agent=SPEC.id, path=str(path), session=session, rank=rank)


def kind_to_read(path: Path) -> Kind:
    """The kind by which `path` is read. A file in another place was exported or copied; its content says the kind."""
    if (kind := kind_of(path)) is not None:
        return kind
    return "chat" if vscode_places.is_chat(read_head(path, _HEAD_BYTES)) else "log"


def readers() -> Mapping[Kind, Reader]:
    """The reader of each kind of source."""
    from carryover.agents.copilot.log_reader import LogReader
    from carryover.agents.copilot.vscode_store import ChatReader
    from carryover.readers.jsonl import JsonlReader
    from carryover.readers.stat_cache import StatCachedReader

    return {"log": LogReader(), "chat": StatCachedReader(ChatReader()), "chat_transcript": JsonlReader()}
