"""Cline: the terminal client (3.x), and the extension for VS Code with the tasks of its earlier versions.

A session is one document with all messages, beside it its manifest and the summary of its last compaction. A fork
repeats its source's messages under their ids, and so does the session in which an earlier prompt is said in other
words. What is older than the session was said in the other one, of which what came after it was taken back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Final

import msgspec

from carryover.adapter import layouts
from carryover.adapter.contract import Agent, FileStat, Parsed, Record, Source
from carryover.adapter.layouts import Layout
from carryover.agents.cline import SPEC, tasks
from carryover.agents.cline.calls import ASK, parse_tool_result, parse_tool_use
from carryover.agents.cline.documents import (
    MessageBuilder,
    TaskContext,
    TaskFacts,
    document_now,
    id_in,
    messages_in,
    parser,
)
from carryover.agents.cline.task_parse import parse_task_record as parse_task
from carryover.model import SessionInfo, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.fields import SHORT_CHARS, bounded, stated_folder, utc_ms
from carryover.records.lenient import Fields, fields_of, is_true, items_of, number_of, numbers_in, text_of, time_of
from carryover.text.pattern import later
from carryover.transcript.by_kind import ReaderByKind
from carryover.transcript.files import entries_of, read_beside
from carryover.transcript.hooks import common_hooks, plain_answer, root_above
from carryover.transcript.rewritten import Document, SnapshotReader
from carryover.transcript.turns import add_answer, add_failure, add_prompt, add_summary, dispatch

_SESSIONS: Final = "session"
_DOCUMENT: Final = ".messages.json"
_SESSION: Final = r"(?P<session>\d{1,16}_[\w-]{1,20})"
_LAYOUTS: Final = (
    Layout(
        kind=_SESSIONS,
        globs=(f"*/*{_DOCUMENT}",),
        pattern=rf"{_SESSION}/(?P=session)\.messages\.json",
        beside=r"((\d{1,16}_[\w-]{1,20})/\2)(?:\.compaction)?\.json",
        stands_for=rf"\1{_DOCUMENT}",
    ),
    Layout(kind=_SESSIONS, globs=(), pattern=rf"{_SESSION}/(?P<subagent_id>[\w-]{{1,200}})\.messages\.json"),
    tasks.TASKS,
)
_source_of: Final = partial(layouts.source_at, SPEC.id, _LAYOUTS)
_layout_root: Final = partial(root_above, layouts=_LAYOUTS)
_OWN: Final = later(rb'"origin"\s*:\s*\{\s*"source"\s*:\s*"[\w-]{1,40}"\s*,\s*"mode"\s*:')


_TYPED: Final = later(r'<user_input mode="[^"]*">(.*)</user_input>', re.DOTALL)
"""Matches at the beginning of a text only: elsewhere, a hook, a summary or a file may have written the tag."""
_NOTICE_END: Final = "</mode_notice>"
_NOTICE: Final = later(rf"<mode_notice>.*?{_NOTICE_END}\n?", re.DOTALL)
_COMMAND_END: Final = "</user_command>"
_COMMAND: Final = later(rf'<user_command slash="([^"\n]*)">.*{_COMMAND_END}', re.DOTALL)
"""Up to the last closing tag, since what the command stands for is a file's text and may hold one."""
_SWITCHED: Final = "The user approved switching to act mode. Continue with the approved plan now."
"""What the client sends as a prompt after the tool that leaves plan mode; it knows that by this text, too (3.0.65)."""
_ATTACHED: Final = ("file", "image")
_QUIET: Final = ("thinking", "redacted_thinking", *_ATTACHED)
_GONE: Final = "disconnected before request was resolved"
"""The terminal client was stopped while another process ran its session."""
_ENDINGS: Final = (".json", ".compaction.json")
"""Of the files beside a session's document."""
_CALLS: Final = ("tool_use", "tool_result")
_TOGETHER_MS: Final = 5_000
"""The client ends a session within this time after the one that replaces it began."""
_FOLDER: Final = later(r"^4\. Working Directory: (/.*|[A-Za-z]:\\.*)$", re.MULTILINE)
"""What the system message says, for a document without its manifest."""


