"""Cursor: an editor and a terminal client. FACTS.md has what their conversations look like.

There are three stores, each recognised by its location alone. editor: the editor's global database. chat: a
conversation of the terminal client. transcript: lines that either of them writes in addition. A conversation has the
same id in every store and may be in several: FACTS.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter import layouts
from carryover.adapter.contract import Agent, HookEvent, HookProtocol, Parsed, QuotedText, Record, Source
from carryover.adapter.layouts import Layout
from carryover.agents.cursor import SPEC, chats
from carryover.agents.cursor.calls import TOOLS, CursorContext, CursorRecorder, StoreRecord, outcome_in
from carryover.agents.cursor.editor import editor_reader, parse_bubble, parse_state
from carryover.model import AnyBody, Skipped, UserPrompt
from carryover.records import rawjson
from carryover.records.fields import MAX_NAME_CHARS, session_of_copy
from carryover.records.lenient import Fields, first_text, is_true, text_of
from carryover.records.rawjson import objects_in
from carryover.transcript.by_kind import ReaderByKind
from carryover.transcript.files import SQLITE, read_head
from carryover.transcript.hooks import ACTIONS, own_hooks, root_above, skipped_hook
from carryover.transcript.sqlite import table_names
from carryover.transcript.stored import parse_stored

_ID: Final = r"[\w-]{1,100}"
_CHAT: Final = rf"[^/]+/(?P<session>{_ID})/store\.db"
_COPIED: Final = f"(?P<group>{chats.COPY_GROUP})/"
_IN_GROUP: Final = r"(?P<group>[^/]+)/"
_TRANSCRIPT: Final = rf"agent-transcripts/(?P<session>{_ID})(?:/(?P=session)|/subagents/(?P<subagent_id>{_ID}))?\.jsonl"
_TRANSCRIPTS: Final = tuple(f"*/agent-transcripts/{below}.jsonl" for below in ("*", "*/*", "*/subagents/*"))
# Databases have results, times and ids; transcripts have no results and no times.
_LAYOUTS: Final = (
    Layout(kind="editor", root="globalStorage", globs=("state.vscdb",), pattern=r"state\.vscdb", rank=3),
    Layout(kind="chat", root="chats", globs=("*/*/store.db",), pattern=_CHAT, rank=2),
    # A transcript is `<id>/<id>.jsonl`, `<id>/subagents/<child>.jsonl`, or the older `<id>.jsonl`, below its project's
    # slug. That is not reversible, so it groups files and never names a project.
    Layout(kind="transcript", root="projects", globs=(), pattern=f"{_COPIED}{_TRANSCRIPT}", rank=-1),
    Layout(kind="transcript", root="projects", globs=_TRANSCRIPTS, pattern=rf"{_IN_GROUP}{_TRANSCRIPT}", rank=1),
)
_HEAD_BYTES: Final = 64 << 10
_OF_DATABASE: Final = b'{"kind":'
"""The beginning of each record that a database's reader makes."""
_RECORD: Final = msgspec.json.Decoder(StoreRecord)


kind_of_store: Final = partial(layouts.kind_of, _LAYOUTS)


def _kind_to_read(path: Path) -> str | None:
    """Returns the kind to read `path` as: by location, or by content for a copy elsewhere."""
    return kind_of_store(path) or _kind_in(path, read_head(path, _HEAD_BYTES))


def exported_copy(path: Path, head: bytes) -> Source | None:
    """Returns the source in a file anywhere on disk.

    It may be a transcript, whose name is its session, a database of the editor, or one of the terminal client with the
    folders around it.
    """
    in_place = next(filter(None, (layouts.source_at(SPEC.id, _LAYOUTS, path, root) for root in path.parents)), None)
    if kind_of_store(path) == "chat":
        return in_place if head.startswith(SQLITE) else None
    match _kind_in(path, head):
        case "editor":
            return Source(agent=SPEC.id, path=str(path), rank=3)
        case "transcript" if session := session_of_copy(path.stem, head):
            return in_place or Source(agent=SPEC.id, path=str(path), session=session, rank=1)
    return None


def _kind_in(path: Path, head: bytes) -> str | None:
    """Returns the kind of a copy by its content. Prompts in a transcript are between tags that no other agent uses."""
    if head.startswith(SQLITE):
        return "editor" if "cursorDiskKV" in table_names(path) else None
    first = next(objects_in(head, most=1), {})
    is_prompt = first.get("role") == "user" and isinstance(first.get("message"), dict)
    return "transcript" if path.suffix == ".jsonl" and is_prompt and b"<user_query>" in head else None


