"""Cline: the terminal client (3.x), and the extension for VS Code with the tasks of its earlier versions."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, HookProtocol, Parsed, Record, Source
from carryover.agents.cline import tasks
from carryover.agents.cline.calls import parse_call, parse_result
from carryover.agents.cline.documents import Builder, Context, State, id_in, parse_entry
from carryover.agents.cline.sessions import about_task, session_reader
from carryover.agents.cline.spec import SPEC
from carryover.agents.cline.task_parse import parse_record as parse_task
from carryover.model import AgentSummary, AssistantMessage, SessionInfo, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, items_of, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import without_handoff
from carryover.records.usage import numbers_in
from carryover.text.pattern import later
from carryover.transcript import layouts
from carryover.transcript.by_kind import ReaderByKind
from carryover.transcript.hooks import ClaudeLikeHooks, plain_answer
from carryover.transcript.layouts import Layout

_SESSIONS: Final = "session"
_DOCUMENT: Final = ".messages.json"
_SESSION: Final = r"(?P<session>\d{1,16}_[\w-]{1,20})"
_LAYOUTS: Final = (
    Layout(kind=_SESSIONS, globs=(f"*/*{_DOCUMENT}",), pattern=rf"{_SESSION}/(?P=session)\.messages\.json"),
    Layout(kind=_SESSIONS, globs=(), pattern=rf"{_SESSION}/(?P<subagent_id>[\w-]{{1,200}})\.messages\.json"),
    tasks.TASKS,
)
_BESIDE: Final = later(r"(\d{1,16}_[\w-]{1,20})(?:\.compaction)?\.json")
"""Files beside a session's document whose change is a change of the session."""
_OWN: Final = later(rb'"origin"\s*:\s*\{\s*"source"\s*:\s*"[\w-]{1,40}"\s*,\s*"mode"\s*:')


_TYPED: Final = later(r'<user_input mode="[^"]*">(.*)</user_input>', re.DOTALL)
_NOTICE: Final = later(r"<mode_notice>.*?</mode_notice>\n?", re.DOTALL)
_COMMAND: Final = later(r'<user_command slash="([^"\n]*)">.*?</user_command>', re.DOTALL)
_ATTACHED: Final = ("file", "image")
_QUIET: Final = ("thinking", "redacted_thinking", *_ATTACHED)
_GONE: Final = "disconnected before request was resolved"
"""The terminal client was stopped while another process ran its session."""


def _ident(context: Context, message: Fields) -> str:
    return id_in(message, "id") or f"{context.session}/{context.number}"


def _message(builder: Builder) -> None:
    role = text_of(builder.message.get("role"))
    handle = _ROLES.get(role)
    if handle is None:
        builder.skip(f"message/{role}", "unknown role")
    else:
        handle(builder)


def _parts(builder: Builder) -> list[Fields]:
    content = builder.message.get("content", rawjson.ABSENT)
    if text_of(content):
        return [{"type": msgspec.Raw(b'"text"'), "text": content}]
    return [fields_of(part) for part in items_of(content)]


def _said(parts: list[Fields]) -> str:
    return "\n".join(text_of(part.get("text")) for part in parts if text_of(part.get("type")) == "text")


def _user(builder: Builder) -> None:
    """Handles what a person typed, results of calls, or what the client tells the model."""
    parts = _parts(builder)
    attached = 0
    for number, part in enumerate(parts):
        kind = text_of(part.get("type"))
        attached += kind in _ATTACHED
        if kind == "tool_result":
            parse_result(builder, part, f"result{number}")
        elif kind not in ("text", *_QUIET):
            builder.skip(f"user/{kind}", "unknown part")
    text = _said(parts)
    if builder.context.subagent_id is not None:
        if text.strip():
            builder.add(UserPrompt(text=text.strip(), actor="model"), "prompt")
        return
    _add_prompt(builder, text, attached)


def _add_prompt(builder: Builder, text: str, attached: int = 0) -> None:
    typed = _TYPED.search(text)
    if typed is None:
        return
    text = _NOTICE.sub("", typed[1])
    command = _COMMAND.search(text)
    text = _COMMAND.sub("", text).strip()
    slash = f"/{command[1]}" if command is not None else None
    if not (text or slash or attached):
        return
    if not builder.context.prompted:
        # The first one is known from the manifest before its message has an id.
        builder.prefix = f"{builder.session}:"
        builder.change(prompted=True)
    builder.add(UserPrompt(text=text, command=slash, attachments=attached), "prompt")


