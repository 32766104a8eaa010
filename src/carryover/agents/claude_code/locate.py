"""Finds Claude Code's transcripts on disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from carryover.adapter.contract import Source
from carryover.agents.claude_code.spec import SPEC
from carryover.readers.files import entries_of
from carryover.records.rawjson import objects_in

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_SIDECHAIN: Final = re.compile(r"agent-([\w-]+)\.jsonl")
_HEAD_RECORDS: Final = 200
_CUT_RECORD: Final = re.compile(
    rb'^\{(?:"parentUuid":(?:null|"[0-9a-f-]{36}"),"(?:isSidechain|logicalParentUuid)":'
    rb'|"type":"queue-operation","operation":"\w{1,20}","timestamp":"[^"]{1,40}","sessionId":")',
    re.MULTILINE,
)
"""The beginning of a message or queued prompt (2.0.28 to 2.1.328) that is too long to be complete in the head of a
file."""


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the transcript at `path`, recognised by name alone.

    `<slug>/<uuid>.jsonl` is a session, `<slug>/<session>/subagents/agent-<id>.jsonl` one of its sub-agents (2.1.111,
    2.1.328), `<slug>/agent-<id>.jsonl` a sub-agent whose session only its records name (2.0.65). The slug is not
    reversible, so it groups files and never names a project.
    """
    try:
        return _named(str(path), path.relative_to(root).parts)
    except ValueError:
        return None


def _named(path: str, parts: tuple[str, ...]) -> Source | None:
    """Returns the transcript at `path`; `parts` is its path below the root."""
    match parts:
        case (slug, name) if name.endswith(".jsonl") and _UUID.fullmatch(name.removesuffix(".jsonl")):
            return Source(agent=SPEC.id, path=path, session=name.removesuffix(".jsonl"), group=slug)
        case (slug, name) if found := _SIDECHAIN.fullmatch(name):
            return Source(agent=SPEC.id, path=path, subagent_id=found[1], group=slug)
        case (slug, session, "subagents", name) if _UUID.fullmatch(session) and (found := _SIDECHAIN.fullmatch(name)):
            return Source(agent=SPEC.id, path=path, session=session, subagent_id=found[1], group=slug)
    return None


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the transcript in a file anywhere on disk, recognised by its first records (2.0.28 to 2.1.328).

    Session and sub-agent come from its path if that keeps Claude Code's layout, otherwise from the records.
    """
    if not (_CUT_RECORD.search(head) or any(_is_own(record) for record in objects_in(head, most=_HEAD_RECORDS))):
        return None
    kept = (source_of(path, root) for root in reversed(path.parents[1:4:2]))
    return next((source for source in kept if source is not None), Source(agent=SPEC.id, path=str(path)))


def _is_own(record: dict[str, Any]) -> bool:
    """Whether a record is a Claude Code message, with session, id and role. Other early lines prove nothing."""
    message = record.get("message")
    role = message.get("role") if isinstance(message, dict) else None
    named = isinstance(record.get("sessionId"), str) and isinstance(record.get("uuid"), str)
    return named and role in ("user", "assistant") and record.get("type") == role


def sources(root: Path) -> list[Source]:
    """Returns every transcript below `root`, sorted by path."""
    found = (_named(path, parts) for path, parts in _files(root))
    return sorted((source for source in found if source is not None), key=lambda source: source.path)


def _files(root: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields each file that may be a transcript, with its path parts below `root`."""
    # No Path objects: for thousands of files they would take several times as long as listing them.
    for slug in entries_of(root):
        for entry in entries_of(slug.path):
            if entry.name.endswith(".jsonl"):
                yield entry.path, (slug.name, entry.name)
            elif _UUID.fullmatch(entry.name):
                for agent in entries_of(f"{entry.path}/subagents"):
                    yield agent.path, (slug.name, entry.name, "subagents", agent.name)
