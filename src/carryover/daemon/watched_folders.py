"""The folders that are watched: the links in them that are followed, and the names that FSEvents' reports are turned
back into."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from watchfiles.main import FileChange

from carryover.fsio import entries_below, is_folder

MOST_FOLDERS: Final = 8_000
"""How many folders are watched at most where links lead out of those of agents."""
_OF_THE_SYSTEM: Final = ("/dev", "/proc", "/run", "/sys")


class Below(msgspec.Struct, frozen=True):
    """The folders `tops`, and what is below them."""

    tops: tuple[str, ...]
    followed: tuple[str, ...] = ()
    """The links to folders that are followed."""
    closed: tuple[str, ...] = ()
    """The folders that cannot be read."""


def folders_below(tops: Iterable[Path]) -> Below:
    """Returns what is below the folders `tops`. Links are followed that lead to another of the user's folders.

    No link is followed to the system's folders, to a folder that it is in, or from what another link leads to. Blocks.
    """
    links: list[str] = []
    closed: list[str] = []

    def note(error: OSError) -> None:
        if isinstance(error, PermissionError):
            closed.append(str(error.filename))

    above = tuple(map(str, tops))
    for top in above:
        links += (
            each.path
            for each in entries_below(Path(top), onerror=note)
            if each.is_symlink() and is_folder(Path(each.path))
        )
    return Below(above, tuple(filter(_is_followed, links)), tuple(closed))


def _is_followed(link: str) -> bool:
    with suppress(OSError):
        target = Path(link).resolve(strict=True)
        around = Path(link).parent.resolve()
        is_systems = str(target).startswith(tuple(f"{folder}/" for folder in _OF_THE_SYSTEM))
        is_own = target.stat().st_uid == os.getuid()
        return is_own and not is_systems and str(target) not in _OF_THE_SYSTEM and not around.is_relative_to(target)
    return False


def as_asked(changes: Iterable[FileChange], asked: Mapping[str, Sequence[str]]) -> set[FileChange]:
    """Returns changes in real folders by the names for which those were `asked`, leaving out all others."""
    return {
        (change, f"{name}{path[len(real) :]}")
        for change, path in changes
        for real, names in asked.items()
        if path == real or path.startswith(f"{real}/")
        for name in names
    }
