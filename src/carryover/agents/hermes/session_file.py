"""Reads what the client writes of sessions beside its database, only if a user names it: `sessions/session_<id>.json`,
with the messages as they were sent to the model, without times, and what `hermes sessions export` writes, a line for
each session with its row of the database and those of its messages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import FileStat
from carryover.agents.hermes.database import INTERRUPTED, PARTS, SUMMARIES, MessageRow, Row, us_of, without_copies
from carryover.records import rawjson
from carryover.records.fields import local_ms
from carryover.records.lenient import Fields, fields_of, items_of, number_of, read_as, text_of, time_of
from carryover.text.pattern import later
from carryover.transcript.files import read_document
from carryover.transcript.rewritten import Document, complete_lines, not_whole, stored_session
from carryover.transcript.stored import StoredFacts, entry_of

SESSION_FILE: Final = ".json"
EXPORT: Final = ".jsonl"
_REVIEW: Final = later(r"Review the conversation above and (?:consider (?:saving|two things)|update the skill library)")
"""How the client asks, in the user's role, for a background review, which comes after the session's messages."""
_BEFORE_PROMPT: Final = (b'"base_url"', b'"platform"', b'"session_start"', b'"last_updated"')
_BEGINS: Final = later(rb'\s*\{\s*"session_id":\s*"[\w-]{1,100}",\s*"model":')
_EXPORT_BEGINS: Final = later(rb'\{"id": "[\w-]{1,100}", "source": "[\w-]{1,40}", "user_id": ')


def is_session_file(path: Path, head: bytes) -> bool:
    """Whether a file begins as such a document does. Its messages may begin beyond `head`: the system prompt and all
    tools come before them."""
    first, is_long, _ = head.partition(b'"system_prompt"')
    is_own = path.suffix == SESSION_FILE and bool(is_long) and _BEGINS.match(first) is not None
    return is_own and all(name in first for name in _BEFORE_PROMPT)


def read_session_file(path: Path, stat: FileStat) -> Document:
    """Returns the session in such a document. Blocking. Raises if the file holds no session."""
    whole = fields_of(read_document(path))
    messages = _before_review(items_of(whole.get("messages")))
    session = StoredFacts(id=text_of(whole.get("session_id")), model=text_of(whole.get("model"))[:200] or None)
    if not session.id or not messages:
        raise not_whole(path, stat, "not a session")
    started_ms, ended_ms = (local_ms(text_of(whole.get(name))) for name in ("session_start", "last_updated"))
    begins_us = time_of(whole.get("session_start")) * 1000  # the same in each zone, as keys of events are made of it

    def record(number: int, message: msgspec.Raw) -> bytes:
        # The first message came when the session began, and the last ones before the file was last written.
        at_ms = max(started_ms, ended_ms - (len(messages) - number)) if number else started_ms
        return entry_of(session, _row(begins_us + number, fields_of(message)), at_ms)

    return stored_session(session, messages, record)


class _Export:
    """The sessions in an export; see `carryover.transcript.rewritten.Snapshot`."""

    def __init__(self, documents: list[Document]) -> None:
        self._documents = {document.ident: document for document in documents}

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the sessions in the order of the file, which begins with the newest."""
        return [listed for document in self._documents.values() for listed in document.conversations()]

    def conversation(self, ident: str, notes: dict[str, str]) -> Document:  # noqa: ARG002
        """Returns a session."""
        return self._documents[ident]


def is_export(path: Path, head: bytes) -> bool:
    """Whether a file begins as an export does."""
    return path.suffix == EXPORT and _EXPORT_BEGINS.match(head) is not None


def read_export(path: Path, stat: FileStat) -> _Export:
    """Returns the sessions in an export. Blocking. Raises if the file holds no session."""
    documents = [_exported(fields_of(line)) for line in complete_lines(path)]
    if not any(document.ident for document in documents):
        raise not_whole(path, stat, "not an export of sessions")
    return _Export([document for document in documents if document.ident])


def _exported(whole: Fields) -> Document:
    parent = text_of(whole.get("parent_session_id")) or None
    is_subagent = text_of(whole.get("source")) == "subagent"
    session = StoredFacts(
        id=text_of(whole.get("id")),
        root=parent if is_subagent else None,
        forked_from=None if is_subagent else parent,
        directory=text_of(whole.get("cwd")) or None,
        title=text_of(whole.get("title"))[:1000] or None,
        model=text_of(whole.get("model"))[:200] or None,
    )

    def record(_number: int, message: msgspec.Raw) -> bytes:
        given = fields_of(message)
        at_us = us_of(read_as(given.get("timestamp"), float))
        row = msgspec.structs.replace(_row(at_us, given), finish=text_of(given.get("finish_reason")))
        return entry_of(session, row, at_us // 1000)

    return stored_session(session, _kept(items_of(whole.get("messages"))), record)


def _kept(messages: list[msgspec.Raw]) -> list[msgspec.Raw]:
    """Returns the messages that the database's reader would give: none that the user took back, each only once."""
    rows = [_listed(number, fields_of(message)) for number, message in enumerate(messages)]
    return [messages[row.id] for row in without_copies(rows)]


def _listed(number: int, given: Fields) -> Row:
    role, at_us = text_of(given.get("role")), us_of(read_as(given.get("timestamp"), float))
    return Row(
        id=number,
        at_us=at_us,
        place=(role, at_us),
        same=(),
        active=number_of(given.get("active")) != 0,
        compacted=bool(number_of(given.get("compacted"))),
        sums_up=role != "tool" and any(mark in text_of(given.get("content")) for mark in SUMMARIES),
    )


def _before_review(messages: list[msgspec.Raw]) -> list[msgspec.Raw]:
    listed = map(fields_of, messages)
    asked = (number for number, one in enumerate(listed) if _REVIEW.match(text_of(one.get("content"))))
    return messages[: next(asked, len(messages))]


def _row(at_us: int, message: Fields) -> MessageRow:
    content = message.get("content", rawjson.ABSENT)
    text = f"{PARTS}{bytes(content).decode(errors='replace')}" if items_of(content) else text_of(content)
    # Messages of April 2026 may lack the `finish_reason` that the database has.
    finish = text_of(message.get("finish_reason")) or ("" if text.startswith(INTERRUPTED) else "stop")
    return MessageRow(
        role=text_of(message.get("role")),
        at_us=at_us,
        content=text,
        calls=message.get("tool_calls", rawjson.ABSENT),
        call_id=text_of(message.get("tool_call_id")),
        tool=text_of(message.get("tool_name")),
        finish=finish,
    )
