"""Finds the project that a working folder belongs to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from carryover.agents import specs
from carryover.config import AgentConfig, AgentsConfig
from carryover.facts import ProjectRoot
from carryover.fsio import FileStamp, file_stamp, is_gone
from carryover.paths import StateDir
from carryover.platform import here
from carryover.probe.git_dir import git_dir_of, is_top, main_of
from carryover.probe.looks import look_at, look_at_each
from carryover.probe.memory import known_answer, remember

if TYPE_CHECKING:
    from carryover.adapter.spec import AgentSpec  # finding a folder needs no agent
    from carryover.probe.checkout import Checkout  # what starts git

_MOST_CHARS: Final = 4096
"""No system opens a longer path, and the search looks at each folder above."""
_EVERYONES: Final = tuple(map(Path, ("/tmp", "/var/tmp", "/private/tmp", "/private/var/tmp", "/dev/shm")))
"""Folders in which any user, and any program, can make a `.git`."""


_TREES: Final = "/worktrees/"


def find_root(
    cwd: str, *, home: Path | None = None, agents_own: Callable[[], frozenset[Path]] | None = None
) -> ProjectRoot:
    """Returns the nearest folder at or above `cwd` that is the top of a git checkout; without one, `cwd` itself.

    As far as the path exists, it is spelt as on disk and symlinks are resolved. A repository in the home folder
    (dotfiles), in `/` or in a folder of everyone's does not include the folders below. A `cwd` that is not an absolute
    path, as from another system, or is longer than any, is returned unchanged. A worktree that an agent created in its
    own folder (Codex 0.169: `~/.codex/worktrees/<id>/<name>`) belongs to its main checkout's project. `agents_own`
    returns those folders; None means their standard places.
    """
    if not cwd.startswith("/") or "\0" in cwd or len(cwd) > _MOST_CHARS:
        return ProjectRoot(cwd)
    start = Path(here().canonical(cwd))
    home = Path(here().canonical(home or Path.home()))
    too_high = {Path("/"), home, *_EVERYONES}
    for folder in (start, *start.parents):
        if folder in too_high and folder != start:
            continue
        if is_top(folder):
            main_root = main_of(folder, git_dir_of(folder))
            if main_root is not None:
                own = agents_own() if agents_own is not None else agent_folders(AgentsConfig(), home, {})
                if not own.isdisjoint(folder.parents):
                    return ProjectRoot(main_root, checkout=str(folder))
            return ProjectRoot(str(folder), main_root)
    return ProjectRoot(str(start), gone=is_gone(start))


def agents_checkouts(checkout: Checkout, agents: AgentsConfig) -> tuple[str, ...]:
    """Returns the worktrees of the repository that agents created for themselves, sorted by name in git."""
    others = checkout.others if checkout.git_dir == checkout.common else []  # a worktree has none
    own = agent_folders(agents, Path.home(), os.environ) if others else frozenset()
    return tuple(str(folder) for folder in others if not own.isdisjoint(folder.parents))


def removed_checkouts(root: str, edited: Iterable[str], agents: AgentsConfig) -> tuple[str, ...]:
    """Returns the worktrees of the project at `root` that agents created for themselves and that are gone, by files
    `edited` in them (Codex 0.169: `~/.codex/worktrees/<id>/<name of the root's folder>`)."""
    part = f"/{Path(root).name}/"
    split = (path.partition(_TREES) for path in edited)
    cut = ((before, *below.partition(part)) for before, _, below in split)
    ids = ((before, ident) for before, ident, found, _ in cut if found and "/" not in ident)
    may_be = {f"{before}{_TREES}{ident}{part}".rstrip("/") for before, ident in ids}
    if not may_be:
        return ()
    own = agent_folders(agents, Path.home(), os.environ)
    return tuple(sorted(one for one in may_be if not own.isdisjoint(Path(one).parents) and is_gone(Path(one))))


def agent_folders(agents: AgentsConfig, home: Path, env: Mapping[str, str]) -> frozenset[Path]:
    """Returns agents' own folders: the standard ones, those that `env` names, and those that install recorded, since
    a service lacks the user's variables. Their real paths are found out once for the same settings, and again when
    something is added to a folder on their way below the home folder: one of them may be a link by then."""
    variables = {place.env for spec in specs() for place in (*spec.folders, *spec.other_folders)}
    moved = {name: env[name] for name in variables if name is not None and name in env}
    question, settings = (home, "agents' own"), (agents, moved)
    kept: tuple[list[tuple[Path, FileStamp | None]], frozenset[Path]] | None = known_answer(question, settings)
    if kept is not None and _stamps(folder for folder, _ in kept[0]) == kept[0]:
        return kept[1]
    places = {place for spec in specs() for place in _places_of(spec, agents.of(spec.id), home, moved)}
    stamps = [(way, stamp) for way, stamp in _stamps(_above(places, home)) if stamp is not None or way == home]
    real = look_at_each(places, here().canonical)
    found = frozenset(Path(folder) for _, folder in real)
    if len(real) == len(places):  # else a disk does not answer now
        remember(question, settings, (stamps, found))
    return found


def _above(places: Iterable[Path], home: Path) -> set[Path]:
    """Returns the folders on the way to `places` from the home folder on."""
    found: set[Path] = set()
    for place in places:
        folder = place.parent
        while folder not in found and folder.is_relative_to(home):
            found.add(folder)
            folder = folder.parent
    return found


def _stamps(folders: Iterable[Path]) -> list[tuple[Path, FileStamp | None]]:
    return look_at_each(folders, partial(file_stamp, follow=True))


def _places_of(spec: AgentSpec, known: AgentConfig, home: Path, moved: Mapping[str, str]) -> Iterator[Path]:
    inferred: list[dict[str, str]] = []
    movable = [(place.env, f"/{place.below}") for place in spec.transcripts if place.env and place.below]
    for root, (variable, below) in product((root.rstrip("/") for root in known.roots), movable):
        if root.endswith(below):
            inferred.append({variable: root.removesuffix(below)})
    for variables in ({}, *filter(None, (moved, known.env, *inferred))):
        yield from (place.at(home, variables) for place in (*spec.folders, *spec.other_folders))


class StatePaths(msgspec.Struct, frozen=True):
    """The state folder, with what tells which folders are projects: the home folder, and where agents are."""

    state: StateDir
    home: Path
    agents: AgentsConfig = AgentsConfig()

    def agents_own(self) -> frozenset[Path]:
        """Returns the folders in which agents keep their own data."""
        return agent_folders(self.agents, self.home, os.environ)

    def root_of(self, folder: str) -> ProjectRoot:
        """Returns the project that a folder belongs to. Blocks. Raises Silent if its disk does not answer."""
        return look_at(folder, partial(find_root, folder, home=self.home, agents_own=self.agents_own))
