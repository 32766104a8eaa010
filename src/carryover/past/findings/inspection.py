"""The facts that take longer, for `doctor` alone: projects' files, the whole ledger, other programs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent
from carryover.agents import adapters, instruction_files
from carryover.config import Config, project_settings
from carryover.errors import UserError
from carryover.fsio import is_folder
from carryover.how_installed import on_path_here
from carryover.ingest import scan
from carryover.install.machine import Machine, copies_of_command
from carryover.install.service import DAEMON_COMMAND, this_program
from carryover.ledger.codec import count_damaged
from carryover.ledger.connect import LedgerDamaged, as_ledger_error, connect_tolerant
from carryover.past.context import current_folder
from carryover.past.findings.facts import Inspection, LedgerFacts, ProjectFacts, UnreadSource
from carryover.past.findings.ledger import RecordedFiles, ledger_facts, recent_projects, recorded_files
from carryover.paths import StateDir
from carryover.probe.checkout import Checkout
from carryover.probe.looks import look_at_each
from carryover.projects.policy import refusal
from carryover.projects.root import StatePaths
from carryover.publish.pointers import block_state, hidden_files, pointer
from carryover.terminal.output import counted

_MOST_PROJECTS: Final = 20
"""How many of the newest projects are inspected; each costs calls to git."""


def private_paths(state: StateDir) -> tuple[Path, ...]:
    """Returns the existing files that only their owner may read."""
    paths = (state.root, state.ledger, state.config, state.log)
    return tuple(path for path in paths if path.exists() and not path.is_symlink())


def inspection_of(state: StateDir, config: Config, machine: Machine) -> Inspection:
    """Inspects the disk and the whole ledger. Blocks."""
    program = this_program(os.environ, state.root)
    shell = on_path_here()
    folder = Path(program.command[0]).resolve().parent
    daemons = (command.path for command in copies_of_command((DAEMON_COMMAND,), machine))
    return Inspection(
        ledger_damage=_damage(state, config, machine),
        free_bytes=_free_bytes(state.root if state.root.is_dir() else machine.home),
        unusable=_unusable(state.root),
        open_to_others=tuple(str(path) for path in private_paths(state) if stat.S_IMODE(path.stat().st_mode) & 0o077),
        hook_script_missing=not state.hook_script.is_file(),
        curl_missing=shutil.which("curl", path=machine.env.get("PATH")) is None,
        path_problem=shell.problem,
        path_remedy=shell.remedy,
        other_installs=tuple(str(path) for path in daemons if path.resolve().parent != folder),
    )


def _unusable(folder: Path) -> str | None:
    """Returns why nothing can be written into the state folder, or why it can't be made."""
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    is_made = there == folder
    if is_made and there.stat().st_uid != os.geteuid():
        return "it belongs to another user"
    can_write = os.access(there, os.W_OK | os.X_OK)
    return None if can_write else "it can't be written" if is_made else "the folder above it can't be written"


def _free_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _damage(state: StateDir, config: Config, machine: Machine) -> str | None:
    try:
        with as_ledger_error(state.ledger), closing(connect_tolerant(state.ledger, keep_index=True)) as db:
            [answer] = db.execute("PRAGMA quick_check(1)").fetchone()
            if answer == "ok" and (damaged := count_damaged(db)):
                answer = f"{counted(damaged, 'entry', 'entries')} cannot be read."
            if answer == "ok":
                ledger_facts(state, config, machine)  # again: what kept it from being read may have ended meanwhile
    except (UserError, sqlite3.Error) as error:  # one of another version, or one in use, must stay where it is
        return str(error) if isinstance(error, LedgerDamaged | sqlite3.Error) else None
    return None if answer == "ok" else str(answer).splitlines()[-1]


def inspected_projects(
    projects: Sequence[ProjectFacts], ledger: LedgerFacts | None, state: StateDir, config: Config, home: Path
) -> tuple[ProjectFacts, ...]:
    """Returns the projects, and with their files the newest and the one around this folder. Blocks (files, git)."""
    recent = [row.root for row in recent_projects(ledger, config)[:_MOST_PROJECTS]]
    states = recorded_files(state)
    paths = StatePaths(state, home, config.agents)
    by_root = {root: ProjectFacts(root=root) for root in recent} | {project.root: project for project in projects}
    inspect = partial(_inspected, config=config, paths=paths, states=states)
    for root, project in look_at_each(recent, lambda root: inspect(by_root[root])):
        by_root[root] = project
    around = partial(_root_around, config=config, paths=paths)
    for _, root_here in look_at_each(filter(None, (current_folder(),)), around):
        if root_here is not None and root_here not in recent:
            project = by_root.get(root_here, ProjectFacts(root=root_here))
            by_root[root_here] = msgspec.structs.replace(project, unread=_unread(Path(root_here), states))
    return tuple(by_root.values())


def _root_around(folder: Path, config: Config, paths: StatePaths) -> str | None:
    """Returns the project around a folder, which may have a transcript, and no session yet; None if it is left out."""
    root = paths.root_of(str(folder)).root
    return root if project_settings(Path(root), config).excluded is None else None


def _inspected(project: ProjectFacts, config: Config, paths: StatePaths, states: RecordedFiles) -> ProjectFacts:
    root = Path(project.root)
    settings = project_settings(root, config)
    if not settings.is_inside or not is_folder(root):
        return project
    blocks = {name: block_state(pointer(root, name).found()) for name in instruction_files()}
    return msgspec.structs.replace(
        project,
        refusal=refusal(Checkout(root), paths),
        edited=tuple(name for name, block in blocks.items() if block == "edited"),
        broken=tuple(name for name, block in blocks.items() if block == "broken"),
        hidden=hidden_files(root) if settings.pointers == "shared" else (),
        unread=_unread(root, states),
    )


def _unread(root: Path, states: RecordedFiles) -> tuple[UnreadSource, ...]:
    return tuple(
        UnreadSource(agent=agent.id, path=source.path, reason=reason)
        for agent in adapters().values()
        if agent.in_projects
        for source, reason in scan.others_sources(agent, root)
        if not _is_imported(agent, source.path, states)
    )


def _is_imported(agent: Agent, path: str, states: RecordedFiles) -> bool:
    """Whether the ledger has read the file as it is now, since the user named it."""
    try:
        stat = agent.reader.stat(Path(path))
    except OSError:
        return False
    return states.get((agent.id, path)) == (stat.size, stat.mtime_ns)
