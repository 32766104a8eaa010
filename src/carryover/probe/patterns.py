"""Patterns by which the user names projects in the settings."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from itertools import takewhile
from pathlib import Path

from carryover.paths import expanded
from carryover.platform import here
from carryover.probe.looks import look_at


def patterns_naming(root: Path, patterns: Collection[str]) -> Iterator[str]:
    """Yields those of the patterns that name the project at `root`, or a folder around it."""
    if not patterns:
        return
    real = here().canonical(root) if root.is_absolute() else str(root)  # one of another system is not below this folder
    places = {Path(here().alike(path)) for path in (str(root), real)}
    folders = [folder for place in places for folder in (place, *place.parents) if folder.name]
    for pattern in patterns:
        spelt = expanded(pattern)
        if _is_named(folders, spelt) or _is_named(folders, _without_links(spelt)):
            yield pattern


def names_alone(pattern: str, root: str) -> bool:
    """Whether a pattern is exactly the path of this project, whether `carryover pause` or a person wrote it."""
    return here().alike(str(expanded(pattern))) == here().alike(glob.escape(root))


def paused_with(root: str, patterns: Iterable[str]) -> str | None:
    """Returns the folder, of this project or around it, that one of the patterns is exactly the path of."""
    patterns = tuple(patterns)
    folders = (root, *map(str, Path(root).parents))
    return next((folder for folder in folders if any(names_alone(pattern, folder) for pattern in patterns)), None)


def _is_named(folders: Iterable[Path], pattern: Path) -> bool:
    whole = here().alike(str(pattern))
    return any(folder.match(whole) for folder in folders)


def _without_links(pattern: Path) -> Path:
    """Returns the pattern with the real path of its folders before the first wildcard, as projects are recorded: a link
    may lead to the home folder, or from it to another disk. That disk is not waited for."""
    if not pattern.is_absolute():
        return pattern
    literal = [*takewhile(lambda part: not glob.has_magic(part), pattern.parts)]
    folder = Path(*literal)
    try:
        real = look_at(folder, partial(here().canonical, folder), soon=True)
    except (OSError, ValueError):
        return pattern
    return Path(glob.escape(real), *pattern.parts[len(literal) :])
