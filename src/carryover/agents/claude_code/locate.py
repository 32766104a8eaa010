"""Where Claude Code keeps its transcripts, and which files there are one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Source
from carryover.agents.claude_code.spec import SPEC

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_SIDECHAIN: Final = re.compile(r"agent-([\w-]+)\.jsonl")


def source_of(path: Path, root: Path) -> Source | None:
    """The transcript that `path` is, by its name alone.

    `<slug>/<uuid>.jsonl` is a session, `<slug>/<session>/subagents/agent-<id>.jsonl` a sub-agent of it (2.1.111,
    2.1.328), `<slug>/agent-<id>.jsonl` a sub-agent whose session only its records tell (2.0.65). The slug is not
    reversible, so it groups files and never names a project.
    """
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return None
    match parts:
        case (slug, name) if name.endswith(".jsonl") and _UUID.fullmatch(name.removesuffix(".jsonl")):
            return Source(agent=SPEC.id, path=str(path), session=name.removesuffix(".jsonl"), group=slug)
        case (slug, name) if found := _SIDECHAIN.fullmatch(name):
            return Source(agent=SPEC.id, path=str(path), subagent_id=found[1], group=slug)
        case (slug, session, "subagents", name) if _UUID.fullmatch(session) and (found := _SIDECHAIN.fullmatch(name)):
            return Source(agent=SPEC.id, path=str(path), session=session, subagent_id=found[1], group=slug)
    return None


def sources(root: Path) -> list[Source]:
    """Every transcript below `root` now, in the order of their paths."""
    found = (source_of(path, root) for path in _files(root))
    return sorted((source for source in found if source is not None), key=lambda source: source.path)


def _files(root: Path) -> Iterator[Path]:
    for slug in _entries(root):
        for entry in _entries(Path(slug.path)):
            if entry.name.endswith(".jsonl"):
                yield Path(entry.path)
            elif _UUID.fullmatch(entry.name):
                yield from (Path(agent.path) for agent in _entries(Path(entry.path) / "subagents"))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder. It may be gone by now, be no folder, or be closed to us: then nothing."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
