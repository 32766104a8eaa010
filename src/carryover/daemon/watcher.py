"""The watcher: turns changes in the agents' folders into hints, in its own thread. Whenever a folder is created,
removed or replaced, it restarts with a rescan, because changes in between went unseen.

On Linux the kernel wakes it. At the system's limits and on WSL watchfiles polls. On macOS FSEvents has trees, by their
real paths. A stream of more of them than about a tenth of the descriptors that the process
may have open closes descriptor 0, whatever that is by then (measured on macOS 14 to 26 by
https://github.com/notify-rs/notify/pull/971); notify 8.0, which is in watchfiles 1.3, does not prevent it.
"""

from __future__ import annotations

import asyncio
import errno
import stat
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watchfiles import Change, watch
from watchfiles.main import FileChange

from carryover.adapter.contract import Agent, Source
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import WatchState
from carryover.daemon.log import Word
from carryover.daemon.reading import Rescanner
from carryover.daemon.watched_folders import MOST_FOLDERS, Below, as_asked, folders_below, polled
from carryover.ingest.roots import TranscriptRoot
from carryover.ingest.scan import SourceKey, key_of
from carryover.platform import here
from carryover.platform.inotify import Inotify, Kind, Overflow, StopEvent
from carryover.probe.looks import look_at_each, silent_folders
from carryover.transcript.layouts import sources_of

STEP_MS: Final = 25
"""How often watchfiles, where it is used, checks its queue: an append becomes a hint after 25-50 ms."""
GATHER_MS: Final = 10
"""Changes by inotify become hints once none has followed for so long, since an agent writes several lines in turn."""
DEBOUNCE_MS: Final = 80
"""Interval at which a continuous stream of changes is reported."""
LOOK_AT_ROOTS_MS: Final = 1_000
"""Interval at which the folders are compared with those being watched."""
LOOK_AT_PROJECTS_S: Final = 3.0
"""Interval at which projects are looked at: there may be hundreds, and only a project's first source is news."""
_PUT_OFF: Final = 4
"""For how many more intervals they are not looked at while changes keep coming: it would delay reading those."""
POLL_MS: Final = 500
POLL_PROJECTS_MS: Final = 2_000
"""The same for the files of projects, in which few agents write. They are polled wherever there is no inotify."""
MTIME_S: Final = 1.0
"""In what steps polling sees the time of a change."""
FLOOD: Final = 500
"""More changes at once than this may mean that the kernel's queue overflowed, which watchfiles does not report."""
MOST_TREES: Final = 64
"""Since notify 8.0 begins its stream again for each, with all those before it."""
DESCRIPTORS_EACH: Final = 12
"""Descriptors of the process for each tree, with some room below the tenth."""
_NO_INSTANCE: Final = (errno.EMFILE, errno.ENFILE, errno.ENOSYS)
_Identity = tuple[int, int, int]


