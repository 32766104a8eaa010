"""The watcher: turns changes in the agents' folders into hints, in its own thread. Whenever a folder is created,
removed or replaced, it restarts with a rescan, because changes in between went unseen.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from watchfiles import Change, watch

from carryover.adapter.contract import Agent, Source
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import WatchState
from carryover.daemon.log import Word
from carryover.ingest.roots import TranscriptRoot
from carryover.ingest.scan import SourceKey, key_of
from carryover.platform import here
from carryover.probe.looks import look_at_each, silent_folders

STEP_MS: Final = 25
"""How often watchfiles checks its queue: an append becomes a hint after 25-50 ms, at 0.15 % of a core while idle."""
PROJECTS_STEP_MS: Final = 100
"""The same for the folders of projects, in which few agents write."""
DEBOUNCE_MS: Final = 80
"""Interval at which a continuous stream of changes is reported."""
LOOK_AT_ROOTS_MS: Final = 500
"""Interval at which the folders are compared with those being watched."""
LOOK_AT_PROJECTS_S: Final = 3.0
"""Interval at which projects are looked at: there may be hundreds, and only a project's first source is news."""
POLL_MS: Final = 500
FLOOD: Final = 500
"""More changes at once than this may mean that the kernel's queue overflowed, which watchfiles does not report."""
MOST_FOLDERS: Final = 8_000
"""Of so many folders at most each is watched by itself, which is needed if links lead out of them."""
_OF_THE_SYSTEM: Final = ("/dev", "/proc", "/run", "/sys")
_Identity = tuple[int, int]


class Noticed(msgspec.Struct, frozen=True):
    """The work that a set of changes calls for. `rescan`: check every source, since hints may be incomplete."""

    sources: tuple[Source, ...] = ()
    rescan: str | None = None
    new_folders: tuple[str, ...] = ()


@dataclass(eq=False)
class Watcher:
    """Watches folders: everything below them if `deep`, else only their entries. Calls `on_...` on the event loop."""

    context: DaemonContext
    roots: Callable[[], Iterable[TranscriptRoot]]
    on_sources: Callable[[Iterable[Source]], None]
    on_rescan: Callable[[str], None]
    deep: bool = True
    state: WatchState = field(default_factory=WatchState, init=False)
    _restart: threading.Event = field(default_factory=threading.Event, init=False)
    _reported: str | None = field(default=None, init=False)

    @property
    def _step_ms(self) -> int:
        return STEP_MS if self.deep else PROJECTS_STEP_MS

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
            self.context.log.warning("watch_denied")
        except FileNotFoundError:  # removed since it was found
            self._restart.wait(LOOK_AT_ROOTS_MS / 1000)
        except (OSError, RuntimeError) as error:
            if _is_about_a_name(error):
                self._restart.wait(LOOK_AT_ROOTS_MS / 1000)  # it may be written all the time
                return
            reason = _limit(error)
            if reason is None:
                raise
            self.state.reason = reason
            if reason != self._reported:
                self.context.log.warning("watch_limit_reached", reason=Word(reason), polling_ms=POLL_MS)
            self._reported = reason

    def _below(self, root: TranscriptRoot) -> Below:
        return folders_below(root.watched) if self.deep else Below(tuple(map(str, root.watched)))

    def _watch_once(
        self, folders: Mapping[TranscriptRoot, _Identity | None], loop: asyncio.AbstractEventLoop, *, polling: bool
    ) -> None:
        there = [root for root, identity in folders.items() if identity is not None]
        # A disk that does not answer while watchfiles 1.3 adds its folders would stop all threads of the process.
        walked = look_at_each(there, self._below, at=lambda root: root.path)
        existing = [root for root, _ in walked]
        # watchfiles 1.3 goes through every link, so one to / would have the whole disk watched.
        by_itself = any(below.has_links for _, below in walked)
        of_roots = (str(folder) for root in existing for folder in root.watched)
        each_folder = (folder for _, below in walked for folder in below.folders)
        paths = dict.fromkeys(filter(_is_text, each_folder if by_itself else of_roots))
        if not paths:
            self._restart.wait(self._pause_s)
            return
        look_again = 0.0
        watching = watch(
            *islice(paths, MOST_FOLDERS),
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=self._step_ms,
            stop_event=self._restart,
            rust_timeout=LOOK_AT_ROOTS_MS,
            yield_on_timeout=True,
            debug=False,
            force_polling=polling or None,  # None polls only on Windows drives, where the kernel reports no changes
            poll_delay_ms=POLL_MS,
            recursive=self.deep and not by_itself,
            # watchfiles 1.3 then also ignores the system's limit on watches, so only if necessary.
            ignore_permission_denied=self.state.denied,
        )
        with closing(watching):
            for found in watching:
                if not look_again:
                    self.state.mode = "polling" if polling else "native"
                    loop.call_soon_threadsafe(self.on_rescan, "watch_begun")
                seen = noticed(found, existing, self.context.agents, deep=self.deep)
                if seen.sources:
                    loop.call_soon_threadsafe(self.on_sources, seen.sources)
                if seen.rescan is not None:
                    loop.call_soon_threadsafe(self.on_rescan, seen.rescan)
                if not (polling or all(map(here().is_watched, seen.new_folders))):
                    return
                if time.monotonic() >= look_again:
                    is_left_out = len(existing) < len(there) and not silent_folders()
                    if is_left_out or _identify(self.roots) != folders:
                        return
                    look_again = time.monotonic() + self._pause_s


