"""From a line appended to a transcript to the new handoff on the disk, with the real daemon."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .conversation import Conversation
from .corpus import append_lines, new_session_id, transcripts_of
from .floors import AppendWatch

PAUSES_S: Final = (0.6, 1.1)
"""Between two appends, by chance: each change comes after a quiet moment, at any phase of the daemon."""

BUSY_PAUSES_S: Final = (0.2, 0.5)
"""The same while a history is read, which does not take long."""

BURST_EVERY_S: Final = 0.05

LIMIT_S: Final = 30.0
POLL_S: Final = 0.001


@dataclass(slots=True)
class Latencies:
    """Seconds, one for each append: to the new handoff, and to the event of a bare watch."""

    product: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)


class LiveSession:
    """A session somebody works in now: each step is a prompt that gives a new task, which the handoff must name."""

    def __init__(self, home: Path, project: Path, seed: int) -> None:
        self._handoff = project / ".carryover" / "handoff.md"
        self.chance = random.Random(seed)
        session = new_session_id(self.chance)
        self._path = transcripts_of(home, project) / f"{session}.jsonl"
        self._talk = Conversation(self.chance, session=session, cwd=project, start_ms=0, ms_per_byte=0.001)
        self._steps = 0
        self._name = f"part-{session[:8]}"
        self._named = re.compile(rf"{self._name}-(\d+)".encode())
        self._seen: tuple[int, int] | None = None

    def step(self) -> float:
        """Append a task; seconds until the handoff that names it was there."""
        number = self._append()
        started = time.perf_counter()
        while self._newest_named() < number:
            if time.perf_counter() - started > LIMIT_S:
                raise TimeoutError(f"the handoff did not tell of an appended line within {LIMIT_S:.0f} s")
            time.sleep(POLL_S)
        return time.perf_counter() - started

    def burst(self, seconds: float) -> list[float]:
        """Append a task every 50 ms; for each, the seconds until the handoff named it or one after it."""
        appended: dict[int, float] = {}
        waited: list[float] = []
        end = due = time.perf_counter()
        end += seconds
        while appended or time.perf_counter() < end:
            now = time.perf_counter()
            if now >= due and now < end:
                appended[self._append()] = now
                due += BURST_EVERY_S
            named = self._newest_named()
            for number in [number for number in appended if number <= named]:
                waited.append(time.perf_counter() - appended.pop(number))
            if now > end + LIMIT_S:
                raise TimeoutError(f"{len(appended)} lines of a burst never came into the handoff")
            time.sleep(POLL_S)
        return waited

    def _append(self) -> int:
        self._steps += 1
        written = len(self._talk.lines)
        self._talk.go_to(int(time.time() * 1000))
        self._talk.prompt(f"Make {self._name}-{self._steps} of the export work, and nothing else.")
        append_lines(self._path, self._talk, written)
        return self._steps

    def _newest_named(self) -> int:
        """The newest task in the handoff; 0 where it was not replaced, since this is asked all the time."""
        try:
            status = os.stat(self._handoff)  # noqa: PTH116 (the cheapest look)
        except FileNotFoundError:
            return 0
        identity = (status.st_ino, status.st_mtime_ns)
        if identity == self._seen:
            return 0
        self._seen = identity
        return max((int(number) for number in self._named.findall(self._handoff.read_bytes())), default=0)


def append_while(
    session: LiveSession, watch: AppendWatch, goes_on: Callable[[Latencies], bool], pauses_s: tuple[float, float]
) -> Latencies:
    """Append a line, wait for the handoff, do the same with a bare watch, as long as `goes_on`."""
    taken = Latencies()
    while goes_on(taken):
        taken.product.append(session.step())
        time.sleep(session.chance.uniform(*pauses_s))
        taken.floor.append(watch.append())
    return taken