@dataclass(eq=False)
class Watcher:
    """Watches folders: everything below them if `deep`, else only their entries. Tells `rescanner`, on the event loop.

    watcher = Watcher(context, context.folders, rescanner)
    await watcher.run()
    """

    context: DaemonContext
    roots: Callable[[], Iterable[TranscriptRoot]]
    rescanner: Rescanner
    deep: bool = True
    state: WatchState = field(default_factory=WatchState, init=False)
    _restart: StopEvent = field(default_factory=StopEvent, init=False)
    _reported: str | None = field(default=None, init=False)
    _refused: bool = field(default=False, init=False)
    """Whether the system refused to watch a folder that was not known to be closed."""

    @property
    def _poll_ms(self) -> int:
        return POLL_MS if self.deep else POLL_PROJECTS_MS

    @property
    def _pause_s(self) -> float:
        return LOOK_AT_ROOTS_MS / 1000 if self.deep else LOOK_AT_PROJECTS_S

    async def run(self) -> None:
        """Watches until cancelled. Leaves no thread behind."""
        loop = asyncio.get_running_loop()
        while True:
            self._restart.clear()
            folders = await asyncio.to_thread(_identify, self.roots)
            watched = sum(identity is not None for identity in folders.values())
            missing = len(folders) - watched
            if (watched, missing) != (self.state.watched, self.state.missing):
                self.context.log.info("watch_folders", watched=watched, missing=missing)
            self.state.watched, self.state.missing = watched, missing
            if watched == 0:
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
        self._refused = False
        self._restart.set()

    def _watch(self, folders: Mapping[TranscriptRoot, _Identity | None], loop: asyncio.AbstractEventLoop) -> None:
        """Watches `folders` until they change. Runs in a thread."""
        try:
            self._watch_once(folders, loop, polling=self.state.reason is not None)
        except PermissionError:
            if self._refused:
                raise
            self._refused = True
        except FileNotFoundError:  # removed since it was found
            self._restart.wait(LOOK_AT_ROOTS_MS / 1000)
        except (OSError, RuntimeError) as error:
            if _is_about_a_name(error):
                self._restart.wait(LOOK_AT_ROOTS_MS / 1000)  # it may be written all the time
                return
            reason = watch_limit(error)
            if reason is None:
                raise
            self._poll(reason)

    def _poll(self, reason: str) -> None:
        """Has the folders polled from now on."""
        self.state.reason = reason
        if reason != self._reported:
            self.context.log.warning("watch_limit_reached", reason=Word(reason), polling_ms=self._poll_ms)
        self._reported = reason

    def _note_denied(self, denied: bool) -> None:
        if denied and not self.state.denied:
            self.context.log.warning("watch_denied")
        self.state.denied = denied

    def _below(self, root: TranscriptRoot) -> Below:
        return folders_below(root.watched) if self.deep else Below(tuple(map(str, root.watched)))

    def _trees(self, folders: Iterable[str]) -> dict[str, list[str]]:
        """Returns the trees that FSEvents is given, by their real paths, each with the names by which it was asked for;
        none if they are polled instead."""
        asked: dict[str, list[str]] = {}
        for folder in folders:
            asked.setdefault(here().canonical(folder), []).append(folder)
        most = here().descriptors() // DESCRIPTORS_EACH or MOST_TREES
        if len(asked) <= min(MOST_TREES, most):
            return asked
        self._poll("descriptors")
        return {}

    def _watch_once(
        self, folders: Mapping[TranscriptRoot, _Identity | None], loop: asyncio.AbstractEventLoop, *, polling: bool
    ) -> None:
        there = [root for root, identity in folders.items() if identity is not None]
        # A disk that does not answer while watchfiles 1.3 adds its folders would stop all threads of the process.
        walked = look_at_each(there, self._below, at=lambda root: root.path)
        existing = [root for root, _ in walked]
        closed = frozenset(folder for _, below in walked for folder in below.closed)
        self._note_denied(bool(closed) or self._refused)
        belows = [below for _, below in walked]
        tops = tuple(top for below in belows for top in below.tops)
        links = [link for below in belows for link in below.followed]
        paths, recursive, asked = tops, self.deep, dict[str, list[str]]()
        inotify = None if polling else here().inotify()
        if inotify is not None:
            watching = reports_of(inotify, tops, links, deep=self.deep, stop=self._restart, pause_s=self._pause_s)
        elif not self.deep:
            polling, watching = True, polled_changes(existing, self._restart)
        else:
            if here().watches_trees and not polling:
                asked = self._trees((*tops, *links))
                polling = not asked
            paths, recursive = (tuple(asked), True) if asked else polled(belows)
            watching = self._reports_of_watchfiles(paths, recursive=recursive, polling=polling)
        if not paths:
            self._restart.wait(self._pause_s)
            return
        look_again = 0.0
        with closing(watching):
            for found in watching:
                if not look_again:
                    self.state.mode = "polling" if polling else "native"
                    loop.call_soon_threadsafe(self.rescanner.request, "watch_begun")
                changes = as_asked(found, asked) if asked and len(found) <= FLOOD else found
                sources, rescan = noticed(changes, existing, self.context.agents, deep=self.deep)
                if sources:
                    loop.call_soon_threadsafe(self.rescanner.hear, sources)
                if rescan is not None:
                    loop.call_soon_threadsafe(self.rescanner.request, rescan)
                if rescan == "folder_added" and not recursive:
                    return
                if any(path in closed for _, path in changes):  # it may be open now
                    return
                if (now_s := self.context.clock()) >= look_again + (_PUT_OFF * self._pause_s if changes else 0.0):
                    is_left_out = len(existing) < len(there) and not silent_folders()
                    if is_left_out or _identify(self.roots) != folders:
                        return
                    look_again = now_s + self._pause_s

    def _reports_of_watchfiles(
        self, paths: Iterable[str], *, recursive: bool, polling: bool
    ) -> Generator[set[FileChange], None, None]:
        reports = watch(
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
            recursive=recursive,
            # watchfiles 1.3 then also ignores the system's limit on watches, so only if necessary.
            ignore_permission_denied=self._refused,
        )
        return _and_again(reports)


def _and_again(reports: Generator[set[FileChange], None, None]) -> Generator[set[FileChange], None, None]:
    """Yields what is reported, and each changed file once more, a second later or two.

    Where watchfiles 1.3 polls, which it also does by itself under WSL, it compares times in whole seconds: it misses
    what is appended in the second in which it saw a change.
    """
    with closing(reports):
        older: set[FileChange] = set()
        newer: set[FileChange] = set()
        turned = time.monotonic()
        for found in reports:
            newer |= {(Change.modified, path) for change, path in found if change is not Change.deleted}
            if time.monotonic() - turned < MTIME_S:
                yield found
                continue
            yield found | older
            older, newer, turned = newer, set(), time.monotonic()


