"""Defines AGENT: how pi's transcripts are found, read and parsed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

from carryover.adapter.contract import Agent, HookProtocol, Source
from carryover.adapter.hooks import ACTIONS, ClaudeLikeHooks
from carryover.adapter.lazily import lazily
from carryover.agents.pi.builder import Context
from carryover.agents.pi.spec import SPEC
from carryover.readers.jsonl import JsonlReader
from carryover.readers.layouts import Layout, source_at, sources_below
from carryover.records.rawjson import objects_in

_FILE: Final = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z_(?P<session>[A-Za-z0-9][A-Za-z0-9._-]*)\.jsonl"
_LAYOUTS: Final = (
    Layout(globs=("--*--/*.jsonl",), pattern=rf"(?P<group>--[^/]+--)/{_FILE}"),
    Layout(globs=("*.jsonl",), pattern=_FILE),
)
"""The group is the start folder with its separators replaced. Others may have the same, so it never names a project."""


_SOURCE_OF: Final = partial(source_at, SPEC.id, _LAYOUTS)


def _layout_root(transcript: Path) -> Path | None:
    """Returns the folder of all sessions: above the one named after the start folder, if there is one."""
    above = (transcript.parent.parent, transcript.parent) if transcript.is_absolute() else ()
    return next((root for root in above if _SOURCE_OF(transcript, root) is not None), None)


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the transcript in a file anywhere on disk, recognised by its first record."""
    if not any(map(_is_header, objects_in(head, most=1))):
        return None
    return source_at(SPEC.id, _LAYOUTS, path, path.parent) or Source(agent=SPEC.id, path=str(path))


def _is_header(record: dict[str, Any]) -> bool:
    named = isinstance(record.get("id"), str) and isinstance(record.get("cwd"), str)
    return record.get("type") == "session" and named and "timestamp" in record


def _as_text(text: str) -> bytes:
    """Returns what the extension puts into the system message."""
    return text.encode("utf-8", "replace")


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=Context,
    source_of=_SOURCE_OF,
    sources=partial(sources_below, SPEC.id, _LAYOUTS),
    parse=lazily("carryover.agents.pi.parse", "parse_record"),
    exported=_exported,
    hooks=HookProtocol(
        events=("SessionStart", "Stop"),
        read=ClaudeLikeHooks(layout_root=_layout_root, actions=ACTIONS).read,
        answer=_as_text,
        layout_root=_layout_root,
        forgets=True,  # it is part of the system message of one process
    ),
)
