"""Reads what `hermes sessions export` writes, only if a user names it: a line for each session with its row of the
database and those of its messages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import FileStat
from carryover.agents.hermes.database import PARTS, SUMMARIES, MessageRow, Row, us_of, without_copies
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, items_of, number_of, read_as, text_of
from carryover.text.pattern import later
from carryover.transcript.rewritten import Document, complete_lines, not_whole, stored_session
from carryover.transcript.stored import StoredFacts, entry_of

EXPORT: Final = ".jsonl"
_EXPORT_BEGINS: Final = later(rb'\{"id": "[\w-]{1,100}", "source": "[\w-]{1,40}", "user_id": ')


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
        return entry_of(session, _row(at_us, given), at_us // 1000)

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


def _row(at_us: int, message: Fields) -> MessageRow:
    content = message.get("content", rawjson.ABSENT)
    text = f"{PARTS}{bytes(content).decode(errors='replace')}" if items_of(content) else text_of(content)
    return MessageRow(
        role=text_of(message.get("role")),
        at_us=at_us,
        content=text,
        calls=message.get("tool_calls", rawjson.ABSENT),
        call_id=text_of(message.get("tool_call_id")),
        tool=text_of(message.get("tool_name")),
        finish=text_of(message.get("finish_reason")),
    )
