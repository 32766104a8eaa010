"""What documents share that are read as a whole, a record per turn or step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import ClassVar, Final, TypeVar

from carryover.adapter.contract import FileStat, Parsed, Record
from carryover.importing.candidate import plain_text
from carryover.records.fields import is_absolute, is_below, resolved, with_drive
from carryover.text.pattern import later
from carryover.transcript.files import read_document
from carryover.transcript.recorder import OneSession, SessionContext
from carryover.transcript.rewritten import Document, SnapshotReader

_FENCE: Final = later(r" {0,3}(?:Input \(truncated\): )?(`{3,}|~{3,})")
"""A fence. In SpecStory's documents of Codex (July 2026), that of a script has a label before it."""


_C = TypeVar("_C", bound=SessionContext)


class TurnEvents(OneSession[_C], kw_only=True):
    """Adds the events of one turn, also without a time. Keys count turns and parts, so a longer export of a session
    adds to it."""

    applied: ClassVar = ("ok", "unknown")
    timeless: ClassVar = True

    def finish(self, info: str = "") -> tuple[_C, Parsed]:
        """Returns the result for the turn. What is new about the session precedes its events, with the part `info` in
        its key; without one, the key is made of what is new and when."""
        if self.events and self.subagent_id is None:
            self.put_news_first(self.session, self.cwd, info and f"{self.prefix}{info}")
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


def open_blocks(lines: Sequence[str]) -> list[int]:
    """Returns how many fenced blocks are open after each line.

    >>> open_blocks(["```py", "```js", "```sh", "```"]), open_blocks(["````py", "````js", "````sh"])
    ([1, 2, 3, 2], [1, 2, 2])
    """
    fences = Fences()
    depths = []
    for line in lines:
        fences.pass_line(line)
        depths.append(len(fences))
    return depths


def turn_reader(split: Callable[[bytes], list[Record]]) -> SnapshotReader:
    """Returns the reader of a document that must be read whole, in which `split` finds the records.

    Documents are always imported from their beginning, and one that grows meanwhile keeps its turns and gets more.
    """

    def taken(path: Path, _stat: FileStat) -> Document:
        turns = split(read_document(path))
        return Document("document", [b"%d\n%s" % (turn.number, turn.data) for turn in turns], lambda _on, _more: None)

    return SnapshotReader(taken, unpacked=_numbered)


def _numbered(packed: Record) -> list[Record]:
    number, _, data = packed.data.partition(b"\n")
    return [Record(number=int(number), data=data)]


def former_root(recorded: str, folder: str) -> str | None:
    """Returns the path that `folder` had when `recorded` was written: the nearest folder of its name at or above
    `recorded`."""
    path = PurePosixPath(_with_slashes(recorded))
    name = PurePosixPath(folder).name
    return next((str(place) for place in (path, *path.parents) if name and place.name == name), None)


def into_folder(path: str, former: str, folder: str) -> str:
    """Returns `path` with `former` replaced by `folder`; any other path unchanged. Windows paths work too."""
    plain = with_drive(_with_slashes(path))
    former = with_drive(_with_slashes(former)).rstrip("/")
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