def _ident(builder: MessageBuilder) -> str:
    return id_in(builder.data, "id") or f"{builder.session}/{builder.context.number}"


def _message(builder: MessageBuilder) -> None:
    dispatch(builder, _ROLES, builder.text("role"), what="role", within="message/")


def _parts(builder: MessageBuilder) -> list[Fields]:
    content = builder.data.get("content", rawjson.ABSENT)
    if text_of(content):
        return [{"type": msgspec.Raw(b'"text"'), "text": content}]
    return [fields_of(part) for part in items_of(content)]


def _said(parts: list[Fields]) -> list[str]:
    return [text_of(part.get("text")) for part in parts if text_of(part.get("type")) == "text"]


def _user(builder: MessageBuilder) -> None:
    """Handles what a person typed, results of calls, or what the client tells the model."""
    parts = _parts(builder)
    attached = 0
    for number, part in enumerate(parts):
        kind = text_of(part.get("type"))
        attached += kind in _ATTACHED
        if kind == "tool_result":
            parse_tool_result(builder, part, f"result{number}")
        elif kind not in ("text", *_QUIET):
            builder.skip(f"user/{kind}", "unknown part")
    texts = _said(parts)
    if builder.subagent_id is not None:
        add_prompt(builder, "prompt", "\n".join(texts).strip(), actor="model")
        return
    _add_prompt(builder, texts, attached)


def _add_prompt(builder: MessageBuilder, texts: list[str], attached: int = 0) -> None:
    typed = next(filter(None, map(_TYPED.match, texts)), None)
    if typed is None:
        return
    # Behind the last end, each beginning would be searched to the end of the text.
    end = typed[1].rfind(_NOTICE_END) + len(f"{_NOTICE_END}\n")
    text = _NOTICE.sub("", typed[1][:end]) + typed[1][end:]
    command = _COMMAND.search(text, 0, text.rfind(_COMMAND_END) + len(_COMMAND_END))
    text = (text if command is None else text[: command.start()] + text[command.end() :]).strip()
    slash = f"/{command[1]}" if command is not None else None
    if text == _SWITCHED or not (text or slash or attached):
        return
    if not builder.context.prompted:
        # The first one is known from the manifest before its message has an id.
        builder.prefix = f"{builder.session}:"
        builder.change(prompted=True)
    builder.add(UserPrompt(text=text, command=slash, attachments=attached), "prompt")


def _assistant(builder: MessageBuilder) -> None:
    """Handles an answer to one request, or why there was none."""
    _count_tokens(builder)
    parts = _parts(builder)
    text = "\n".join(_said(parts))
    if text_of(fields_of(builder.data.get("metadata")).get("displayRole")) == "error":
        if _GONE in text:
            builder.add(TurnEnd(reason="interrupted"), "end")
        else:
            add_failure(builder, "end", text)
        return
    calls = [part for part in parts if text_of(part.get("type")) == "tool_use"]
    add_answer(builder, "text", text, final=not calls)
    for number, call in enumerate(calls):
        parse_tool_use(builder, call, f"call{number}")
    for kind in (text_of(part.get("type")) for part in parts):
        if kind not in ("text", "tool_use", *_QUIET):
            builder.skip(f"assistant/{kind}", "unknown part")


def _count_tokens(builder: MessageBuilder) -> None:
    """Notes what the request took; one that failed has no `metrics` (3.0.57, 3.0.65)."""
    used_model = text_of(fields_of(builder.data.get("modelInfo")).get("id"))
    numbers = numbers_in(fields_of(builder.data.get("metrics")))
    builder.count_tokens(builder.ident, session=builder.session, model=used_model, **numbers)


def _summary(builder: MessageBuilder) -> None:
    add_summary(builder, "summary", builder.text("text"))


def _first_prompt(builder: MessageBuilder, given: str) -> None:
    _add_prompt(builder, [given if _TYPED.match(given) else f'<user_input mode="">{given}</user_input>'])


