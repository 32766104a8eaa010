"""Finds the project that a working folder belongs to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from carryover.adapter.spec import AgentSpec
from carryover.agents import specs
from carryover.config import AgentConfig, AgentsConfig
from carryover.facts import ProjectRoot
from carryover.fsio import is_gone
from carryover.paths import StateDir
from carryover.probe.git_dir import git_dir_of, named_in

AgentFolders = Callable[[], frozenset[Path]]
"""Returns what `agent_folders` returns. A call, since settings may change and most questions never need it."""


def find_root(cwd: str, *, home: Path | None = None, agents_own: AgentFolders | None = None) -> ProjectRoot:
    """The nearest folder at or above `cwd` that git calls the top of a checkout; without one `cwd` itself.

    Symlinks are resolved, so that a folder is one project by whatever path it is reached. A `cwd` that no longer exists
    is resolved by what is left of its path. A repository in the home folder (dotfiles) or in `/` does not include the
    folders below. A `cwd` that is no absolute path, as from another system, is returned as it is. A worktree that an
    agent made for itself in its own folder (Codex 0.169: `~/.codex/worktrees/<id>/<name>`) is no project but work on
    its main checkout. `agents_own` returns those folders; None means their standard places.
    """
    if not cwd.startswith("/") or "\0" in cwd:
        return ProjectRoot(cwd)
    start = Path(os.path.realpath(cwd))
    home = Path(os.path.realpath(home or Path.home()))
    too_high = {Path("/"), home}
    for folder in (start, *start.parents):
        if folder in too_high and folder != start:
            continue
        git_dir = git_dir_of(folder)
        if git_dir is not None:
            main_root = _main_root(folder, git_dir)
            if main_root is not None and _is_an_agents(folder, home, agents_own):
                return ProjectRoot(main_root, checkout=str(folder))
            return ProjectRoot(str(folder), main_root)
    return ProjectRoot(str(start), gone=is_gone(start))


def agents_checkouts(
    root: Path, *, home: Path | None = None, agents_own: AgentFolders | None = None
) -> tuple[str, ...]:
    """The worktrees of the repository at `root` that agents made for themselves, in the order of their names in git."""
    git_dir = git_dir_of(root)
    if git_dir is None:
        return ()
    home = Path(os.path.realpath(home or Path.home()))
    try:
        names = sorted(entry.name for entry in os.scandir(git_dir / "worktrees"))
    except OSError:
        return ()
    named = (named_in(git_dir / "worktrees" / name / "gitdir") for name in names)
    folders = [Path(os.path.realpath(entry.parent)) for entry in named if entry is not None]
    return tuple(str(folder) for folder in folders if _is_an_agents(folder, home, agents_own))


def agent_folders(agents: AgentsConfig, home: Path, env: Mapping[str, str]) -> frozenset[Path]:
    """The folders that agents keep their own data in: the standard ones, those that install recorded, those of `env`.

    A service does not have the variables of the user's shell, so what was recorded counts as well.
    """
    return frozenset(
        Path(os.path.realpath(place.at(home, variables)))
        for spec in specs()
        for variables in ({}, env, *_recorded_variables(spec, agents.of(spec.id)))
        for place in (*spec.folders, *spec.other_folders)
    )


def _recorded_variables(spec: AgentSpec, known: AgentConfig) -> Iterator[Mapping[str, str]]:
    """The variables that moved the agent's folders at the last install, as recorded or as the recorded roots imply."""
    yield known.env
    for root in known.roots:
        for place in spec.transcripts:
            if place.env and place.below and root.rstrip("/").endswith(f"/{place.below}"):
                yield {place.env: root.rstrip("/").removesuffix(f"/{place.below}")}


def _is_an_agents(folder: Path, home: Path, agents_own: AgentFolders | None) -> bool:
    own = agents_own() if agents_own is not None else agent_folders(AgentsConfig(), home, {})
    return not own.isdisjoint(folder.parents)


def _main_root(root: Path, git_dir: Path) -> str | None:
    """The main checkout of a worktree. Both must name each other, since a copied folder may claim any repository."""
    common = named_in(git_dir / "commondir")
    back = named_in(git_dir / "gitdir")
    if common is None or back is None or common.name != ".git":
        return None
    same = os.path.realpath(back) == os.path.realpath(root / ".git")
    return os.path.realpath(common.parent) if same else None


class StatePaths(msgspec.Struct, frozen=True, kw_only=True):
    """The paths of a ledger and of what belongs to it."""

    ledger: Path
    state: Path
    home: Path
    agents_own: AgentFolders | None = None
    """See `find_root`."""

    @classmethod
    def of(cls, state: StateDir, home: Path, agents_own: AgentFolders | None = None) -> StatePaths:
        """The paths of a state folder."""
        return cls(ledger=state.ledger, state=state.root, home=home, agents_own=agents_own)

    def root_of(self, folder: str) -> ProjectRoot:
        """The project that a folder belongs to. Blocks."""
        return find_root(folder, home=self.home, agents_own=self.agents_own)
