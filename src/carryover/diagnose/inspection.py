"""Gathers the facts that only `carryover doctor` needs: git, the whole ledger, the port, other programs."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from carryover.adapter.spec import AGENTS_MD
from carryover.agents import adapters, instruction_files
from carryover.config import Config, project_settings
from carryover.daemon.crashes import crash_reports
from carryover.daemon.health import Health
from carryover.diagnose.report import (
    Inspection,
    ProjectReport,
    UnreadSource,
)
from carryover.edits.record import Record
from carryover.errors import UserError
from carryover.fsio import is_folder
from carryover.ingest.scan import (
    MS_PER_DAY,
    others_sources,
)
from carryover.install.how_installed import command_for_mcp_sdk, on_path_here
from carryover.install.machine import Machine, copies
from carryover.install.service import COMMAND, Program
from carryover.ledger.codec import count_damaged
from carryover.ledger.connect import connect_tolerant
from carryover.ledger.queries import connect_read_only, projects
from carryover.paths import StateDir
from carryover.projects.policy import refusal
from carryover.projects.root import agent_folders
from carryover.publish.pointers import block_end, block_state, hidden_files, read_instructions
from carryover.terminal.output import counted

MOST_PROJECTS: Final = 20
"""How many of the newest projects are inspected; each costs calls to git."""
_PORT_ANSWER_S: Final = 1.0


def private_paths(state: StateDir) -> tuple[Path, ...]:
    """Returns the existing files that only their owner may read."""
    paths = (state.root, state.ledger, state.config, state.log)
    return tuple(path for path in paths if path.exists() and not path.is_symlink())


def inspected(
    state: StateDir,
    config: Config,
    health: Health | None,
    machine: Machine,
    record: Record,
    program: Program,
    ledger_problem: str | None,
) -> Inspection:
    """Gathers the facts that take longer. Never raises if one can't be determined."""
    shell = on_path_here()
    return Inspection(
        program=" ".join(program.command),
        port=config.server.port,
        stranger=health is None and _is_taken(config.server.port),
        projects=_projects(state, config, machine.home),
        ledger_damage=ledger_problem or _damage(state),
        free_bytes=_free_bytes(state, machine.home),
        open_to_others=tuple(str(path) for path in private_paths(state) if stat.S_IMODE(path.stat().st_mode) & 0o077),
        hook_script_missing=not state.hook_script.is_file(),
        curl_missing=shutil.which("curl", path=machine.env.get("PATH")) is None,
        mcp_sdk=command_for_mcp_sdk() if any(file.form == "server" for file in record.files) else None,
        path_problem=shell.problem,
        path_remedy=shell.remedy,
        other_installs=_other_installs(machine, program),
        crashes=crash_reports(state.crashes),
    )


def _is_taken(port: int) -> bool:
    if port == 0:
        return False
    try:
        socket.create_connection(("127.0.0.1", port), timeout=_PORT_ANSWER_S).close()
    except OSError:
        return False
    return True


def _damage(state: StateDir) -> str | None:
    if not state.ledger.exists():
        return None
    try:
        with closing(connect_tolerant(state.ledger, keep_index=True)) as db:
            [answer] = db.execute("PRAGMA quick_check(1)").fetchone()
            damaged = count_damaged(db) if answer == "ok" else 0
    except (UserError, sqlite3.Error) as error:
        return str(error)
    if damaged:
        return f"{counted(damaged, 'entry', 'entries')} cannot be read."
    return None if answer == "ok" else str(answer)


def _projects(state: StateDir, config: Config, home: Path) -> tuple[ProjectReport, ...]:
    since_ms = int(time.time() * 1000) - config.publish.active_days * MS_PER_DAY
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            rows = [row for row in projects(db) if row.last_event_ms >= since_ms][:MOST_PROJECTS]
    except (UserError, sqlite3.Error):  # there is none, or its damage is reported elsewhere
        return ()
    own = agent_folders(config.agents, home, os.environ)
    roots = (Path(row.root) for row in rows)
    return tuple(_project(root, config, home, own) for root in roots if _is_published(root, config))


def _is_published(root: Path, config: Config) -> bool:
    settings = project_settings(root, config)
    return is_folder(root) and settings.excluded is None and settings.folder is None


def _project(root: Path, config: Config, home: Path, own: frozenset[Path]) -> ProjectReport:
    pointers = project_settings(root, config).pointers
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
        unread=tuple(
            UnreadSource(agent=agent.id, path=source.path, reason=reason)
            for agent in adapters().values()
            if agent.in_projects
            for source, reason in others_sources(agent, root)
        ),
    )


def _free_bytes(state: StateDir, home: Path) -> int | None:
    try:
        return shutil.disk_usage(state.root if state.root.is_dir() else home).free
    except OSError:
        return None


def _other_installs(machine: Machine, program: Program) -> tuple[str, ...]:
    own = Path(program.command[0]).resolve()
    found = copies((COMMAND,), machine)
    return tuple(str(command.path) for command in found if command.path.resolve().parent != own.parent)
