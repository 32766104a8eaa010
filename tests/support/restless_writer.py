"""Somebody who writes transcripts without rest, in every way that a reader must bear, and keeps a log of every line."""

import os
import random
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from support.claude_session import ClaudeSession

MARK_CHARS: Final = 12


@dataclass
class Stay:
    """How long a complete line stood on disk, in seconds of the monotonic clock; `until` is None while it does."""

    mark: str
    since: float
    until: float | None = None


@dataclass
class File:
    """A transcript as the writer believes it to be: the marks of its complete lines, and where each line ends."""

    session: ClaudeSession
    stays: list[Stay] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    torn: bool = False
    """The last line has no end, and never will have."""

    @property
    def path(self) -> Path:
        return self.session.path


class Diary:
    """What the writer knows of every line it ever completed."""

    def __init__(self) -> None:
        self._stays: list[Stay] = []
        self._lock = threading.Lock()

    def begins(self, mark: str) -> Stay:
        with self._lock:
            stay = Stay(mark, time.monotonic())
            self._stays.append(stay)
            return stay

    def ends(self, stays: Iterable[Stay]) -> None:
        """Lines are about to go."""
        with self._lock:
            now = time.monotonic()
            for stay in stays:
                stay.until = now

    def written(self) -> set[str]:
        with self._lock:
            return {stay.mark for stay in self._stays}

    def stood_through(self, since: float, until: float) -> set[str]:
        """The marks that were on disk all the time from `since` to `until`."""
        with self._lock:
            return {
                stay.mark for stay in self._stays if stay.since <= since and (stay.until is None or stay.until >= until)
            }


class RestlessWriter(threading.Thread):
    """Grows, truncates, rotates, replaces and deletes transcripts below `folder` until `finish`."""

    def __init__(self, folder: Path, projects: list[Path], *, seed: int, pause_s: float = 0.008) -> None:
        super().__init__(name="restless-writer")
        self.diary = Diary()
        self.done: dict[str, int] = {}
        self.error: BaseException | None = None
        self._folder = folder
        self._projects = projects
        self._random = random.Random(seed)
        self._pause_s = pause_s
        self._finished = threading.Event()
        self._count = 0
        self._files = [self._new_file() for _ in range(6)]

    def run(self) -> None:
        harm = [self._truncate, self._rotate, self._replace, self._remove]
        acts = [self._grow] * 100 + [self._halves] * 10 + [self._burst] + harm * 2
        try:
            while not self._finished.is_set():
                act = self._random.choice(acts)
                act(self._random.choice(self._files))
                name = act.__name__.strip("_")
                self.done[name] = self.done.get(name, 0) + 1
                time.sleep(self._random.uniform(0, 2 * self._pause_s))
        except BaseException as error:
            self.error = error
            raise

    def finish(self) -> None:
        """Let the transcripts rest; raises what went wrong while writing."""
        self._finished.set()
        if self.is_alive():
            self.join()
        if self.error is not None:
            raise self.error

    def write_history(self, lines: int) -> None:
        file = self._new_file()
        self._files.append(file)
        self._append(file, [self._line(file) for _ in range(lines)])
        os.utime(file.path, (time.time() - 3600,) * 2)
        self._files.remove(file)  # left alone from now on: nothing but the ledger tells how far it has been read

    def _new_file(self) -> File:
        return File(ClaudeSession(self._folder, self._random.choice(self._projects)))

    def _line(self, file: File) -> tuple[str, bytes]:
        """A new record and the mark that is in its text and in no other."""
        self._count += 1
        mark = f"mark{self._count:0{MARK_CHARS - 4}}"
        filler = "word " * self._random.choice((0, 5, 100, 1000))
        kind = self._random.random()
        if kind < 0.3:
            return mark, file.session.prompt_line(f"{mark} please {filler}")
        if kind < 0.6:
            return mark, file.session.answer_line(f"{mark} done {filler}")
        return mark, file.session.call_line(f"toolu_{mark}", f"echo {mark}")

    def _append(self, file: File, lines: list[tuple[str, bytes]]) -> None:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        data = b"".join(line for _, line in lines)
        before = b"\n" if file.torn else b""  # what was torn off becomes a line of garbage
        file.torn = False
        with file.path.open("ab", buffering=0) as stream:
            end = stream.tell() + len(before)
            stream.write(before + data)
        for mark, line in lines:
            end += len(line)
            file.ends.append(end)
            file.stays.append(self.diary.begins(mark))

    def _grow(self, file: File) -> None:
        self._append(file, [self._line(file) for _ in range(self._random.randint(1, 3))])

    def _burst(self, file: File) -> None:
        """More than one read of the reader takes."""
        self._append(file, [self._line(file) for _ in range(700)])

    def _halves(self, file: File) -> None:
        """A line that is complete only after a while."""
        mark, line = self._line(file)
        file.path.parent.mkdir(parents=True, exist_ok=True)
        begin = b"\n" if file.torn else b""
        file.torn = False
        cut = self._random.randrange(1, len(line))
        for part in (begin + line[:cut], line[cut:]):
            with file.path.open("ab", buffering=0) as stream:
                stream.write(part)
                end = stream.tell()
            time.sleep(self._random.uniform(0, 0.05))
        file.ends.append(end)
        file.stays.append(self.diary.begins(mark))

    def _truncate(self, file: File) -> None:
        """Cut at the end of a line or in the middle of one."""
        if not file.stays:
            return
        kept = self._random.randrange(len(file.stays))
        size = file.ends[kept - 1] if kept else 0
        into_next = self._random.choice((0, 0, 20))
        self.diary.ends(file.stays[kept:])
        os.truncate(file.path, size + into_next)
        file.torn = into_next > 0
        del file.stays[kept:], file.ends[kept:]

    def _rotate(self, file: File) -> None:
        """Move the transcript out of the way, and begin a new one under its name."""
        if not file.stays:
            return
        self.diary.ends(file.stays)
        file.path.rename(file.path.with_suffix(".jsonl.1"))
        file.stays, file.ends, file.torn = [], [], False
        self._grow(file)

    def _replace(self, file: File) -> None:
        """Put another file in the transcript's place in one step: some of its old lines, and new ones."""
        if not file.stays:
            return
        kept = self._random.randrange(len(file.stays))
        data = file.path.read_bytes()[: file.ends[kept - 1]] if kept else b""
        mark, line = self._line(file)
        fresh = file.path.with_suffix(".tmp")
        fresh.write_bytes(data + line)
        self.diary.ends(file.stays[kept:])
        fresh.replace(file.path)
        file.torn = False
        file.stays[kept:] = [self.diary.begins(mark)]
        file.ends[kept:] = [len(data) + len(line)]

    def _remove(self, file: File) -> None:
        """The client deletes a session, and another begins."""
        self.diary.ends(file.stays)
        file.path.unlink(missing_ok=True)
        self._files[self._files.index(file)] = self._new_file()