_parse_session: Final = parser(_ident, _message, _first_prompt)
_ROLES: Final[dict[str, Callable[[MessageBuilder], None]]] = {
    "user": _user,
    "assistant": _assistant,
    "summary": _summary,
}


def _exported(path: Path, head: bytes) -> Source | None:
    path, head = tasks.document_of_copy(path, head)
    is_own = tasks.FIRST_TASK.match(head) or (tasks.FIRST_TEXT.match(head) and tasks.CLINES_MARK in head)
    if path.name == tasks.SHOWN and is_own:
        return Source(agent=SPEC.id, path=str(path))
    if not path.name.endswith(_DOCUMENT) or not _OWN.search(head):
        return None
    return _source_of(path, path.parent.parent) or Source(agent=SPEC.id, path=str(path))


def _kind_of(path: PurePath) -> str:
    return tasks.TASK if path.name == tasks.SHOWN else _SESSIONS


def _parse(source: Source, context: TaskContext, record: Record) -> tuple[TaskContext, Parsed]:
    if _kind_of(PurePath(source.path)) == tasks.TASK:
        return parse_task(source, context, record)
    return _parse_session(source, context, record)


def _session_reader() -> SnapshotReader:
    """Returns the reader of the document of a session or of a sub-agent."""
    return SnapshotReader(_taken, beside=lambda path: (_beside(path, ending) for ending in _ENDINGS))


def _taken(path: Path, stat: FileStat) -> Document:
    head, messages = messages_in(path, stat, "messages")
    manifest = fields_of(read_beside(_beside(path, ".json")))
    origin = fields_of(head.get("origin"))
    metadata = fields_of(manifest.get("metadata"))
    is_main = text_of(head.get("agent")) in ("lead", "")
    began_ms = utc_ms(text_of(manifest.get("started_at"))) if is_main else 0
    own = [raw for raw in messages if not 0 < time_of(fields_of(raw).get("ts")) < began_ms]
    parent = text_of(fields_of(metadata.get("fork")).get("forkedFromSessionId"))
    ended_ms = utc_ms(text_of(manifest.get("ended_at"))) if is_main else 0
    session = text_of(head.get("sessionId") if is_main else origin.get("parentThreadId")) or path.parent.name
    placed = _source_of(path, path.parent.parent)
    named = path.name.removesuffix(_DOCUMENT) if not is_main else placed.subagent_id if placed is not None else None
    facts = TaskFacts(
        id=named or session,
        root=session if named else None,
        directory=text_of(manifest.get("cwd")) or stated_folder(_FOLDER, text_of(head.get("system_prompt"))),
        attended=is_true(manifest.get("interactive")),
    )
    prompt = text_of(metadata.get("prompt")) or text_of(manifest.get("prompt"))
    info = SessionInfo(
        title=bounded(text_of(metadata.get("title")), SHORT_CHARS) or None,
        agent_version=text_of(origin.get("version")) or None,
        model=text_of(manifest.get("model")) or None,
        branch=text_of(fields_of(metadata.get("git")).get("branch")) or None,
        parent=parent or None,
    )
    listed = _with_summary(path, own, len(messages) - len(own), began_ms)
    return document_now(
        facts,
        _without_undone(path, listed, metadata, ended_ms),
        at_ms=began_ms or utc_ms(text_of(head.get("updated_at"))),
        info=info if is_main else SessionInfo(),
        prompt=prompt if is_main and not messages else "",
    )


def _with_summary(path: Path, own: list[msgspec.Raw], copied: int, began_ms: int) -> Sequence[msgspec.Raw]:
    """Returns the messages with the compaction's summary in its place: the document stays whole."""
    compaction = fields_of(read_beside(_beside(path, ".compaction.json")))
    first = next(iter(items_of(compaction.get("messages"))), None)
    about = fields_of(fields_of(first).get("metadata"))
    generated_ms = time_of(about.get("generatedAt"))
    if first is None or not generated_ms or generated_ms < began_ms:
        return own
    summary = {"id": f"compaction/{generated_ms}", "role": "summary", "ts": generated_ms, "text": about.get("summary")}
    place = max(0, (number_of(compaction.get("source_message_count")) or 0) - copied)
    return [*own[:place], msgspec.Raw(msgspec.json.encode(summary)), *own[place:]]


