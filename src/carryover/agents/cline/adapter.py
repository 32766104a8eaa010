"""Defines AGENT: how Cline's sessions and tasks are found, read and parsed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final

from carryover.adapter.contract import Agent, HookProtocol, Parsed, Reader, Record, Source
from carryover.adapter.hooks import ACTIONS, ClaudeLikeHooks
from carryover.adapter.lazily import lazily
from carryover.agents.cline.spec import SPEC
from carryover.families.vscode_tasks import layout
from carryover.families.vscode_tasks.builder import Context
from carryover.readers import layouts
from carryover.readers.by_kind import ReaderByKind
from carryover.readers.layouts import Layout

_SESSIONS: Final = "session"
_DOCUMENT: Final = ".messages.json"
_SESSION: Final = r"(?P<session>\d{1,16}_[\w-]{1,20})"
_LAYOUTS: Final = (
    Layout(kind=_SESSIONS, globs=(f"*/*{_DOCUMENT}",), pattern=rf"{_SESSION}/(?P=session)\.messages\.json"),
    Layout(kind=_SESSIONS, globs=(), pattern=rf"{_SESSION}/(?P<subagent_id>[\w-]{{1,200}})\.messages\.json"),
    layout.TASKS,
)
_BESIDE: Final = re.compile(r"(\d{1,16}_[\w-]{1,20})(?:\.compaction)?\.json")
"""Files beside a session's document whose change is a change of the session."""
_OWN: Final = re.compile(rb'"origin"\s*:\s*\{\s*"source"\s*:\s*"[\w-]{1,40}"\s*,\s*"mode"\s*:')


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path` below `root`, recognised by name alone."""
    path = layout.shown_beside(path)
    beside = _BESIDE.fullmatch(path.name)
    if beside is not None and beside[1] == path.parent.name:
        path = path.with_name(f"{beside[1]}{_DOCUMENT}")
    return layouts.source_at(SPEC.id, _LAYOUTS, path, root)


def sources(root: Path) -> list[Source]:
    """Returns every source below `root`, sorted by path."""
    return layouts.sources_below(SPEC.id, _LAYOUTS, root)


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the session or task in a file anywhere on disk, recognised by how it begins."""
    if path.name == layout.SHOWN and layout.FIRST_TASK.match(head):
        return Source(agent=SPEC.id, path=str(path))
    if not path.name.endswith(_DOCUMENT) or not _OWN.search(head):
        return None
    return source_of(path, path.parent.parent) or Source(agent=SPEC.id, path=str(path))


def _readers() -> Mapping[str, Reader]:
    from carryover.agents.cline.history import about_task
    from carryover.agents.cline.sessions import SessionReader
    from carryover.families.vscode_tasks.tasks import TaskReader

    return {_SESSIONS: SessionReader(), layout.TASK: TaskReader(about_task)}


def _kind_of(path: PurePath) -> str:
    return layout.TASK if path.name == layout.SHOWN else _SESSIONS


_parse_session: Final = lazily("carryover.agents.cline.parse", "parse_record")
_parse_task: Final = lazily("carryover.families.vscode_tasks.parse", "parse_record")


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    parse = _parse_task if layout.is_task(source) else _parse_session
    result: tuple[Context, Parsed] = parse(source, context, record)
    return result


def _layout_root(transcript: Path) -> Path | None:
    """Returns the folder of all sessions, above a session's own."""
    root = transcript.parent.parent
    is_document = transcript.is_absolute() and transcript.name.endswith(_DOCUMENT)
    return root if is_document and source_of(transcript, root) is not None else None


def _as_text(text: str) -> bytes:
    """Returns what the plugin puts into the system message."""
    return text.encode("utf-8", "replace")


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(_kind_of, _readers),
    context_type=Context,
    source_of=source_of,
    sources=sources,
    parse=_parse,
    exported=exported,
    hooks=HookProtocol(
        events=("SessionStart", "Stop"),
        read=ClaudeLikeHooks(layout_root=_layout_root, actions=ACTIONS).read,
        reads_page="read `{page}` in parts of 20 lines",  # a result is cut off after 8,000 characters (3.0.65)
        answer=_as_text,
        layout_root=_layout_root,
        forgets=True,  # it is part of the system message of one process
    ),
)
