"""The machine as the installer sees it: home, environment, platform, and where its commands are.

Commands are looked up on PATH, and in places where a shell would find them but a service would not.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import msgspec

from carryover.adapter.spec import LINUX, MACOS, AgentSpec, Place, places_on
from carryover.agents import specs, startable_agents
from carryover.platform import here
from carryover.text.pattern import later

VERSION_S: Final = 5.0
"""Seconds that an agent may take to say its version: a person waits for it."""


class Machine(msgspec.Struct, frozen=True):
    """Where to look for files and commands. `root` is prepended to system folders such as `/usr/local/bin`."""

    home: Path
    env: Mapping[str, str] = {}
    platform: str = msgspec.field(default_factory=lambda: here().name)
    root: Path = Path("/")
    answer_s: float = VERSION_S

    @classmethod
    def here(cls, recorded: Mapping[str, str] | None = None) -> Self:
        """Returns this machine. `recorded`: variables from an earlier install; current ones take precedence."""
        return cls(home=Path.home(), env={**(recorded or {}), **os.environ})


_OF_THE_USER: Final = (
    Place(path="~/.local/bin"),
    Place(path="~/bin"),
    Place(path="~/.npm-global/bin", env="NPM_CONFIG_PREFIX", below="bin"),
    Place(path="~/.bun/bin", env="BUN_INSTALL", below="bin"),
    Place(path="~/.volta/bin", env="VOLTA_HOME", below="bin"),
    Place(path="~/.local/share/pnpm", env="PNPM_HOME", platforms=(LINUX,)),
    Place(path="~/Library/pnpm", env="PNPM_HOME", platforms=(MACOS,)),
    Place(path="~/.asdf/shims", env="ASDF_DATA_DIR", below="shims"),
    Place(path="~/.local/share/mise/shims", env="MISE_DATA_DIR", below="shims"),
)
_OF_THE_SYSTEM: Final = ("opt/homebrew/bin", "home/linuxbrew/.linuxbrew/bin", "usr/local/bin", "usr/bin", "snap/bin")
_NVM: Final = Place(path="~/.nvm/versions/node", env="NVM_DIR", below="versions/node")
"""Contains one folder per version of node, each with its own global packages."""

_NUMBERS: Final = later(r"\d{1,9}")


class FoundCommand(msgspec.Struct, frozen=True):
    """A command that was found. `path` has its symlinks unresolved."""

    path: Path
    on_path: bool


def copies_of_command(
    names: tuple[str, ...], machine: Machine, more: tuple[Place, ...] = ()
) -> tuple[FoundCommand, ...]:
    """Returns every copy of a command, the one that a shell would run first; links to the same file count once. `more`
    are folders specific to this command, searched before the standard ones."""
    found: dict[Path, FoundCommand] = {}
    for folder, on_path in _folders(machine, more):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118 (no Path objects: for all agents there are 500)
            if (file := program_at(path)) is not None:
                found.setdefault(file, FoundCommand(Path(path), on_path))
    return tuple(found.values())


def start_command(spec: AgentSpec, machine: Machine) -> FoundCommand | None:
    """Returns the command that starts an agent, as a shell would find it; None if it is missing or takes no prompt."""
    if spec.start is None:
        return None
    return next(
        iter(copies_of_command((spec.binaries[0],), machine, places_on(spec.binary_folders, machine.platform))), None
    )


def startable_here(selected: Collection[str] | None, machine: Machine) -> tuple[str, ...]:
    """Returns the ids of agents that are here and take a first prompt; with `selected`, only of these."""
    able = startable_agents(selected)
    return tuple(spec.id for spec in specs() if spec.id in able and start_command(spec, machine) is not None)


def _folders(machine: Machine, more: tuple[Place, ...]) -> Iterator[tuple[str, bool]]:
    on_path = machine.env.get("PATH", "").split(os.pathsep)
    # An empty or relative entry means the current folder, which may contain anyone's program.
    yield from ((entry, True) for entry in on_path if entry.startswith("/"))
    places = places_on((*more, *_OF_THE_USER), machine.platform)
    yield from ((str(place.at(machine.home, machine.env)), False) for place in places)
    with suppress(OSError):
        nodes = list(_NVM.at(machine.home, machine.env).iterdir())
        nodes.sort(key=lambda path: [int(number) for number in _NUMBERS.findall(path.name)], reverse=True)
        yield from ((str(folder / "bin"), False) for folder in nodes)
    yield from ((str(machine.root / folder), False) for folder in _OF_THE_SYSTEM)


def program_at(path: Path | str) -> Path | None:
    """Returns the real path of a file that the user may execute; None if there is none at `path`."""
    try:
        if stat.S_ISREG(os.stat(path).st_mode) and os.access(path, os.X_OK):  # noqa: PTH116 (no Path object)
            return Path(path).resolve()
    except (OSError, RuntimeError, ValueError):  # a symlink loop, or an invalid file name
        pass
    return None