def _without_undone(
    path: Path, messages: Sequence[msgspec.Raw], metadata: Fields, ended_ms: int
) -> Sequence[msgspec.Raw]:
    """Returns the messages without what was said after the point from which another session, that began as this one
    ended, says it in other words. That one has this one's checkpoints; so has a fork, but with a link, and it takes
    nothing back. Calls stay: the client asks separately whether to put the files back, and records no answer. So does
    what an answer took.
    """
    checkpoint = _first_checkpoint(metadata)
    for name in _began_at(path, ended_ms) if all(checkpoint) else ():
        folder = path.parent.parent / name
        other = fields_of(fields_of(read_beside(folder / f"{name}.json")).get("metadata"))
        if "fork" in other or _first_checkpoint(other) != checkpoint:
            continue
        copied = items_of(fields_of(read_beside(folder / f"{name}{_DOCUMENT}")).get("messages"))
        copied_ids = set(map(_id, copied))
        shared = (number for number, raw in enumerate(messages, start=1) if _id(raw) in copied_ids)
        end = max(shared, default=0)
        return [*messages[:end], *filter(None, map(_what_stays_of, messages[end:]))]
    return messages


def _what_stays_of(raw: msgspec.Raw) -> msgspec.Raw | None:
    """Returns a message with its calls or results alone, and what it took; None if it has none of these."""
    fields = fields_of(raw)
    parts = [part for part in items_of(fields.get("content")) if text_of(fields_of(part).get("type")) in _CALLS]
    calls = [part for part in parts if text_of(fields_of(part).get("name")) != ASK]
    return msgspec.Raw(msgspec.json.encode({**fields, "content": calls})) if calls or "metrics" in fields else None


def _first_checkpoint(metadata: Fields) -> tuple[str, int]:
    """Returns the commit and time of a session's first checkpoint: several sessions may begin at one commit."""
    first = fields_of(next(iter(items_of(fields_of(metadata.get("checkpoint")).get("history"))), None))
    return text_of(first.get("ref")), time_of(first.get("createdAt"))


def _began_at(path: Path, ended_ms: int) -> list[str]:
    """Returns the sessions that began as this one ended."""
    names = [entry.name for entry in entries_of(path.parent.parent)] if ended_ms else []
    later = (name for name in names if name > path.parent.name and name.partition("_")[0].isdecimal())
    return sorted(name for name in later if abs(int(name.partition("_")[0]) - ended_ms) < _TOGETHER_MS)


def _id(raw: msgspec.Raw) -> str:
    return text_of(fields_of(raw).get("id"))


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.parent.name}{ending}")


def _about_task(path: Path) -> tasks.About:
    """Returns what is noted about the task with these messages."""
    known = read_beside(path.parent.parent.parent / "state" / "taskHistory.json")
    listed = map(fields_of, items_of(msgspec.Raw(known)))
    entry = next((task for task in listed if text_of(task.get("id")) == path.parent.name), {})
    history = items_of(fields_of(read_beside(path.with_name("task_metadata.json"))).get("environment_history"))
    title = text_of(entry.get("task")).partition("\n")[0]
    info = SessionInfo(
        title=bounded(title, SHORT_CHARS) or None,
        agent_version=text_of(fields_of(history[-1]).get("cline_version")) or None if history else None,
        model=text_of(entry.get("modelId")) or None,
    )
    return TaskFacts(path.parent.name, directory=text_of(entry.get("cwdOnTaskInitialization")) or None), info


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(_kind_of, {_SESSIONS: _session_reader(), tasks.TASK: tasks.task_reader(_about_task)}),
    context_type=TaskContext,
    layouts=_LAYOUTS,
    parse=_parse,
    exported=_exported,
    typed=tasks.typed_of,
    hooks=common_hooks(
        _layout_root,
        reads_page="read `{page}` in parts of 20 lines",  # a result is cut off after 8,000 characters (3.0.65)
        answer=plain_answer,  # which the plugin puts into the system message
        forgets="exit",  # that is of one process
    ),
)
