"""What Carryover must know of an agent to install itself there: data only, one `ToolSpec` an agent.

Nothing here looks at the machine; `carryover.install.detect` does, by what the spec says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

LINUX: Final = "linux"
MACOS: Final = "darwin"
"""Platforms as `sys.platform` names them."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder of the user, whose standard place an environment variable may move."""

    path: str
    """The standard place; `~/` is the home folder."""
    env: str | None = None
    """The variable that moves it. Unset and blank are the same."""
    below: str = ""
    """Where it is below the folder that the variable names; the folder itself when empty."""
    platforms: tuple[str, ...] = ()
    """The platforms that have it; empty: all."""

    def at(self, home: Path, env: Mapping[str, str]) -> Path:
        """Its absolute path. A variable that holds a relative path is read as relative to the home folder."""
        moved = env.get(self.env, "").strip() if self.env else ""
        if not moved:
            return _below_home(self.path, home)
        return _below_home(moved, home) / self.below


class VersionProbe(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent is asked for its version."""

    args: tuple[str, ...]
    pattern: str
    """Regular expression looked for at the beginnings of lines (MULTILINE); group 1 is the version."""
    limit_s: float = 2.0
    """After that long it has not answered."""


class HookEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One hook to write."""

    event: str
    """In the agent's own spelling."""
    timeout_s: int
    """What the agent may wait for it at most."""
    matcher: str | None = None
    """None: no matcher is written."""


class HookSet(msgspec.Struct, frozen=True, kw_only=True):
    """The hooks of a range of versions."""

    versions: str
    """The range, as `packaging.specifiers` reads it: `>=1.0.62,<1.0.85`. Only released numbers are compared."""
    label: str
    """The range as people read it: `2.x`."""
    hooks: tuple[HookEntry, ...]

    @property
    def events(self) -> tuple[str, ...]:
        return tuple(hook.event for hook in self.hooks)


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """After how many days an agent deletes its transcripts."""

    key: str
    """Of its settings, at the top level."""
    default_days: int
    """Where the settings do not say."""


class ToolSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One agent, as it is installed on people's machines."""

    id: str
    name: str
    """As people read it in the list of agents."""
    binaries: tuple[str, ...]
    """Names of its command, the usual one first."""
    folders: tuple[Place, ...]
    """Folders that are there where the agent is used, also where its command is not found (inside an editor)."""
    binary_folders: tuple[Place, ...] = ()
    """Where its command lies beside PATH and the places that are usual for all."""
    supported: bool = False
    """Carryover has an adapter for it. Without one, only `id`, `name`, `binaries` and `folders` say anything."""
    version: VersionProbe | None = None
    """None: it is not asked."""
    config_files: tuple[Place, ...] = ()
    """Settings files that may hold our hooks: the first that exists is taken, else the first."""
    transcripts: tuple[Place, ...] = ()
    """Folders that hold its transcripts."""
    retention: Retention | None = None
    """None: it keeps them, or nobody knows."""
    hook_sets: tuple[HookSet, ...] = ()
    """From the oldest range to the newest. Together they leave no version out above the lowest."""
    injects_on: tuple[str, ...] = ()
    """Events whose hook can put text into the session's context."""
    instruction_files: tuple[str, ...] = ()
    """Files in a project that it reads by itself, as far as we put a pointer into them."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that move something of this agent, each once."""
        places = (*self.folders, *self.binary_folders, *self.config_files, *self.transcripts)
        return tuple(dict.fromkeys(place.env for place in places if place.env))


def places_on(places: tuple[Place, ...], platform: str) -> tuple[Place, ...]:
    """Those of `places` that a platform (as `sys.platform` names it) has."""
    return tuple(place for place in places if not place.platforms or platform in place.platforms)


def _below_home(path: str, home: Path) -> Path:
    return home / path.removeprefix("~").lstrip("/") if path.split("/")[0] == "~" else home / path
