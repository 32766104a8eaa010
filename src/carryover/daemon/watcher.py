"""The watcher: turns changes in the agents' folders into hints, in its own thread. Whenever a folder is created,
removed or replaced, it restarts with a rescan, because changes in between went unseen. In projects, of which each new
one makes it restart, it compares the few sources itself.

On Linux the kernel wakes it. At the system's limits and on WSL, a rescan every two seconds stands in for it. On macOS
FSEvents has trees, by their real paths. A stream of more of them than about a tenth of the descriptors that the process
may have open closes descriptor 0, whatever that is by then (measured on macOS 14 to 26 by
https://github.com/notify-rs/notify/pull/971); notify 8.0, which is in watchfiles 1.3, does not prevent it.
"""

from __future__ import annotations

import asyncio
import errno
import stat
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
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
from carryover.daemon.watched_folders import MOST_FOLDERS, Below, as_asked, folders_below
from carryover.ingest.roots import TranscriptRoot
from carryover.ingest.scan import SourceKey, key_of
from carryover.platform import here
from carryover.platform.inotify import Inotify, Kind, Overflow, StopEvent
from carryover.probe.looks import look_at_each, silent_folders
from carryover.transcript.sources import sources_of

STEP_MS: Final = 25
"""How often watchfiles, which asks FSEvents, checks its queue: an append becomes a hint after 25-50 ms."""
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
POLL_MS: Final = 2_000
"""How often folders are looked at that the system does not watch, and the histories in projects wherever there is no
inotify."""
RESCANS_SHARE: Final = 0.1
"""How much of the time may go into the rescans that stand in for watching."""
FLOOD: Final = 500
"""More changes at once than this may mean that the system's queue overflowed, which watchfiles does not report."""
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
    _seen: Mapping[TranscriptRoot, Mapping[Path, tuple[int, int]]] = field(default_factory=dict, init=False)
    """Time and size of the sources of each project when they were looked at last, unless it is `deep`."""

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
        self._restart.set()

    def _watch(self, folders: Mapping[TranscriptRoot, _Identity | None], loop: asyncio.AbstractEventLoop) -> None:
        """Watches `folders` until they change. Runs in a thread."""
        try:
            self._watch_once(folders, loop)
        except FileNotFoundError:  # removed since it was found
            self._restart.wait(LOOK_AT_ROOTS_MS / 1000)
        except (OSError, RuntimeError) as error:
            reason = watch_limit(error)
            if reason is None:
                raise
            self._poll(reason)

    def _poll(self, reason: str) -> None:
        """Has the folders polled from now on."""
        self.state.reason = reason
        self.context.log.warning("watch_limit_reached", reason=Word(reason), polling_ms=POLL_MS)

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

    def _watch_once(self, folders: Mapping[TranscriptRoot, _Identity | None], loop: asyncio.AbstractEventLoop) -> None:
        there = [root for root, identity in folders.items() if identity is not None]
        # A disk that does not answer while watchfiles 1.3 adds its folders would stop all threads of the process.
        walked = look_at_each(there, self._below, at=lambda root: root.path)
        existing = [root for root, _ in walked]
        closed = frozenset(folder for _, below in walked for folder in below.closed)
        self._note_denied(bool(closed))
        tops = [top for _, below in walked for top in below.tops]
        if not tops:
            if self.deep and self.state.mode != "nothing to watch":
                loop.call_soon_threadsafe(self.rescanner.request, "watch_begun")
            self.state.mode = "nothing to watch"
            self._restart.wait(self._pause_s)
            return
        reports = self._reports(tops, [link for _, below in walked for link in below.followed])
        polling = reports is None
        look_again = 0.0
        watching = reports or polls(self._restart, took_s=lambda: self.context.rescan_s if self.deep else 0.0)
        with closing(watching):
            for changes in watching:
                is_first = not look_again
                if is_first:
                    self.state.mode = "polling" if polling else "native"
                sources, rescan = self._news(changes, existing, is_first=is_first, polling=polling)
                if sources:
                    loop.call_soon_threadsafe(self.rescanner.hear, sources)
                if rescan is not None:
                    loop.call_soon_threadsafe(self.rescanner.request, rescan)
                if any(path in closed for _, path in changes):  # it may be open now
                    return
                if (now_s := self.context.clock()) >= look_again + (_PUT_OFF * self._pause_s if changes else 0.0):
                    is_left_out = len(existing) < len(there) and not silent_folders()
                    if is_left_out or _identify(self.roots) != folders:
                        return
                    look_again = now_s + self._pause_s

    def _reports(self, tops: Sequence[str], links: Sequence[str]) -> Generator[set[FileChange], None, None] | None:
        """Returns what the system reports of folders and of links to folders; None if they are polled."""
        if self.state.reason is not None:
            return None
        inotify = here().inotify()
        if inotify is not None:
            return reports_of(inotify, tops, links, deep=self.deep, stop=self._restart, pause_s=self._pause_s)
        trees = self._trees((*tops, *links)) if self.deep and here().watches_trees else {}
        return self._reports_of_watchfiles(trees) if trees else None

    def _news(
        self,
        changes: Collection[FileChange],
        existing: Collection[TranscriptRoot],
        *,
        is_first: bool,
        polling: bool,
    ) -> tuple[tuple[Source, ...], str | None]:
        """Returns what `noticed` does. At first, and each time while polling, all may have changed."""
        sources, rescan = noticed(changes, existing, self.context.agents, deep=self.deep)
        if not (is_first or polling):
            return sources, rescan
        if self.deep:
            return sources, "watch_begun" if is_first else "polled"
        return self._changed_in(existing), rescan

    def _changed_in(self, projects: Collection[TranscriptRoot]) -> tuple[Source, ...]:
        """Returns the sources of the projects that are new, or in which one has changed since the last time."""
        seen = dict(look_at_each(projects, lambda root: dict(_stats(root.files)), at=lambda root: root.path))
        changed = [root for root, now in seen.items() if self._seen.get(root) != now]
        self._seen, agents = seen, self.context.agents
        found = look_at_each(
            changed, lambda root: sources_of(agents[root.agent_id], root.path), at=lambda root: root.path
        )
        return tuple(source for _, sources in found for source in sources)

    def _reports_of_watchfiles(self, trees: Mapping[str, Sequence[str]]) -> Generator[set[FileChange], None, None]:
        """Yields what changes in `trees`, by the names for which they were asked; a flood as it comes."""
        watching = watch(
            *trees,
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            stop_event=self._restart,
            rust_timeout=LOOK_AT_ROOTS_MS,
            yield_on_timeout=True,
            debug=False,
            force_polling=False,
            recursive=True,
            ignore_permission_denied=True,
        )
        with closing(watching):
            for found in watching:
                yield found if len(found) > FLOOD else as_asked(found, trees)


def polls(stop: StopEvent, *, took_s: Callable[[], float]) -> Generator[set[FileChange], None, None]:
    """Yields an empty set at first and after each `POLL_MS`, until `stop` is set; more rarely where a rescan, the
    newest of which took `took_s`, takes long: on a disk of Windows, or with tens of thousands of files."""
    yield set()
    while not stop.wait(max(POLL_MS / 1000, took_s() / RESCANS_SHARE)):
        yield set()


def _stats(files: Iterable[Path]) -> Iterator[tuple[Path, tuple[int, int]]]:
    for file in files:
        with suppress(OSError):
            status = file.stat()
            yield file, (status.st_mtime_ns, status.st_size)


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


def watch_limit(error: Exception) -> str | None:
    """Returns what is in the way of watching, if `error` is about that."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOSPC:
        return "watches"
    return "instances" if number in _NO_INSTANCE else None
