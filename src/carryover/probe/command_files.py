"""Reads the files that hold agents' commands, skills and prompts. Blocking and bounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from carryover.adapter.spec import PROJECT, Place
from carryover.fsio import read_bytes_bounded, stat_regular
from carryover.probe.memory import known_answer, remember

_MOST_FILES: Final = 300
_MOST_BYTES: Final = 128 << 10


def command_files(
    root: Path | None, kinds: Iterable[tuple[Place, Sequence[str]]], home: Path, env: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Returns the names and texts of the commands of the user and of the project at `root`, if it is here, in the order
    of their paths. `kinds`: as in `AgentSpec.commands`. At most 300; what cannot be read is left out."""
    paths = (
        path
        for place, patterns in kinds
        for path in _paths(root if place == PROJECT else place.at(home, env), patterns)
    )
    found = (_read(path) for path in islice(dict.fromkeys(paths), _MOST_FILES))
    return [file for file in found if file is not None]


def _paths(folder: Path | None, patterns: Sequence[str]) -> Iterator[str]:
    if folder is None:
        return
    for pattern in patterns:
        with suppress(OSError):
            yield from sorted(str(path) for path in islice(folder.glob(pattern), _MOST_FILES))


def _read(path: str) -> tuple[str, str] | None:
    name = _name(Path(path))
    try:
        status = stat_regular(path)
        stamp = status.st_ino, status.st_mtime_ns, status.st_size
        text: str | None = known_answer((path, "command"), stamp)
        if text is None:
            text = read_bytes_bounded(Path(path), _MOST_BYTES).decode("utf-8-sig")
            remember((path, "command"), stamp, text)
    except (OSError, ValueError):
        return None
    return (name, text) if name.isprintable() else None


def _name(path: Path) -> str:
    """Returns the name of a command: that of its file without suffixes; of a skill, that of its folder."""
    return path.parent.name if path.name == "SKILL.md" else path.name.partition(".prompt.")[0].removesuffix(path.suffix)
