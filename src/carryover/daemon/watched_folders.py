"""The folders that are watched: what is below them, what polling is given of them, and the names that FSEvents' reports
are turned back into."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from watchfiles.main import FileChange

MOST_FOLDERS: Final = 8_000
"""Of so many folders at most each is polled by itself, which is needed if links lead out of them, or one is closed."""
_OF_THE_SYSTEM: Final = ("/dev", "/proc", "/run", "/sys")


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


def folders_below(tops: Iterable[Path]) -> Below:
    """Returns the folders `tops`, those below them, and those below links that lead to another of the user's folders.

    No link is followed to the system's folders, to a folder that it is in, or from what another link leads to. Blocks.
    """
    folders: list[str] = []
    links: list[str] = []
    closed: list[str] = []

    def note(error: OSError) -> None:
        if isinstance(error, PermissionError):
            closed.append(str(error.filename))

    above = tuple(map(str, tops))
    for top in above:
        for folder, names, _ in os.walk(top, onerror=note):
            folders.append(folder)
            links += (path for name in names if os.path.islink(path := os.path.join(folder, name)))  # noqa: PTH114, PTH118
    followed = tuple(filter(_is_followed, links))
    linked = (folder for link in followed for folder in _walked(link))
    return Below(above, (*folders, *islice(linked, MOST_FOLDERS)), bool(links), followed, closed=tuple(closed))


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


def polled(wanted: Sequence[Below]) -> tuple[tuple[str, ...], bool]:
    """Returns the folders that watchfiles is given to poll, and whether all that is below them goes with them."""
    # watchfiles 1.3 goes through every link, so one to / would have the whole disk watched, and goes no further in a
    # tree than to the first folder that cannot be read.
    by_itself = any(below.has_links or below.closed for below in wanted)
    each = (folder for below in wanted for folder in (below.folders if by_itself else below.tops))
    return tuple(islice(dict.fromkeys(filter(_is_text, each)), MOST_FOLDERS)), not by_itself


def as_asked(changes: Iterable[FileChange], asked: Mapping[str, Sequence[str]]) -> set[FileChange]:
    """Returns changes in real folders by the names for which those were `asked`, leaving out all others."""
    return {
        (change, f"{name}{path[len(real) :]}")
        for change, path in changes
        for real, names in asked.items()
        if path == real or path.startswith(f"{real}/")
        for name in names
    }


def _is_text(folder: str) -> bool:
    """Whether watchfiles 1.3 takes this name, which may be any bytes."""
    try:
        folder.encode()
    except UnicodeEncodeError:
        return False
    return True
