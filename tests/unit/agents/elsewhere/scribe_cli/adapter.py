"""How Scribe's talks are read and its hooks understood: one JSON object per line, `{id, at, in, you|it|limit|...}`."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import msgspec

from carryover.adapter import contract
from carryover.adapter.contract import Agent, HookEvent, Parsed, Record, Source
from carryover.adapter.layouts import Layout
from carryover.model import AnyBody, AssistantMessage, Event, FileEdit, Skipped, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.lenient import Fields, is_true, text_of
from carryover.transcript.hooks import own_hooks, root_above
from carryover.transcript.jsonl import JsonlReader
from carryover.transcript.recorder import OpenCall, usable_folder

from . import SPEC

ACTIONS: Final[dict[str, contract.HookAction]] = {"awake": "session_start", "rest": "turn_end"}


class Context(msgspec.Struct, frozen=True):
    """The folder that was named last."""

    cwd: str | None = None


class Line(msgspec.Struct, frozen=True, rename={"folder": "in"}):
    """One line of a talk: what the user or Scribe said, a file it wrote, a command it ran, or its limit."""

    id: str
    at: Annotated[int, msgspec.Meta(gt=0, lt=1 << 53)]
    folder: str | None = None
    you: str = ""
    it: str = ""
    wrote: str = ""
    ran: str = ""
    printed: str = ""
    code: int | None = None
    limit: str = ""
    pen: str = ""
    """A change of pens, which says nothing."""


_LINE: Final = msgspec.json.Decoder(Line)


LAYOUTS: Final = (Layout(globs=("*.talk",), pattern=r"(?P<session>[^/]+)\.talk"),)


def _parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    line = rawjson.read(_LINE, record.data)
    if isinstance(line, str):
        return context, Parsed(skipped=(Skipped("?", line),))
    context = Context(cwd=usable_folder(line.folder) or context.cwd)
    bodies = _bodies(line)
    if not bodies and not line.pen:
        return context, Parsed(skipped=(Skipped("?", "a kind that is not known"),))
    events = (
        Event(key=f"{line.id}/{at}", session=source.session or "?", at_ms=line.at, body=body, cwd=context.cwd)
        for at, body in enumerate(bodies)
    )
    return context, Parsed(events=tuple(events))


def _bodies(line: Line) -> tuple[AnyBody, ...]:
    """The events of one line."""
    if line.you:
        return (UserPrompt(text=line.you),)
    if line.it:
        return (AssistantMessage(text=line.it, final=True),)
    if line.wrote.startswith("/"):
        return (FileEdit(path=line.wrote, change="modify"),)
    if line.ran:
        call = OpenCall(id=line.id, name="run", op="shell", subject=line.ran)
        outcome = contract.ToolOutcome("error" if line.code else "ok", line.printed, line.code)
        return (call.as_event(),) if line.code is None else (call.as_event(), call.ended(outcome))
    return (TurnEnd(reason="limit", message=line.limit),) if line.limit else ()


def _own_session(given: Fields, _event: str) -> str | None:
    return text_of(given["quill"]) if "in" in given and "quill" in given else None


def _read(event: str, given: Fields, session: str) -> HookEvent:
    action = ACTIONS.get(event, "hint")
    return HookEvent(
        action=action,
        session=session,
        cwd=text_of(given["in"]),
        transcript=text_of(given.get("talk")) or None,
        reason=("resume" if is_true(given.get("again")) else "startup") if action == "session_start" else None,
    )


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=Context,
    layouts=LAYOUTS,
    parse=_parse,
    hooks=contract.HookProtocol(
        read=own_hooks(_own_session, _read),
        answer=lambda text: f"HEAR: {text}".encode(errors="replace"),
        layout_root=partial(root_above, layouts=LAYOUTS, names=("talks",)),
    ),
)
