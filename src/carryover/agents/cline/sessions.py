"""Reads a session: one document with all messages, beside it its manifest and the summary of its last compaction.

A fork repeats its source's messages under their ids, and so does the session in which an earlier prompt is said in
other words. What is older than the session was said in the other one, of which what came after it was taken back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import FileStat
from carryover.agents.cline.documents import Begin, State, document_of, fields_beside, list_in, messages_in
from carryover.agents.cline.tasks import About
from carryover.model import SessionInfo
from carryover.records.fields import SHORT_CHARS, bounded, utc_ms
from carryover.records.lenient import Fields, fields_of, is_true, items_of, number_of, text_of, time_of
from carryover.text.pattern import later
from carryover.transcript.files import entries_of
from carryover.transcript.rewritten import Document, SnapshotReader

DOCUMENT: Final = ".messages.json"
BESIDE: Final = (".json", ".compaction.json")
"""Endings of the files beside a session's document."""
_CALLS: Final = ("tool_use", "tool_result")
_ASK: Final = "ask_question"
_TOGETHER_MS: Final = 5_000
"""The client ends a session within this time after the one that replaces it began."""
_FOLDER: Final = later(r"^4\. Working Directory: (/.*|[A-Za-z]:\\.*)$", re.MULTILINE)
"""What the system message says, for a document without its manifest."""


def session_reader() -> SnapshotReader[Document]:
    """Returns the reader of the document of a session or of a sub-agent."""
    return SnapshotReader(_taken, beside=lambda path: (_beside(path, ending) for ending in BESIDE))


def _taken(path: Path, stat: FileStat) -> Document:
    head, messages = messages_in(path, stat, "messages")
    manifest = fields_beside(_beside(path, ".json"))
    origin = fields_of(head.get("origin"))
    metadata = fields_of(manifest.get("metadata"))
    is_main = text_of(head.get("agent")) in ("lead", "")
    began_ms = utc_ms(text_of(manifest.get("started_at"))) if is_main else 0
    own = [raw for raw in messages if not 0 < time_of(fields_of(raw).get("ts")) < began_ms]
    parent = text_of(fields_of(metadata.get("fork")).get("forkedFromSessionId"))
    ended_ms = utc_ms(text_of(manifest.get("ended_at"))) if is_main else 0
    begin = Begin(
        session=text_of(head.get("sessionId") if is_main else origin.get("parentThreadId")) or path.parent.name,
        subagent_id=None if is_main else path.name.removesuffix(DOCUMENT),
        cwd=text_of(manifest.get("cwd")) or _folder_in(text_of(head.get("system_prompt"))),
        at_ms=began_ms or utc_ms(text_of(head.get("updated_at"))),
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
    state = State(info=info if is_main else SessionInfo(), prompt=prompt if is_main and not messages else "")
    listed = _with_summary(path, own, len(messages) - len(own), began_ms)
    return document_of(begin, _without_undone(path, listed, metadata, ended_ms), state)


def _with_summary(path: Path, own: list[msgspec.Raw], copied: int, began_ms: int) -> Sequence[msgspec.Raw]:
    """Returns the messages with the compaction's summary in its place: the document stays whole."""
    compaction = fields_beside(_beside(path, ".compaction.json"))
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
        other = fields_of(fields_beside(folder / f"{name}.json").get("metadata"))
        if "fork" in other or _first_checkpoint(other) != checkpoint:
            continue
        copied = {_id(raw) for raw in items_of(fields_beside(folder / f"{name}{DOCUMENT}").get("messages"))}
        shared = (number for number, raw in enumerate(messages, start=1) if _id(raw) in copied)
        end = max(shared, default=0)
        return [*messages[:end], *filter(None, map(_what_stays_of, messages[end:]))]
    return messages


def _what_stays_of(raw: msgspec.Raw) -> msgspec.Raw | None:
    """Returns a message with its calls or results alone, and what it took; None if it has none of these."""
    fields = fields_of(raw)
    parts = [part for part in items_of(fields.get("content")) if text_of(fields_of(part).get("type")) in _CALLS]
    calls = [part for part in parts if text_of(fields_of(part).get("name")) != _ASK]
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


def _folder_in(system: str) -> str | None:
    found = _FOLDER.search(system)
    return found[1] if found is not None else None


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.parent.name}{ending}")


def about_task(path: Path) -> About:
    """Returns what is noted about the task with these messages."""
    tasks = map(fields_of, list_in(path.parent.parent.parent / "state" / "taskHistory.json"))
    entry = next((task for task in tasks if text_of(task.get("id")) == path.parent.name), {})
    history = items_of(fields_beside(path.with_name("task_metadata.json")).get("environment_history"))
    title = text_of(entry.get("task")).partition("\n")[0]
    info = SessionInfo(
        title=bounded(title, SHORT_CHARS) or None,
        agent_version=text_of(fields_of(history[-1]).get("cline_version")) or None if history else None,
        model=text_of(entry.get("modelId")) or None,
    )
    return About(info=info, cwd=text_of(entry.get("cwdOnTaskInitialization")) or None)
