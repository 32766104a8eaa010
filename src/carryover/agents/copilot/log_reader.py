"""Reads a session's log and adds what its lines don't show: that it was replaced, and the session's title.

`/rewind` replaces the file by one without the retracted turns (1.0.102). A log that is read from the start again is
therefore emitted again, and what is gone is retracted (`adapter.contract.Reemitted`). The reader announces both in
records of its own, numbered 0.
"""

from __future__ import annotations

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
_NAME: Final = re.compile(rb"^name:(.*(?:\n(?:[ \t].*)?)*)", re.MULTILINE)
_YAML_NULLS: Final = ("null", "~")
_SUB_AGENT: Final = re.compile(rb'"agentId"\s*:\s*"([^"\\]{1,100})"')


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record that the reader adds: the session's title or, without one, that a thread is read again from its
    start."""

    title: str | None = None
    thread: str | None = None
    """The sub-agent; None: the main conversation."""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The cursor: the lines' own cursor, the title noted last, and the sub-agents seen."""

    lines: bytes = b""
    title: str = ""
    threads: tuple[str, ...] = ()


class LogReader(JsonlReader):
    """Reads a session's log; see `carryover.adapter.contract.Reader`."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads the records after `cursor`; all of them if the log was replaced. Raises as `JsonlReader.read` does."""
        before = _decoded(cursor)
        batch = super().read(path, None if cursor is None else before.lines)
        # A file with other content, or none yet, retracts nothing.
        again = batch.restarted and bool(batch.records) and _BEGINS.match(batch.records[0].data) is not None
        while again and batch.more:
            rest = super().read(path, batch.cursor)
            if rest.restarted:  # replaced once more
                return self.read(path, cursor)
            both = batch.oversized + rest.oversized
            batch = msgspec.structs.replace(rest, records=(*batch.records, *rest.records), oversized=both)
        threads = _with_threads(before.threads, batch.records)
        title = _title(path)
        own = [Note(thread=thread) for thread in (None, *threads)] if again else []
        if title != ("" if batch.restarted else before.title):
            own.append(Note(title=title))
        return msgspec.structs.replace(
            batch,
            records=(*(Record(number=NOTED, data=msgspec.json.encode(note)) for note in own), *batch.records),
            cursor=msgspec.msgpack.encode(Position(lines=batch.cursor, title=title, threads=threads)),
        )

    def resumes_at(self, cursor: bytes) -> int:
        """See `JsonlReader.resumes_at`."""
        return super().resumes_at(_decoded(cursor).lines)


def _decoded(cursor: bytes | None) -> Position:
    try:
        return msgspec.msgpack.decode(cursor or b"", type=Position)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Position()


def _with_threads(known: tuple[str, ...], records: tuple[Record, ...]) -> tuple[str, ...]:
    found = (name.decode("utf-8", "replace") for record in records for name in _SUB_AGENT.findall(record.data))
    return tuple(dict.fromkeys((*known, *found)))[-MAX_THREADS:]


def _title(log: Path) -> str:
    """Returns the session's title, `name` in workspace.yaml; empty without one, or if the file can't be read."""
    import yaml

    try:
        found = _NAME.search(read_small(log.with_name(_WORKSPACE), limit=_WORKSPACE_BYTES) or b"")
        # Without types, since a prompt like `yes` or `2026-11-20` is a name too.
        name = yaml.load(found[1], yaml.BaseLoader) if found else ""
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return ""
    return name if isinstance(name, str) and name not in _YAML_NULLS else ""