def _assistant(builder: Builder) -> None:
    """Handles an answer to one request, or why there was none."""
    _count_tokens(builder)
    parts = _parts(builder)
    text = _said(parts)
    if text_of(fields_of(builder.message.get("metadata")).get("displayRole")) == "error":
        end = failed_turn(text, builder.at_ms, limited=names_limit(text))
        builder.add(TurnEnd(reason="interrupted") if _GONE in text else end, "end")
        return
    calls = [part for part in parts if text_of(part.get("type")) == "tool_use"]
    if text.strip():
        builder.add(AssistantMessage(text=text, final=not calls), "text")
    for number, call in enumerate(calls):
        parse_call(builder, call, f"call{number}")
    for kind in (text_of(part.get("type")) for part in parts):
        if kind not in ("text", "tool_use", *_QUIET):
            builder.skip(f"assistant/{kind}", "unknown part")


def _count_tokens(builder: Builder) -> None:
    """Notes what the request took; one that failed has no `metrics` (3.0.57, 3.0.65)."""
    used_model = text_of(fields_of(builder.message.get("modelInfo")).get("id"))
    numbers = numbers_in(fields_of(builder.message.get("metrics")))
    builder.count_tokens(builder.ident, session=builder.session, model=used_model, **numbers)


def _summary(builder: Builder) -> None:
    text = without_handoff(text_of(builder.message.get("text"))).strip()
    if text:
        builder.add(AgentSummary(text=text, source="compaction"), "summary")


def _state(builder: Builder, state: State) -> None:
    """Adds what is true of a session as a whole: facts, and its prompt as long as nothing follows it."""
    if state.info != SessionInfo():
        builder.add(state.info, "info")
    if state.prompt:
        text = state.prompt if _TYPED.search(state.prompt) else f'<user_input mode="">{state.prompt}</user_input>'
        _add_prompt(builder, text)


_ROLES: Final[dict[str, Callable[[Builder], None]]] = {
    "user": _user,
    "assistant": _assistant,
    "summary": _summary,
}


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path` below `root`, recognised by name alone."""
    path = tasks.shown_beside(path)
    beside = _BESIDE.fullmatch(path.name)
    if beside is not None and beside[1] == path.parent.name:
        path = path.with_name(f"{beside[1]}{_DOCUMENT}")
    return layouts.source_at(SPEC.id, _LAYOUTS, path, root)


def sources(root: Path) -> list[Source]:
    """Returns every source below `root`, sorted by path."""
    return layouts.sources_below(SPEC.id, _LAYOUTS, root)


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the session or task in a file anywhere on disk, recognised by how it begins."""
    if path.name == tasks.SHOWN and tasks.FIRST_TASK.match(head):
        return Source(agent=SPEC.id, path=str(path))
    if not path.name.endswith(_DOCUMENT) or not _OWN.search(head):
        return None
    return source_of(path, path.parent.parent) or Source(agent=SPEC.id, path=str(path))


def _kind_of(path: PurePath) -> str:
    return tasks.TASK if path.name == tasks.SHOWN else _SESSIONS


def parse(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a session or a task. Never raises: what is not understood is counted in `skipped`."""
    if tasks.is_task(source):
        return parse_task(source, context, record)
    return parse_entry(source, context, record, _ident, _message, _state)


def _layout_root(transcript: Path) -> Path | None:
    """Returns the folder of all sessions, above a session's own."""
    root = transcript.parent.parent
    is_document = transcript.is_absolute() and transcript.name.endswith(_DOCUMENT)
    return root if is_document and source_of(transcript, root) is not None else None


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(_kind_of, lambda: {_SESSIONS: session_reader(), tasks.TASK: tasks.task_reader(about_task)}),
    context_type=Context,
    source_of=source_of,
    sources=sources,
    parse=parse,
    exported=exported,
    hooks=HookProtocol(
        events=("SessionStart", "Stop"),
        read=ClaudeLikeHooks(layout_root=_layout_root).read,
        reads_page="read `{page}` in parts of 20 lines",  # a result is cut off after 8,000 characters (3.0.65)
        answer=plain_answer,  # which the plugin puts into the system message
        layout_root=_layout_root,
        forgets=True,  # that is of one process
    ),
)
