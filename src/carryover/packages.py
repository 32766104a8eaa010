"""Finds agents that installed packages bring, by their entry points in the group `carryover.agents`.

An entry point `scribe-cli = scribe_for_carryover` names the agent's id and the package that has its `SPEC` and, in
`adapter.py`, its `AGENT`. The files are read here, since every command asks: importing
`importlib.metadata` takes 60 ms.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ENTRY_POINT_GROUP: Final = "carryover.agents"
OWN: Final = "carryoverd"
"""The name of our own package."""
_FOLDERS: Final = ("site-packages", "dist-packages")
_INFO: Final = ".dist-info"
_MOST_BYTES: Final = 1 << 20


class PackagePlace(NamedTuple):
    """Where an agent is: its id, the Python package that holds it, and the installed package it is from."""

    id: str
    module: str
    package: str

    @property
    def is_ours(self) -> bool:
        """Whether it is a part of Carryover."""
        return self.package == OWN


def entry_points() -> list[PackagePlace]:
    """Returns the agents of all packages: ours first, then in the order in which Python looks for modules.

    Looks only where packages are installed, never in the current folder.
    """
    beside = str(Path(__file__).parents[1])
    folders = dict.fromkeys([beside, *(folder for folder in sys.path if folder.rpartition("/")[2] in _FOLDERS)])
    found = dict.fromkeys(place for folder in folders for place in _in_folder(folder))
    return sorted(found, key=lambda place: not place.is_ours)


def _in_folder(folder: str) -> Iterator[PackagePlace]:
    # No Path objects: for a hundred packages they take most of the time.
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(_INFO))  # noqa: PTH208
    except OSError:
        return
    for name in names:
        try:
            with open(f"{folder}/{name}/entry_points.txt", "rb") as file:  # noqa: PTH123
                _, _, group = file.read(_MOST_BYTES).decode("utf-8", "replace").partition(f"[{ENTRY_POINT_GROUP}]\n")
        except OSError:
            continue
        for line in group.partition("\n[")[0].splitlines():
            agent_id, equals, module = (part.strip() for part in line.partition("="))
            if equals and agent_id.replace("-", "").isalnum():
                yield PackagePlace(
                    agent_id, module.partition(":")[0].strip(), name.removesuffix(_INFO).rpartition("-")[0]
                )
