"""The watcher: turns changes in the agents' folders into hints.

It watches in its own thread and restarts whenever a folder is created, removed or replaced. Each restart requests a
rescan, because changes in between went unseen.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import msgspec
from watchfiles import Change, watch

from carryover.adapter.contract import Agent, Source
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import WatchState
from carryover.daemon.log import Word
from carryover.ingest.scan import TranscriptRoot

STEP_MS: Final = 25
"""Interval at which watchfiles checks its queue.

It reports changes after a step without new ones, so an append becomes a hint after 25-50 ms, at 0.15 % of a core while
idle.
"""

DEBOUNCE_MS: Final = 80
"""Interval at which a continuous stream of changes is reported."""

LOOK_AT_ROOTS_MS: Final = 500
"""Interval at which the folders are compared with those being watched."""

LOOK_AT_PROJECTS_S: Final = 3.0
"""Interval at which projects are checked: there may be hundreds, and only a project's first source is news."""

POLL_MS: Final = 500

FLOOD: Final = 500
"""More changes at once than this may mean that the kernel's queue overflowed, which watchfiles does not report."""

_Identity = tuple[int, int]


class Noticed(msgspec.Struct, frozen=True):
    """The work that a set of changes calls for. `rescan`: check every source, since hints may be incomplete."""

    sources: tuple[Source, ...] = ()
    rescan: str | None = None
    new_folders: tuple[str, ...] = ()


class Watcher:
    """Watches folders. `on_sources` and `on_rescan` are called on the event loop."""

    def __init__(
        self,
        context: DaemonContext,
        roots: Callable[[], Iterable[TranscriptRoot]],
        on_sources: Callable[[Iterable[Source]], None],
        on_rescan: Callable[[str], None],
        *,
        deep: bool = True,
    ) -> None:
        """`deep`: whether to watch everything below the roots, and not only their entries."""
        self._agents = context.agents
        self._roots = roots
        self._deep = deep
        self._pause_s = LOOK_AT_ROOTS_MS / 1000 if deep else LOOK_AT_PROJECTS_S
        self._on_sources = on_sources
        self._on_rescan = on_rescan
        self._log = context.log
        self._restart = threading.Event()
        self._reported: str | None = None
        self.state = WatchState()

    async def run(self) -> None:
        """Watches until cancelled. Leaves no thread behind."""
        loop = asyncio.get_running_loop()
        while True:
            self._restart.clear()
            folders = await asyncio.to_thread(_identify, self._roots)
            self._note_folders(folders)
            if self.state.watched == 0:
                self.state.mode = "nothing to watch"
                await asyncio.sleep(self._pause_s)
                continue
            watching = loop.run_in_executor(None, self._watch, folders, loop)  # it runs on until it is stopped
            try:
                await asyncio.shield(watching)
            except asyncio.CancelledError:
                self._restart.set()
                await asyncio.wait({watching})
                raise

    def restart(self) -> None:
        """Restarts watching, natively if possible: the system's limit may have been raised."""
        self.state.reason = None
        self.state.denied = False
        self._restart.set()

    def _watch(self, folders: Mapping[TranscriptRoot, _Identity | None], loop: asyncio.AbstractEventLoop) -> None:
        """Watches `folders` until they change. Runs in a thread."""
        try:
            self._watch_once(folders, loop, polling=self.state.reason is not None)
        except PermissionError:
            if self.state.denied:
                raise
            self.state.denied = True
            self._log.warning("watch_denied")
        except (OSError, RuntimeError) as error:
            reason = _limit(error)
            if reason is None:
                raise
            self.state.reason = reason
            if reason != self._reported:
                self._log.warning("watch_limit_reached", reason=Word(reason), polling_ms=POLL_MS)
            self._reported = reason

    def _watch_once(
        self, folders: Mapping[TranscriptRoot, _Identity | None], loop: asyncio.AbstractEventLoop, *, polling: bool
    ) -> None:
        existing = [root for root, identity in folders.items() if identity is not None]
        paths = [str(path) for path in dict.fromkeys(folder for root in existing for folder in root.watched)]
        look_again = 0.0
        watching = watch(
            *paths,
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            stop_event=self._restart,
            rust_timeout=LOOK_AT_ROOTS_MS,
            yield_on_timeout=True,
            debug=False,
            force_polling=polling or None,  # None polls only on Windows drives, where the kernel reports no changes
            poll_delay_ms=POLL_MS,
            recursive=self._deep,
            # watchfiles 1.3 then also ignores the system's limit on watches, so only if necessary.
            ignore_permission_denied=self.state.denied,
        )
        with closing(watching):
            for found in watching:
                if not look_again:
                    self.state.mode = "polling" if polling else "native"
                    loop.call_soon_threadsafe(self._on_rescan, "watch_begun")
                if found and not self._notice(found, existing, loop) and not polling:
                    return
                if time.monotonic() >= look_again:
                    if _identify(self._roots) != folders:
                        return
                    look_again = time.monotonic() + self._pause_s

    def _notice(
        self, changes: Iterable[tuple[Change, str]], roots: Iterable[TranscriptRoot], loop: asyncio.AbstractEventLoop
    ) -> bool:
        """Reports what `changes` are about. Returns False if a new folder turns out not to be watched."""
        found = noticed(changes, roots, self._agents, deep=self._deep)
        if found.sources:
            loop.call_soon_threadsafe(self._on_sources, found.sources)
        if found.rescan is not None:
            loop.call_soon_threadsafe(self._on_rescan, found.rescan)
        return all(map(_is_watched, found.new_folders))

    def _note_folders(self, folders: Mapping[TranscriptRoot, _Identity | None]) -> None:
        watched = sum(identity is not None for identity in folders.values())
        missing = len(folders) - watched
        if (watched, missing) != (self.state.watched, self.state.missing):
            self._log.info("watch_folders", watched=watched, missing=missing)
        self.state.watched, self.state.missing = watched, missing


