"""FSEvents as watchfiles 1.3 with notify 8.0 shows it, in place of `watchfiles.watch`; time passes at once.

What it follows: `fsevent.rs` of notify 8.0, `lib.rs` of watchfiles 1.3, and for descriptor 0 what
https://github.com/notify-rs/notify/pull/971 measured on macOS 14 to 26.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Flag, auto
from pathlib import Path
from queue import Empty, SimpleQueue

from watchfiles import Change
from watchfiles.main import FileChange


class Seen(Flag):
    """What one event says of its path: all that has happened there of late, in no order."""

    CREATED = auto()
    REMOVED = auto()
    RENAMED = auto()
    MODIFIED = auto()
    MUST_SCAN_SUBDIRS = auto()
    """Events below were dropped. watchfiles passes nothing on."""


@dataclass
class FakeFsEvents:
    """`closed`: how often descriptor 0 was closed. `begun`: the paths that were asked for each time."""

    descriptors: int = 256
    begun: list[tuple[str, ...]] = field(default_factory=list)
    closed: int = 0
    _events: SimpleQueue[list[tuple[str, Seen]]] = field(default_factory=SimpleQueue)

    def report(self, *events: tuple[Path, Seen]) -> None:
        """Reports these events next, all at once, whether or not they are true."""
        self._events.put([(str(path), seen) for path, seen in events])

    def watch(
        self,
        *paths: str,
        stop_event: threading.Event,
        **_settings: object,
    ) -> Generator[set[FileChange], None, None]:
        self.begun.append(paths)
        trees = [os.path.realpath(path, strict=True) for path in paths]
        self.closed += sum(number > self.descriptors // 10 for number in range(1, len(trees) + 1))
        before = _below(trees)
        born: set[str] = set()
        while not stop_event.wait(0.001):
            now = _below(trees)
            born |= now.keys() - before.keys()
            events = [(path, self._seen(path, before, now, born)) for path in before.keys() | now.keys()]
            before = now
            with suppress(Empty):
                events += self._events.get_nowait()
            found: set[FileChange] = set()
            for path, seen in events:
                if any(path == tree or path.startswith(f"{tree}/") for tree in trees):
                    _add(found, path, seen)
            yield found

    @staticmethod
    def _seen(path: str, before: dict[str, object], now: dict[str, object], born: set[str]) -> Seen:
        if before.get(path) == now.get(path):
            return Seen(0)
        made = Seen.CREATED if path in born else Seen(0)  # said again with each later change
        return made | (Seen.MODIFIED if path in now else Seen.REMOVED)


def _below(trees: list[str]) -> dict[str, object]:
    """Returns what is in these trees, by real path; no link is followed."""
    found: dict[str, object] = {}
    for tree in trees:
        for folder, folders, files in os.walk(tree):
            for name in (*folders, *files):
                path = Path(folder, name)
                try:
                    status = path.lstat()
                except FileNotFoundError:
                    continue
                is_folder = path.is_dir()
                found[str(path)] = (status.st_ino, is_folder or (status.st_size, status.st_mtime_ns))
    return found


def _add(found: set[FileChange], path: str, seen: Seen) -> None:
    if Seen.CREATED in seen:
        found.add((Change.added, path))
    if Seen.REMOVED in seen:
        found.add((Change.deleted, path))
    if Seen.RENAMED in seen:
        found.add((Change.added if Path(path).exists() else Change.deleted, path))
    if Seen.MODIFIED in seen and found.isdisjoint({(Change.added, path), (Change.deleted, path)}):
        found.add((Change.modified, path))
