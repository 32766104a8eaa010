"""Finds out what takes longer, for `doctor` alone: git, the whole ledger, the port, other programs. Reads only."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import stat
import time
from collections.abc import Collection, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent
from carryover.adapter.spec import AGENTS_MD
from carryover.agents import adapters, instruction_files
from carryover.config import Config, project_settings
from carryover.daemon.crash_files import crash_reports
from carryover.errors import UserError
from carryover.fsio import is_folder
from carryover.how_installed import command_for_mcp, on_path_here
from carryover.ingest import scan
from carryover.install.machine import Machine, copies
from carryover.install.service import COMMAND, this_program
from carryover.ledger.codec import count_damaged
from carryover.ledger.connect import LedgerDamaged, as_ledger_error, connect_tolerant
from carryover.ledger.queries import connect_read_only, file_states, projects
from carryover.past.diagnose import report as reports
from carryover.past.diagnose.recorded import ledger_report
from carryover.past.diagnose.report import Inspection, ProjectReport, Report
from carryover.paths import StateDir
from carryover.probe.looks import look_at_each
from carryover.projects.policy import refusal
from carryover.projects.root import agent_folders, find_root
from carryover.publish.pointers import block_end, block_state, hidden_files, read_instructions
from carryover.terminal.output import counted

_MOST_PROJECTS: Final = 20
"""How many of the newest projects are inspected; each costs calls to git."""
_PORT_ANSWER_S: Final = 1.0
_States = Mapping[tuple[str, str], tuple[int, int]]
"""The size and modification time (ns) of files when they were last read, by agent and path."""


def private_paths(state: StateDir) -> tuple[Path, ...]:
    """Returns the existing files that only their owner may read."""
    paths = (state.root, state.ledger, state.config, state.log)
    return tuple(path for path in paths if path.exists() and not path.is_symlink())


def inspected(report: Report, state: StateDir, config: Config, machine: Machine, serves_mcp: bool) -> Inspection:
    """Looks at what the report leaves out. Blocks (git, the whole ledger, the port)."""
    program = this_program(os.environ, state.root)
    shell = on_path_here()
    port = config.server.port
    own = Path(program.command[0]).resolve()
    daemons = (command.path for command in copies((COMMAND,), machine))
    free_bytes = None
    stranger = False
    with suppress(OSError):
        if report.daemon is None and port != 0 and not config.port_may_move:
            socket.create_connection(("127.0.0.1", port), timeout=_PORT_ANSWER_S).close()
            stranger = True
    with suppress(OSError):
        free_bytes = shutil.disk_usage(state.root if state.root.is_dir() else machine.home).free
    return Inspection(
        program=" ".join(program.command),
        port=port,
        stranger=stranger,
        projects=_projects(state, config, machine.home),
        ledger_damage=_damage(state, config, machine),
        free_bytes=free_bytes,
        open_to_others=tuple(str(path) for path in private_paths(state) if stat.S_IMODE(path.stat().st_mode) & 0o077),
        hook_script_missing=not state.hook_script.is_file(),
        curl_missing=shutil.which("curl", path=machine.env.get("PATH")) is None,
        mcp_sdk=command_for_mcp() if serves_mcp else None,
        path_problem=shell.problem,
        path_remedy=shell.remedy,
        other_installs=tuple(str(path) for path in daemons if path.resolve().parent != own.parent),
        crashes=crash_reports(state.crashes),
    )


def _damage(state: StateDir, config: Config, machine: Machine) -> str | None:
    try:
        with as_ledger_error(state.ledger), closing(connect_tolerant(state.ledger, keep_index=True)) as db:
            [answer] = db.execute("PRAGMA quick_check(1)").fetchone()
            if answer == "ok" and (damaged := count_damaged(db)):
                answer = f"{counted(damaged, 'entry', 'entries')} cannot be read."
            if answer == "ok":
                ledger_report(state, config, machine)  # again: what kept it from being read may have ended meanwhile
    except (UserError, sqlite3.Error) as error:  # one of another version, or one in use, must stay where it is
        return str(error) if isinstance(error, LedgerDamaged | sqlite3.Error) else None
    return None if answer == "ok" else str(answer).splitlines()[-1]


def _projects(state: StateDir, config: Config, home: Path) -> tuple[ProjectReport, ...]:
    since_ms = int(time.time() * 1000) - config.publish.active_ms
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            rows = [row for row in projects(db) if row.last_event_ms >= since_ms][:_MOST_PROJECTS]
            known = file_states(db)
    except (UserError, sqlite3.Error):  # there is none, or its damage is reported elsewhere
        rows, known = [], {}
    own = agent_folders(config.agents, home, os.environ)
    roots = [Path(row.root) for row in rows]
    each = look_at_each(roots, lambda root: _project(root, config, home, own, known))
    here = look_at_each(_current_folder(), lambda folder: _around(folder, roots, config, home, own, known))
    return tuple(found for _, found in (*each, *here) if found is not None)


def _current_folder() -> tuple[Path, ...]:
    try:
        return (Path.cwd(),)
    except OSError:  # it is gone
        return ()


def _around(
    folder: Path, others: Collection[Path], config: Config, home: Path, own: frozenset[Path], known: _States
) -> ProjectReport | None:
    """Returns the project around a folder unless it is among `others`: it may have a transcript, and no session yet."""
    root = Path(find_root(str(folder), home=home, agents_own=lambda: own).root)
    if root in others or project_settings(root, config).excluded is not None:
        return None
    return ProjectReport(root=str(root), unread=_unread(root, known))


def _unread(root: Path, known: _States) -> tuple[reports.UnreadSource, ...]:
    return tuple(
        reports.UnreadSource(agent=agent.id, path=source.path, reason=reason)
        for agent in adapters().values()
        if agent.in_projects
        for source, reason in scan.others_sources(agent, root)
        if not _is_imported(agent, source.path, known)
    )


def _is_imported(agent: Agent, path: str, known: _States) -> bool:
    """Whether the ledger has read the file as it is now, since the user named it."""
    try:
        stat = agent.reader.stat(Path(path))
    except OSError:
        return False
    return known.get((agent.id, path)) == (stat.size, stat.mtime_ns)


def _project(root: Path, config: Config, home: Path, own: frozenset[Path], known: _States) -> ProjectReport | None:
    settings = project_settings(root, config)
    if not is_folder(root) or settings.excluded is not None or settings.folder is not None:
        return None
    pointers = settings.pointers
    names = tuple(instruction_files())
    texts = {name: read_instructions(root, name) for name in names}
    states = {name: block_state(text) for name, text in texts.items()}
    return ProjectReport(
        root=str(root),
        pointers=pointers,
        refusal=refusal(root, home=home, agents_own=lambda: own),
        edited=tuple(name for name in names if states[name] == "edited"),
        broken=tuple(name for name in names if states[name] == "broken"),
        pointer_end_bytes=block_end(texts[AGENTS_MD]),
        hidden=hidden_files(root) if pointers == "shared" else (),
        unread=_unread(root, known),
    )
