"""How Scribe's talks are read and its hooks understood: one JSON object per line, `{id, at, in, you|it|limit}`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Agent, HookEvent, HookProtocol, Parsed, Record, Source
from carryover.adapter.hooks import root_above, skipped
from carryover.model import AnyBody, AssistantMessage, Event, Skipped, TurnEnd, UserPrompt
from carryover.readers.jsonl import JsonlReader

from .spec import SPEC


class Context(msgspec.Struct, frozen=True):
    """The folder that was named last."""

    cwd: str | None = None


class Line(msgspec.Struct, frozen=True, rename={"folder": "in"}):
    """One line of a talk."""

    id: str
    at: int
    folder: str | None = None
    you: str = ""
    it: str = ""
    limit: str = ""


def _source_of(path: Path, root: Path) -> Source | None:
    fits = path.parent == root and path.suffix == ".talk"
    return Source(agent=SPEC.id, path=str(path), session=path.stem) if fits else None


def _sources(root: Path) -> list[Source]:
    found = (_source_of(path, root) for path in sorted(root.glob("*.talk")))
    return [source for source in found if source is not None]


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    try:
        line = msgspec.json.decode(record.data, type=Line)
    except msgspec.MsgspecError:
        return context, Parsed(skipped=(Skipped("?", "not understood"),))
    context = Context(cwd=line.folder or context.cwd)
    body: AnyBody = UserPrompt(text=line.you) if line.you else AssistantMessage(text=line.it, final=True)
    if line.limit:
        body = TurnEnd(reason="limit", message=line.limit)
    event = Event(key=line.id, session=source.session or "?", at_ms=line.at, body=body, cwd=context.cwd)
    return context, Parsed(events=(event,))


def _read(event: str, payload: bytes, at_ms: int) -> HookEvent | Skipped:
    try:
        given: dict[str, Any] = msgspec.json.decode(payload, type=dict[str, Any])
        talk, folder = str(given["quill"]), str(given["in"])
    except (msgspec.MsgspecError, KeyError):
        return skipped(event, "another agent's payload")
    starts = event.lower() == "awake"
    return HookEvent(
        action="session_start" if starts else "turn_end", session=talk, cwd=folder, reason="startup" if starts else None
    )


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=Context,
    source_of=_source_of,
    sources=_sources,
    parse=_parse,
    hooks=HookProtocol(
        events=("Awake", "Rest"),
        read=_read,
        answer=lambda text: text.upper().encode(),
        layout_root=lambda transcript: root_above(transcript, _source_of, ("talks",)),
    ),
)