def noticed(
    changes: Iterable[tuple[Change, str]],
    roots: Iterable[TranscriptRoot],
    agents: Mapping[str, Agent],
    *,
    deep: bool = True,
) -> Noticed:
    """Returns the sources that `changes` are about. Only agents' own sources ever become hints.

    A new folder may contain files written before it was watched, and a deleted one takes its sources with it silently;
    both request a rescan, but only if `deep`, since otherwise folders hold no sources.
    """
    everything = list(changes)
    if len(everything) > FLOOD:
        return Noticed(rescan="flood")
    sources: dict[tuple[str, str], Source] = {}
    rescan = None
    new_folders = []
    for change, path in everything:
        found = _sources_at(path, roots, agents)
        sources.update({(source.agent, source.path): source for source in found})
        if found or not deep:
            continue
        if change is Change.added and not Path(path).is_symlink() and _identity_of(path):
            rescan = "folder_added"
            new_folders.append(path)
        elif change is Change.deleted and "." not in path.rpartition(os.sep)[2]:
            rescan = rescan or "folder_gone"
    return Noticed(tuple(sources.values()), rescan, tuple(new_folders))


def _sources_at(path: str, roots: Iterable[TranscriptRoot], agents: Mapping[str, Agent]) -> list[Source]:
    place = Path(path)
    found = (_source_at(place, root, agents[root.agent_id]) for root in roots if place.is_relative_to(root.path))
    return [source for source in found if source is not None]


def _source_at(place: Path, root: TranscriptRoot, agent: Agent) -> Source | None:
    if place in root.files:
        return next((source for source in agent.sources(root.path) if source.path == str(place)), None)
    return agent.source_of(place, root.path)


def _identify(roots: Callable[[], Iterable[TranscriptRoot]]) -> dict[TranscriptRoot, _Identity | None]:
    """Returns the identity of each root's folder; None for a missing one. Blocks."""
    return {root: _identity_of(root.path) for root in roots()}


def _identity_of(path: Path | str) -> _Identity | None:
    with suppress(OSError):
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            return status.st_dev, status.st_ino
    return None


def _is_watched(folder: str) -> bool:
    """Whether inotify watches `folder`, by the kernel's list in /proc; True if there is no such list.

    If the limit on watches is only reached when a folder is created, watchfiles 1.3 reports nothing; restarting the
    watch then reports the limit.
    """
    try:
        mark = f" ino:{Path(folder).stat().st_ino:x} "
        infos = list(Path("/proc/self/fdinfo").iterdir())
    except OSError:
        return True
    for info in infos:
        with suppress(OSError):  # closed meanwhile
            if mark in info.read_text():
                return True
    return False


def _limit(error: Exception) -> str | None:
    """Returns the kernel limit that `error` is about; None for any other error.

    watchfiles 1.3 raises an OSError without a number for the limit on watches, and a RuntimeError for the one on
    instances and open files; both can be recognised only by their text.
    """
    message = str(error)
    if "watch limit" in message or f"os error {errno.ENOSPC})" in message:
        return "watches"
    if f"os error {errno.EMFILE})" in message or f"os error {errno.ENFILE})" in message:
        return "instances"
    return None
