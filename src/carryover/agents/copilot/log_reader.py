"""Reads a session's log and adds what its lines don't show: that it was replaced, and files the client keeps beside it.

`/rewind` replaces the file by one without the turns that were taken back (1.0.102). A log that is read from the start
again is therefore emitted again, and what is gone is retracted (`adapter.contract.Reemitted`). The reader announces
both in records of its own, numbered 0.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, Record
from carryover.readers.files import read_small
from carryover.readers.jsonl import JsonlReader

NOTED: Final = 0
"""The number of the records that the reader adds."""
MAX_THREADS: Final = 60

_WORKSPACE: Final = "workspace.yaml"
_WORKSPACE_BYTES: Final = 64 << 10
_BEGINS: Final = re.compile(rb'\{[^{}]{0,200}"type"\s*:\s*"session\.start"')
_SUB_AGENT: Final = re.compile(rb'"agentId"\s*:\s*"([^"\\]{1,100})"')
_SETTING: Final = re.compile(r"(name|client_name|user_named): +(.+)")
_INSIDE: Final = {"vscode-agent-host": "VS Code"}
"""Programs that run the client, by `client_name`. The terminal's is `github/cli` or missing (1.0.48)."""


class Again(msgspec.Struct, frozen=True, tag="again"):
    """Announces that the log is read again: what follows is the whole thread. `more`: another batch follows."""

    thread: str | None = None
    """The sub-agent; None: the main conversation."""
    more: bool = False


class Noted(msgspec.Struct, frozen=True, tag="noted"):
    """The contents of the files beside the log: the session's title and the program it runs in."""

    title: str = ""
    inside: str = ""
    """The program that runs the client, if that is not a terminal."""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The cursor: the lines' own cursor, the contents noted last, and the sub-agents seen."""

    lines: bytes = b""
    noted: Noted = Noted()
    threads: tuple[str, ...] = ()
    again: bool = False
    """Whether the file was replaced and has not been read to its end since."""


class LogReader(JsonlReader):
    """Reads a session's log; see `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads the records after `cursor`. Raises as `JsonlReader.read` does."""
        before = _decoded(cursor)
        batch = super().read(path, before.lines if before is not None else None)
        restarted = batch.restarted or (cursor is not None and before is None)
        before = before or Position()
        again = before.again
        if batch.restarted:
            # A file with other content, or none yet, retracts nothing.
            again = bool(batch.records) and _BEGINS.match(batch.records[0].data) is not None
        threads = _with_threads(before.threads, batch.records)
        noted = _noted(path)
        own: list[Again | Noted] = []
        if again:
            own += [Again(thread=thread, more=batch.more) for thread in (None, *threads)]
        if noted != (Noted() if restarted else before.noted):
            own.append(noted)
        after = Position(lines=batch.cursor, noted=noted, threads=threads, again=again and batch.more)
        return msgspec.structs.replace(
            batch,
            records=(*(Record(number=NOTED, data=msgspec.json.encode(note)) for note in own), *batch.records),
            cursor=msgspec.msgpack.encode(after),
            restarted=restarted,
        )

    def resumes_at(self, cursor: bytes) -> int:
        """See `JsonlReader.resumes_at`."""
        position = _decoded(cursor)
        return super().resumes_at(position.lines) if position is not None else 0


def note_of(data: bytes) -> Again | Noted | None:
    """Decodes a record that the reader added; None for any other record."""
    try:
        return msgspec.json.decode(data, type=Again | Noted)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _decoded(cursor: bytes | None) -> Position | None:
    if cursor is None:
        return None
    try:
        return msgspec.msgpack.decode(cursor, type=Position)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _with_threads(known: tuple[str, ...], records: tuple[Record, ...]) -> tuple[str, ...]:
    found = (name.decode("utf-8", "replace") for record in records for name in _SUB_AGENT.findall(record.data))
    return tuple(dict.fromkeys((*known, *found)))[-MAX_THREADS:]


def _noted(log: Path) -> Noted:
    """Returns the session's name and the program it runs in; empty if the file is missing, malformed or unfinished."""
    try:
        text = (read_small(log.with_name(_WORKSPACE), limit=_WORKSPACE_BYTES) or b"").decode("utf-8", "replace")
    except OSError:
        return Noted()
    settings = {found[1]: found[2] for line in text.splitlines() if (found := _SETTING.fullmatch(line))}
    return Noted(title=_scalar(settings.get("name", "")), inside=_INSIDE.get(settings.get("client_name", ""), ""))


def _scalar(text: str) -> str:
    """Returns a plain or quoted YAML scalar on one line; other forms are not read."""
    if text.startswith("'") and text.endswith("'") and len(text) > 1:
        return text[1:-1].replace("''", "'")
    if text.startswith('"'):
        try:
            value = json.loads(text)
        except ValueError:
            return ""
        return value if isinstance(value, str) else ""
    return "" if text[:1] in tuple("|>&*!%@`[{#") else text