def polled_changes(projects: Collection[TranscriptRoot], stop: StopEvent) -> Generator[set[FileChange], None, None]:
    """Yields which files of `projects` have changed since the last time, and an empty set at first. Ends when `stop` is
    set. A project may have thousands of other files, so watchfiles, which polls all of a folder, is too slow."""
    known: dict[str, tuple[int, int]] = {}
    while True:
        found = look_at_each(projects, lambda project: dict(_seen(project.files)), at=lambda project: project.path)
        seen = {path: now for _, files in found for path, now in files.items()}
        yield {(Change.modified, path) for path, now in seen.items() if known.get(path, now) != now}
        known |= seen
        if stop.wait(POLL_PROJECTS_MS / 1000):
            return


def _seen(files: Iterable[Path]) -> Iterator[tuple[str, tuple[int, int]]]:
    for file in files:
        with suppress(OSError):
            status = file.stat()
            yield str(file), (status.st_mtime_ns, status.st_size)


def reports_of(
    inotify: Inotify,
    tops: Iterable[str],
    links: Iterable[str],
    *,
    deep: bool,
    stop: StopEvent,
    pause_s: float,
) -> Generator[set[FileChange], None, None]:
    """Yields what changes in the folders `tops` and behind `links`, and an empty set at first and after each `pause_s`.

    Ends when `stop` is set, and if changes were lost.
    """
    with inotify:
        for top in tops:
            inotify.add(top, deep=deep)
        for link in links:
            inotify.add(link, deep=deep, most=MOST_FOLDERS)
        yield set()
        while not stop.is_set():
            if not inotify.wait(stop, pause_s):
                yield set()
                continue
            try:
                changes = _gathered(inotify, stop)
            except Overflow:
                stop.wait(pause_s)  # it may go on like this
                return
            yield {(Change[kind], path) for kind, path in changes}


def _gathered(inotify: Inotify, stop: StopEvent) -> set[tuple[Kind, str]]:
    found = inotify.changes()
    for _ in range(DEBOUNCE_MS // GATHER_MS):
        stop.wait(GATHER_MS / 1000)
        more = inotify.changes()
        if not more:
            break
        found |= more
    return found


def noticed(
    changes: Collection[tuple[Change, str]],
    roots: Collection[TranscriptRoot],
    agents: Mapping[str, Agent],
    *,
    deep: bool = True,
) -> tuple[tuple[Source, ...], str | None]:
    """Returns the sources that `changes` are about, and why every source has to be checked, since hints may be
    incomplete; None if not. A new or deleted folder is a reason only if `deep`."""
    if len(changes) > FLOOD:
        return (), "flood"
    sources: dict[SourceKey, Source] = {}
    rescan = None
    for change, path in changes:
        place = Path(path)
        at = (_source_at(place, root, agents[root.agent_id]) for root in roots if place.is_relative_to(root.path))
        found = [source for source in at if source is not None]
        sources.update({key_of(source): source for source in found})
        if found or not deep:
            continue
        if change is Change.added and not place.is_symlink() and _identity_of(place):
            rescan = "folder_added"
        elif change is Change.deleted and "." not in place.name:
            rescan = rescan or "folder_gone"
    return tuple(sources.values()), rescan


def _source_at(place: Path, root: TranscriptRoot, agent: Agent) -> Source | None:
    if place in root.files:
        return next((source for source in sources_of(agent, root.path) if source.path == str(place)), None)
    return agent.source_of(place, root.path)


def _identify(roots: Callable[[], Iterable[TranscriptRoot]]) -> dict[TranscriptRoot, _Identity | None]:
    """Returns each folder with its identity; None for one that is missing, or whose disk does not answer."""
    each = tuple(roots())
    found = look_at_each(each, lambda root: _identity_of(root.path), at=lambda root: root.path)
    return {**dict.fromkeys(each), **dict(found)}


def _identity_of(path: Path) -> _Identity | None:
    with suppress(OSError):
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return status.st_dev, status.st_ino, status.st_mode  # it may be opened or closed
    return None


def _is_about_a_name(error: Exception) -> bool:
    """Whether a file was changed whose name is not UTF-8, of which watchfiles 1.3 can say nothing else."""
    return "Unable to decode path" in str(error)


def watch_limit(error: Exception) -> str | None:
    """Returns what is in the way of watching, if `error` is about that; watchfiles 1.3 names it only in the text."""
    message = str(error)
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOSPC or "watch limit" in message or f"os error {errno.ENOSPC})" in message:
        return "watches"
    if number in _NO_INSTANCE or any(f"os error {each})" in message for each in _NO_INSTANCE):
        return "instances"
    return None