class Below(msgspec.Struct, frozen=True):
    """Folders to watch. `has_links`: links to folders are among what is in them, followed or not."""

    folders: tuple[str, ...]
    has_links: bool = False


def folders_below(tops: Iterable[Path]) -> Below:
    """Returns the folders `tops`, those below them, and those below links that lead to another of the user's folders.

    No link is followed to the system's folders, to a folder that it is in, or from what another link leads to. Blocks.
    """
    folders: list[str] = []
    links: list[str] = []
    for top in tops:
        for folder, names, _ in os.walk(top):
            folders.append(folder)
            links += (path for name in names if os.path.islink(path := os.path.join(folder, name)))  # noqa: PTH114, PTH118
    followed = (folder for link in filter(_is_followed, links) for folder in _walked(link))
    return Below((*folders, *islice(followed, MOST_FOLDERS)), bool(links))


def _is_followed(link: str) -> bool:
    with suppress(OSError):
        target = Path(link).resolve(strict=True)
        around = Path(link).parent.resolve()
        is_systems = str(target).startswith(tuple(f"{folder}/" for folder in _OF_THE_SYSTEM))
        is_own = target.stat().st_uid == os.getuid()
        return is_own and not is_systems and str(target) not in _OF_THE_SYSTEM and not around.is_relative_to(target)
    return False


def _walked(top: str) -> Iterator[str]:
    return (folder for folder, _, _ in os.walk(top))


def _is_text(folder: str) -> bool:
    """Whether watchfiles 1.3 takes this name, which may be any bytes."""
    try:
        folder.encode()
    except UnicodeEncodeError:
        return False
    return True


def noticed(
    changes: Collection[tuple[Change, str]],
    roots: Collection[TranscriptRoot],
    agents: Mapping[str, Agent],
    *,
    deep: bool = True,
) -> Noticed:
    """Returns the sources that `changes` are about. A new or deleted folder requests a rescan, but only if `deep`."""
    if len(changes) > FLOOD:
        return Noticed(rescan="flood")
    sources: dict[SourceKey, Source] = {}
    rescan = None
    new_folders = []
    for change, path in changes:
        place = Path(path)
        at = (_source_at(place, root, agents[root.agent_id]) for root in roots if place.is_relative_to(root.path))
        found = [source for source in at if source is not None]
        sources.update({key_of(source): source for source in found})
        if found or not deep:
            continue
        if change is Change.added and not place.is_symlink() and _identity_of(place):
            rescan = "folder_added"
            new_folders.append(path)
        elif change is Change.deleted and "." not in place.name:
            rescan = rescan or "folder_gone"
    return Noticed(tuple(sources.values()), rescan, tuple(new_folders))


def _source_at(place: Path, root: TranscriptRoot, agent: Agent) -> Source | None:
    if place in root.files:
        return next((source for source in agent.sources(root.path) if source.path == str(place)), None)
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
            return status.st_dev, status.st_ino
    return None


def _is_about_a_name(error: Exception) -> bool:
    """Whether a file was changed whose name is not UTF-8, of which watchfiles 1.3 can say nothing else."""
    return "Unable to decode path" in str(error)


def _limit(error: Exception) -> str | None:
    """Returns the kernel limit that `error` is about, if any; watchfiles 1.3 names it only in the text."""
    message = str(error)
    if "watch limit" in message or f"os error {errno.ENOSPC})" in message:
        return "watches"
    if f"os error {errno.EMFILE})" in message or f"os error {errno.ENFILE})" in message:
        return "instances"
    return None
