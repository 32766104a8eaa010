"""Chooses the paths that watchfiles is given, and says what its reports mean.

inotify (Linux), and polling, take each folder or a tree with the links in it, and report paths as they were given.

FSEvents (macOS) takes trees, follows no link in them and reports real paths. A stream of more paths than about a tenth
of the descriptors that the process may have open closes descriptor 0, whatever that is by then, and says nothing
(measured on macOS 14 to 26 by https://github.com/notify-rs/notify/pull/971). notify 8.0, which is in watchfiles 1.3,
does not prevent it, and begins the stream again for each path that it is given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import msgspec
from watchfiles import Change

MOST_FOLDERS: Final = 8_000
"""Of so many folders at most each is watched by itself, which is needed if links lead out of them, or one is closed."""
MOST_TREES: Final = 64
"""Since notify 8.0 begins its stream again for each, with all those before it."""
DESCRIPTORS_EACH: Final = 24
"""Descriptors of the process for each tree: 12, with some room below the tenth, for each of the two watchers."""


class WatchedPlace(msgspec.Struct, frozen=True):
    """A folder to watch. `volume`: the topmost folder around `real` on the same disk."""

    asked: str
    real: str
    volume: str


class Below(msgspec.Struct, frozen=True):
    """The folders `tops` and those below them that can be read. `has_links`: links to folders are in them, followed or
    not.
    """

    tops: tuple[str, ...]
    folders: tuple[str, ...] = ()
    has_links: bool = False
    followed: tuple[str, ...] = ()
    """The links that are followed."""
    closed: tuple[str, ...] = ()
    """The folders that cannot be read."""
    places: tuple[WatchedPlace, ...] = ()
    """Where `tops` and `followed` are, if the system wants to know."""


class Trees(msgspec.Struct, frozen=True):
    """What holds if the system watches trees. `descriptors`: how many the process may have open; 0: no limit. `home`:
    real path.
    """

    descriptors: int
    home: str
    canary: str
    """Real path of a folder to be watched by itself, whatever else is."""

    @property
    def most(self) -> int:
        """How many paths a watcher may be given."""
        return min(MOST_TREES, self.descriptors // DESCRIPTORS_EACH) if self.descriptors else MOST_TREES


class WatchPlan(msgspec.Struct, frozen=True):
    """What to watch. `polling`: there are too many trees for the system to watch them."""

    paths: tuple[str, ...]
    recursive: bool
    polling: bool = False
    asked: Mapping[str, tuple[str, ...]] | None = None
    """By the real path of a folder: as what it was asked for. None if paths are reported as they were given."""
    deep: bool = True

    def as_asked(self, changes: Collection[tuple[Change, str]]) -> Collection[tuple[Change, str]]:
        """Returns `changes` with the paths that were asked for, leaving out all others."""
        if self.asked is None:
            return changes
        return {(change, asked) for change, path in changes for asked in self._as_asked(path, self.asked)}

    def _as_asked(self, path: str, asked: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
        around = (path, *_around(path))
        for folder in around if self.deep else around[:2]:
            yield from (f"{each}{path[len(folder) :]}" for each in asked.get(folder, ()))


def watch_plan(wanted: Sequence[Below], trees: Trees | None, *, deep: bool) -> WatchPlan:
    """Returns how to watch what is wanted: all that is below if `deep`, else entries alone. `trees`: None for inotify
    and for polling.
    """
    plan = None if trees is None else _in_trees([place for below in wanted for place in below.places], trees, deep=deep)
    if plan is not None:
        return plan
    # watchfiles 1.3 goes through every link, so one to / would have the whole disk watched, and goes no further in a
    # tree than to the first folder that cannot be read.
    by_itself = any(below.has_links or below.closed for below in wanted)
    each = (folder for below in wanted for folder in (below.folders if by_itself else below.tops))
    paths = tuple(islice(dict.fromkeys(filter(_is_text, each)), MOST_FOLDERS))
    return WatchPlan(paths, recursive=deep and not by_itself, polling=trees is not None, deep=deep)


def _in_trees(places: Collection[WatchedPlace], trees: Trees, *, deep: bool) -> WatchPlan | None:
    """Returns None if there are too many."""
    asked: dict[str, dict[str, None]] = {}
    for place in places:
        asked.setdefault(place.real, {})[place.asked] = None
    volumes = {place.real: place.volume for place in places if _is_text(place.real)}
    room = trees.most - 1
    by_itself = not deep and len(volumes) <= room
    tops = volumes if by_itself else _outermost(volumes.items())
    while len(tops) > room:
        # All entries of a parent are reported, which is too much for folders that are watched as a whole.
        wider = tops if deep else _outermost(_parent(*top, trees.home) for top in tops.items())
        if wider == tops:
            return None
        tops = wider
    return WatchPlan(
        paths=(*tops, trees.canary) if tops else (),
        recursive=not by_itself,
        asked={real: tuple(each) for real, each in asked.items()},
        deep=deep,
    )


def _outermost(folders: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Returns those that are in none of the others of the same volume. A tree does not tell of a disk mounted in it."""
    volumes = dict(sorted(folders))
    return {
        folder: volume
        for folder, volume in volumes.items()
        if not any(volumes.get(each) == volume for each in _around(folder))
    }


def _parent(folder: str, volume: str, home: str) -> tuple[str, str]:
    """Returns the folder around `folder`, unless it is on another disk, or the home folder is in it."""
    parent = next(_around(folder), "")
    is_wide = f"{home}/".startswith(f"{parent}/")
    return (folder if is_wide or folder == volume else parent, volume)


def _around(path: str) -> Iterator[str]:
    """Yields the folders around `path`, the nearest first, without the root."""
    while path := path.rpartition("/")[0]:
        yield path


def _is_text(folder: str) -> bool:
    """Whether watchfiles 1.3 takes this name, which may be any bytes."""
    try:
        folder.encode()
    except UnicodeEncodeError:
        return False
    return True
