"""Memory and processor time of a process together with every process below it, as these come and go."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

EVERY_S: Final = 0.1


def processes_of(pid: int) -> list[int]:
    """The process and all below it. Only itself where there is no /proc."""
    found = [pid]
    for each in found:
        for task in _tasks(each):
            found += [int(child) for child in _read(task / "children").split()]
    return found


def memory_of(pid: int) -> int | None:
    """Bytes of the whole tree, of what several processes share a part each (PSS). None where /proc does not say."""
    return _memory(processes_of(pid))


def processor_s(pid: int) -> float | None:
    """Seconds that the tree has used, with the processes that have ended in it. None where there is no /proc."""
    fields = [found.rpartition(")")[2].split() for each in processes_of(pid) if (found := _read(_proc(each) / "stat"))]
    if not fields:
        return None
    return sum(int(tick) for each in fields for tick in each[11:15]) / os.sysconf("SC_CLK_TCK")


class TreeWatch:
    """Takes the memory of a tree of processes again and again while the block lasts.

    `peak_bytes`: the most it had at once, None where that cannot be known. A process counts from the second time on
    that it is seen: what git takes for a moment is not what is asked for here.
    """

    def __init__(self, pid: int, every_s: float = EVERY_S) -> None:
        self.peak_bytes: int | None = None
        self._pid = pid
        self._every_s = every_s
        self._before = {pid}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def take(self) -> None:
        """Take the memory once, as the block does by itself again and again."""
        found = set(processes_of(self._pid))
        size = _memory(found & self._before)
        if size is not None:
            self.peak_bytes = max(self.peak_bytes or 0, size)
        self._before = {self._pid, *found}

    def _watch(self) -> None:
        while not self._ended.wait(self._every_s):
            self.take()


def _memory(pids: Iterable[int]) -> int | None:
    """The sum of what each memory takes: until it runs another program, a new process may be in that of its parent."""
    sizes = dict(found for each in pids if (found := _pss(each)) is not None)
    return sum(sizes.values()) if sizes else None


def _proc(pid: int) -> Path:
    return Path(f"/proc/{pid}")


def _tasks(pid: int) -> list[Path]:
    try:
        return list((_proc(pid) / "task").iterdir())
    except OSError:  # it has ended, or there is no /proc
        return []


def _pss(pid: int) -> tuple[str, int] | None:
    """Where the memory of a process begins and ends, which no two programs share, and its size."""
    head, *lines = _read(_proc(pid) / "smaps_rollup").splitlines() or [""]
    return next(((head, int(line.split()[1]) * 1024) for line in lines if line.startswith("Pss:")), None)


def _read(path: Path) -> str:
    """Empty where the process has ended meanwhile."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
