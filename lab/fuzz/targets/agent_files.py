"""A file in the place of a transcript or a store: it is read, or an OSError says why not; twice the same, to an end.

What was read is not read again, and a file of lines that comes in two parts says the same as one that comes at once.
It is a target for the reader of each agent (`PER_AGENT` in `fuzz.target`).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Record
from contract.case import Case, Recording
from fuzz.bytes import chosen
from fuzz.targets.agent_records import cases

LARGEST: Final = 100_000
MOST_BATCHES: Final = 500
_LONG_AGO_S: Final = 1_700_000_000
_DATABASE: Final = b"SQLite format 3\0"


@cache
def kinds(agent_id: str) -> tuple[tuple[Agent, Case, Recording], ...]:
    """Returns a recording of each kind of file that a source of the agent can be."""
    found: dict[tuple[int, str], tuple[Agent, Case, Recording]] = {}
    for number, (agent, case, _) in enumerate(cases()):
        for recording in case.recordings if agent.id == agent_id else ():
            found.setdefault((number, recording.path.suffix), (agent, case, recording))
    return tuple(found.values())


def check(agent_id: str, data: bytes, folder: Path) -> None:
    number, rest = chosen(data, range(len(kinds(agent_id))))
    cut, content = chosen(rest, range(256))
    agent, case, recording = kinds(agent_id)[number]
    path = _copied(recording, folder / str(number))
    _write(path, content)
    try:
        records, cursor = _read(agent, path, None)
    except OSError:
        return
    assert _read(agent, path, None) == (records, cursor)
    again, _ = _read(agent, path, cursor)
    assert not case.grows_by_lines or again == []
    if case.grown:
        _check_in_two_parts(agent, path, content, len(content) * cut // 256, records)


def _check_in_two_parts(agent: Agent, path: Path, content: bytes, at: int, whole: list[Record]) -> None:
    if content[:at].decode(errors="replace").rstrip().endswith("}") and content[at : at + 1] != b"\n":
        return  # a whole object at the end of a file at rest is taken before its newline, which clients write next
    _write(path, content[:at])
    first, cursor = _read(agent, path, None)
    with path.open("ab") as file:
        file.write(content[at:])
    os.utime(path, (_LONG_AGO_S, _LONG_AGO_S))
    second, _ = _read(agent, path, cursor)
    assert second == whole or [*first, *second] == whole


def _read(agent: Agent, path: Path, cursor: bytes | None) -> tuple[list[Record], bytes | None]:
    records: list[Record] = []
    for _ in range(MOST_BATCHES):
        batch = agent.reader.read(path, cursor)
        records += (record for record in batch.records if record.number)  # 0: what the reader says itself, each time
        cursor = batch.cursor
        if not batch.more:
            return records, cursor
    raise AssertionError("the reader comes to no end")


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    os.utime(path, (_LONG_AGO_S, _LONG_AGO_S))  # what was written just now may not be complete


def _copied(recording: Recording, folder: Path) -> Path:
    if not folder.exists():
        shutil.copytree(recording.root, folder, symlinks=True)
    return folder / recording.path.relative_to(recording.root)


def seeds(agent_id: str) -> Iterable[bytes]:
    for number, (_, case, kind) in enumerate(kinds(agent_id)):
        alike = [recording.path for recording in case.recordings if recording.path.suffix == kind.path.suffix]
        for path in alike[:4]:
            content = path.read_bytes()
            small = _small_pages(content) if content.startswith(_DATABASE) else content
            yield bytes([number, 100]) + small[: LARGEST - 2]  # a reader is given what is cut off, too


def _small_pages(database: bytes) -> bytes:
    """Returns the same database in a smaller file: a page of 4 KiB is often empty."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "db")
        path.write_bytes(database)
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            for statement in ("PRAGMA journal_mode = delete", "PRAGMA page_size = 512", "VACUUM"):
                db.execute(statement)
        return path.read_bytes()
