"""What documents share that are read as a whole, a record per turn or step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import ClassVar, Final, TypeVar

import msgspec

from carryover.adapter.contract import Batch, FileStat, Parsed, Record
from carryover.importing.candidate import plain_text
from carryover.model import AnyBody, FileEdit
from carryover.records.fields import is_absolute, is_below, resolved
from carryover.records.text import names_handoff_file
from carryover.transcript.files import read_small, stamp_of_file
from carryover.transcript.recorder import OneSession, SessionContext, differing

MAX_BYTES: Final = 32 << 20
"""A longer document is counted and skipped, since turns can only be found with the whole document in memory."""
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
TURNS_AT_ONCE: Final = 2000
BYTES_AT_ONCE: Final = 1 << 20
"""Turns are stored in batches of so many or so long, each with its own commit. Keys are hashes, so that each commit
writes to pages all over the ledger's indexes: many small ones write the more, the larger the ledger is."""


class TurnContext(SessionContext, frozen=True, omit_defaults=True):
    """The parser's state between two turns of a document; turns without a time inherit the last one."""

    turns: int = 0
    name: str = ""
    """The last tool called, until something is said."""
    command: bool = False
    """Whether the last turn was a slash command of the user's."""


_C = TypeVar("_C", bound=SessionContext)


@dataclass(slots=True, kw_only=True)
class TurnEvents(OneSession[_C]):
    """Adds the events of one turn, also without a time. Keys count turns and parts, so a longer export of a session
    adds to it."""

    applied: ClassVar = ("ok", "unknown")

    def add(self, body: AnyBody, key: str, mark: str = "") -> None:  # noqa: ARG002 (a turn is never written again)
        if not isinstance(body, FileEdit) or not names_handoff_file(body.path):
            self.append(f"{self.prefix}{key}", body, session=self.session, cwd=self.cwd, subagent_id=self.subagent_id)

    def finish(self, info: str = "") -> tuple[_C, Parsed]:
        """Returns the result for the turn. What is new about the session precedes its events, with the part `info` in
        its key; without one, the key is made of what is new and when."""
        facts, emitted = self.context.facts, self.context.emitted
        if self.events and self.subagent_id is None and facts != emitted:
            self.put_info_first(self.session, self.cwd, differing(facts, emitted))
            if info:
                self.events[0] = msgspec.structs.replace(self.events[0], key=f"{self.prefix}{info}")
            self.change(emitted=facts)
        return self.context, self.built()


def by_turn(starts: Callable[[Sequence[str]], list[int]], data: bytes) -> list[Record]:
    """Splits a document into records, numbered by their last lines; `starts` finds the lines at which turns begin."""
    lines = plain_text(data).split("\n")
    found = []
    for start, end in pairwise(sorted({0, *starts(lines), len(lines)})):
        last = next((at for at in range(end - 1, start - 1, -1) if lines[at].strip()), None)
        if last is not None:
            text = "\n".join(lines[start : last + 1]) + "\n" * (last + 1 < len(lines))
            found.append(Record(number=last + 1, data=text.encode()))
    return found


class Fences:
    """Tracks the open fenced blocks, line by line.

    SpecStory put three backquotes around any text until, in 2026, it began to use more if the text has three. So a
    fence with a language opens a block even within another one, and a bare fence closes the innermost.
    """

    def __init__(self) -> None:
        self._open: list[str] = []

    def __len__(self) -> int:
        return len(self._open)

    def pass_line(self, line: str) -> None:
        """Processes one line."""
        found = _FENCE.match(line)
        if found is None or "`" in line[found.end() :]:
            return
        fence = found[1]
        language = line[found.end() :].strip()
        if self._open and (len(self._open[0]) > len(fence) or self._open[0][:1] != fence[:1]):
            return
        if self._open and not language:
            self._open.pop()
        elif len(self._open) < 2 or len(self._open[0]) == 3:
            self._open.append(fence)


class TurnReader:
    """Reads the records of a document, which must be read whole. `split` finds them; a cursor counts those returned.

    Documents are always imported from their beginning, and one that grows meanwhile keeps its turns and gets more.
    """

    def __init__(self, split: Callable[[bytes], list[Record]]) -> None:
        self._split = split
        self._known: tuple[tuple[Path, FileStat], list[Record] | None] | None = None
        """All records of a file, for the next read; None if it is too long."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Returns the next turns, at most 2,000 and about 1 MiB of them.

        Raises FileNotFoundError and OSError as `read_small` does.
        """
        status = stamp_of_file(path)
        if self._known is None or self._known[0] != (path, status):
            data = read_small(path, limit=MAX_BYTES)
            self._known = (path, status), None if data is None else self._split(data)
        turns = self._known[1]
        begin = int(cursor or 0)
        if turns is None:
            return Batch(records=(), cursor=b"%d" % begin, oversized=cursor is None)
        records = tuple(_of_a_batch(turns[begin : begin + TURNS_AT_ONCE]))
        after = begin + len(records)
        return Batch(records=records, cursor=b"%d" % after, more=after < len(turns))

    def stat(self, path: Path) -> FileStat:
        """Returns size and time of the file."""
        return stamp_of_file(path)


def _of_a_batch(turns: Sequence[Record]) -> Iterator[Record]:
    size = 0
    for turn in turns:
        yield turn
        size += len(turn.data)
        if size >= BYTES_AT_ONCE:
            return


def former_root(recorded: str, folder: str) -> str | None:
    """Returns the path that `folder` had when `recorded` was written: the nearest folder of its name at or above
    `recorded`."""
    path = PurePosixPath(_with_slashes(recorded))
    name = PurePosixPath(folder).name
    return next((str(place) for place in (path, *path.parents) if name and place.name == name), None)


def into_folder(path: str, former: str, folder: str) -> str:
    """Returns `path` with `former` replaced by `folder`; any other path unchanged. Windows paths work too."""
    plain = _with_slashes(path)
    former = _with_slashes(former).rstrip("/")
    return f"{folder}{plain[len(former) :]}" if is_below(plain, former) else path


def absolute_path(path: str, folder: str | None) -> str | None:
    """Returns the absolute path that a document about the project in `folder` means; None if it can't be known."""
    if not is_absolute(path):
        return resolved(path, folder)
    clean = resolved(path, None)
    if clean is None or folder is None or is_below(clean, folder):
        return clean
    former = former_root(clean, folder)
    return into_folder(clean, former, folder) if former is not None else clean


def _with_slashes(path: str) -> str:
    return path if path.startswith("/") else path.replace("\\", "/")