_layout_root: Final = partial(root_above, layouts=_LAYOUTS)


def _read(event: str, given: Fields, session: str) -> HookEvent | Skipped:
    """Reads a payload, as reports and the vendor's pages describe it (editor 3.12.17, `cursor-agent` 2026.07.17 and
    2026.09.10).

    There is no working folder: the user's own hooks run in `~/.cursor`, so the workspace identifies the project; an
    empty window has none. Nothing else is read, since payloads also hold the user's mail address.
    """
    folder = next(iter(rawjson.part_of(given.get("workspace_roots"), list[str]) or ()), None)
    if folder is not None and not folder.startswith("/"):
        return skipped_hook(event, "a workspace that is no folder of this system")
    action = ACTIONS.get(event, "hint")
    if action == "session_start" and is_true(given.get("is_background_agent")):
        action = "hint"  # it has its task already, and works on a copy of the project
    path = text_of(given.get("transcript_path"))  # null at least when a session of `cursor-agent` starts
    transcript = path if _layout_root(Path(path)) is not None else None  # the session's id is enough
    return HookEvent(
        action=action,
        session=session,
        cwd=folder,
        transcript=transcript,
        reason="startup" if action == "session_start" else None,
    )


def _own_session(given: Fields, event: str) -> str | None:
    is_own = bool(text_of(given.get("cursor_version"))) and text_of(given.get("hook_event_name")).lower() == event
    # Events that begin and end a session have the conversation's id under the second name.
    return first_text(given, "conversation_id", "session_id") if is_own else None


def _answer(text: str) -> bytes:
    return msgspec.json.encode({"additional_context": text.encode("utf-8", "replace").decode()})


HOOKS: Final = HookProtocol(read=own_hooks(_own_session, _read), answer=_answer, layout_root=_layout_root)


def parse(source: Source, context: CursorContext, record: Record) -> tuple[CursorContext, Parsed]:
    """Parses one record of any store. Never raises: what is not understood is counted in `skipped`."""
    if not record.data.startswith(_OF_DATABASE) or kind_of_store(source.path) == "transcript":
        return chats.parse_chat_line(source, context, record)
    return parse_stored(_RECORD, CursorRecorder, _piece, source, context, record)


def _piece(recorder: CursorRecorder, record: StoreRecord) -> None:
    ident, talk = recorder.native.id, recorder.context.talk
    recorder.prefix = f"{ident}:"
    if record.why:
        recorder.skip(record.what, record.why)
        return
    if record.message is not None:
        recorder.prefix = f"{ident}/{record.id[:MAX_NAME_CHARS]}:"
        noted_ms = (record.noted_ms if recorder.reported.last else 0) or record.at_ms or record.noted_ms
        chats.parse_message(recorder, text_of(record.message.get("role")), record.message.get("content"), noted_ms)
        return
    recorder.at_ms = record.at_ms or recorder.reported.last_ms or talk.last_ms
    if recorder.at_ms:  # 0: nothing was said yet
        recorder.report(last_ms=recorder.at_ms)
        handle = parse_state if record.kind == "session" else parse_bubble
        handle(recorder, record)


def _read_prompt(text: str, _after: str) -> tuple[AnyBody, ...]:
    """Returns the events of a user's turn that another program copied."""
    # Words that begin with no tag may merely speak of one.
    words, pressed = chats.without_button(chats.typed_query(text).text if text.lstrip().startswith("<") else text)
    return (UserPrompt(text=words, actor="model" if pressed else "human"),) if words else ()


def _typed_of(messages: Sequence[Sequence[str]]) -> list[str]:
    """Returns what the user typed in each message, as the contract's `typed`: the first transcripts were texts."""
    texts = ["\n".join(parts).strip() for parts in messages]
    if not any(text.startswith("<user_query>") for text in texts):
        return []
    return [chats.typed_query(text).text if text.startswith("[Image]\n") else text for text in texts]


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(
        _kind_to_read,
        {
            "editor": editor_reader(),
            "chat": chats.chat_reader(),
            "transcript": chats.lines_reader(),
        },
    ),
    context_type=CursorContext,
    layouts=_LAYOUTS,
    parse=parse,
    hooks=HOOKS,
    exported=exported_copy,
    quoted=QuotedText(prompt=_read_prompt, outcome=outcome_in, op=TOOLS.known, about=TOOLS.about),
    typed=_typed_of,
)
