"""Reads JSON documents that are rewritten in place, so that a read may find half of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from carryover.adapter.contract import FileStat
from carryover.agents.cline.builder import Begin, Entry, State
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, items_of
from carryover.transcript.files import read_document, stamp_of_file
from carryover.transcript.rewritten import OnlyConversation, not_whole


class Messages(OnlyConversation):
    """A document as it is now: its messages, each final, and the state after them."""

    def __init__(self, begin: Begin, messages: Sequence[bytes | msgspec.Raw], state: State) -> None:
        self._begin = begin
        self._messages = messages
        self._state = state
        self.pieces = [(str(number), digest(bytes(raw))) for number, raw in enumerate(messages)]

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the conversation, with a mark of all that is known of it. In another folder it is emitted again."""
        known = msgspec.json.encode((self._begin, self._state, self.pieces))
        return [(f"{self._begin.session} {self._begin.cwd}", digest(known))]

    def begin(self, *, on: bool, more: bool) -> bytes:
        """Returns the record before the messages."""
        return msgspec.json.encode(Entry(begin=msgspec.structs.replace(self._begin, on=on, more=more)))

    def piece(self, number: int) -> bytes:
        """Returns the record of a message."""
        return msgspec.json.encode(Entry(message=msgspec.Raw(self._messages[number])))

    def end(self, emitted: int) -> bytes:  # noqa: ARG002
        """Returns the record after the messages."""
        return msgspec.json.encode(Entry(state=self._state))


def messages_in(path: Path, stat: FileStat, below: str = "") -> tuple[Fields, list[msgspec.Raw]]:
    """Returns the fields of a document and the messages in the list `below` them; "": the document is the list.

    Raises OSError if there is none; with EAGAIN if it may still be written.
    """
    data = msgspec.Raw(read_document(path) or b"null")
    fields = fields_of(data) if below else {}
    messages = rawjson.part_of(fields.get(below, rawjson.ABSENT) if below else data, list[msgspec.Raw])
    if messages is None:
        raise not_whole(path, stat, "not a conversation")
    return fields, messages


def fields_beside(path: Path) -> Fields:
    """Returns the fields of a small document; none if it can't be read."""
    try:
        return fields_of(read_document(path))
    except OSError:
        return {}


def list_in(path: Path) -> list[msgspec.Raw]:
    """Returns the entries of a list in a document; none if it can't be read."""
    try:
        return items_of(msgspec.Raw(read_document(path) or b"[]"))
    except OSError:
        return []


def stat_of(path: Path, *beside: Path) -> FileStat:
    """Returns the size and time of a document with the files that belong to it."""
    stats = [stamp_of_file(path)]
    for other in beside:
        try:
            stats.append(stamp_of_file(other))
        except OSError:
            continue
    return FileStat(sum(stat.size for stat in stats), max(stat.mtime_ns for stat in stats))
