"""Where the processor time of a first read goes: every thread's time by the part of the product that it ran in."""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from .corpus import Corpus
from .measure import in_own_process
from .product import read_home

EVERY_S: Final = 0.001
SWITCH_S: Final = 0.00001
"""How soon a busy thread lets the sampler run.

With more, stacks are seen mostly where a thread releases the interpreter by itself, as compression does, and the work
before that is counted there: with Python's 5 ms, redaction all but vanishes.
"""

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "redaction": ("carryover.redact",),
    "encoding and compressing what is stored": (
        *("carryover.ledger.codec", "carryover.ledger.frames"),
        "carryover.ledger.searchable",
    ),
    "fold: events into digests": ("carryover.distill",),
    "adapters: records into events": ("carryover.agents", "carryover.records", "carryover.adapter"),
    "readers: bytes into records": ("carryover.readers",),
    "database": ("carryover.ledger", "aiosqlite", "sqlite3"),
    "ingest: bounds, times, paths": ("carryover.ingest", "carryover.publish", "carryover.facts", "carryover.probe"),
    "event loop and hops between threads": ("asyncio", "concurrent", "selectors", "threading", "queue"),
}
"""Modules by part, the narrower before the wider. A helper that is in none of them counts where it was called from."""

ELSE: Final = "everything else: imports, start, end"
TOP_FUNCTIONS: Final = 12


@dataclass(frozen=True, slots=True)
class Shares:
    """Seconds of processor time by part, and by the Python function that ran or called C code."""

    parts: Mapping[str, float]
    functions: Mapping[str, float]


def time_shares(corpus: Corpus, top: Path) -> str:
    """A table of the parts' shares, and one of the functions that used most by themselves."""
    ledger = top / "profile" / "ledger.sqlite"
    ledger.parent.mkdir()
    found: Shares = in_own_process(sampled_read, ledger, corpus.home).value
    total_s = sum(found.parts.values())
    shares = "\n".join(f"| {name} | {taken:.2f} s | {taken / total_s:.0%} |" for name, taken in _largest(found.parts))
    largest = "\n".join(
        f"| `{name}` | {taken / total_s:.1%} |" for name, taken in _largest(found.functions)[:TOP_FUNCTIONS]
    )
    return (
        f"Sampled every {EVERY_S * 1000:g} ms, weighted with each thread's processor time: {total_s:.2f} s in all.\n\n"
        f"| part | processor time | share |\n|---|---|---|\n{shares}\n\n"
        f"| function, with the C code that it calls | share |\n|---|---|\n{largest}"
    )


def sampled_read(ledger: Path, home: Path) -> Shares:
    """Read the history in this process, which is the one that is sampled."""
    return sampled(lambda: read_home(ledger, home))


def sampled(work: Callable[[], Any]) -> Shares:
    """Run `work` and say where its processor time went."""
    sampler = _Sampler()
    switch_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    sampler.start()
    try:
        work()
    finally:
        sampler.stop()
        sys.setswitchinterval(switch_s)
    return Shares(dict(sampler.parts), dict(sampler.functions))


def part_of(modules: Iterator[str]) -> str:
    """The part that a stack belongs to, given its modules from the innermost frame outward."""
    for module in modules:
        for part, prefixes in PARTS.items():
            if any(module == prefix or module.startswith(f"{prefix}.") for prefix in prefixes):
                return part
    return ELSE


class _Sampler:
    """Takes the stacks of all threads at short intervals; each counts the time its thread ran since the last one.

    So a thread that waits counts nothing, and what counts does not depend on how often the sampler gets its turn.
    """

    def __init__(self) -> None:
        self.parts: defaultdict[str, float] = defaultdict(float)
        self.functions: defaultdict[str, float] = defaultdict(float)
        self._used: dict[int, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._take()
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        self._take()

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            self._take()

    def _take(self) -> None:
        own, is_first = self._thread.ident, not self._used
        for ident, frame in sys._current_frames().items():
            if ident == own:
                continue
            used_s = _used_s(ident)
            if used_s is None:
                continue
            # A thread that was not seen before began after the last sample, but for those before the first one.
            ran_s = used_s - self._used.get(ident, used_s if is_first else 0.0)
            self._used[ident] = used_s
            if ran_s > 0:
                self.parts[part_of(_modules(frame))] += ran_s
                self.functions[_name(frame)] += ran_s


def _largest(shares: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(shares.items(), key=lambda item: -item[1])


def _used_s(thread: int) -> float | None:
    """Processor time of a thread, None where it has just ended."""
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread))
    except OSError:
        return None


def _modules(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        yield str(frame.f_globals.get("__name__", ""))
        frame = frame.f_back


def _name(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"
