"""Finds out what the report holds. Reads only, creates nothing, and never raises for what cannot be found out."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sqlite3
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover import __version__
from carryover.adapter.spec import AGENTS_MD
from carryover.agents import adapters, agent_names, instruction_files, specs
from carryover.config import Config, load_config, project_settings
from carryover.daemon.client import ANSWER_S, ask_health, daemon_pid, exchange_versions, port_trouble
from carryover.daemon.crashes import CrashReport, crash_reports
from carryover.daemon.health import Health
from carryover.daemon.log_file import last_lines
from carryover.daemon.port_holder import port_holder
from carryover.diagnose.agent_reports import agent_reports
from carryover.diagnose.last_run import unfinished_run
from carryover.diagnose.report import (
    ConfigReport,
    Inspection,
    LedgerReport,
    LimitReport,
    MovedAside,
    ProjectReport,
    Report,
    UnfinishedRun,
    UnreadSource,
    WouldRead,
)
from carryover.distill.sections.limit import LASTS_MS, command
from carryover.edits.record import Record, load_record
from carryover.errors import UserError
from carryover.fsio import is_folder
from carryover.ingest.in_projects import others_sources
from carryover.ingest.scan import (
    MS_PER_DAY,
    FoundSource,
    readable_sources,
    roots_to_read,
)
from carryover.install.background import service_of_user
from carryover.install.detect import detect_all
from carryover.install.entry_places import with_entry_files
from carryover.install.hook_places import with_hook_files
from carryover.install.how_installed import how_installed
from carryover.install.machine import Machine, copies
from carryover.install.on_path import on_path_here
from carryover.install.service import COMMAND, Program, ServiceStatus
from carryover.install.startable import startable_here
from carryover.install.version_memory import VersionMemory
from carryover.ledger.queries import (
    ProjectRow,
    agents_seen,
    connect_read_only,
    gone_sources,
    projects,
    totals,
)
from carryover.paths import StateDir
from carryover.publish import pointer
from carryover.publish.instruction_files import hidden_files, read_instructions
from carryover.publish.limits import limited_projects
from carryover.publish.policy import refusal
from carryover.publish.project_root import agent_folders

MOST_PROJECTS: Final = 20
"""How many of the newest projects are inspected: git is asked about each."""
_PORT_ANSWER_S: Final = 1.0
_LOG_BYTES: Final = 2 * 1024 * 1024
"""So much of the end of the log is searched for the daemon's last starts."""


class Running(msgspec.Struct, frozen=True):
    """The running daemon, where this process is it. `versions` takes in what was found out of commands' versions, and
    returns all that is known."""

    health: Health
    versions: Callable[[Mapping[str, str]], Mapping[str, str]]


def gather(
    state: StateDir,
    home: Path,
    *,
    inspect: bool = False,
    env: Mapping[str, str] | None = None,
    running: Running | None = None,
) -> Report:
    """The report for a user whose environment is `env`, by default this process's; with `inspect` also what takes
    longer to find out.

    Runs the agents' commands to ask their versions, all at once, for a bounded time. Without `inspect` not those whose
    answer a running daemon keeps.
    """
    env = os.environ if env is None else env
    config, config_problem = _config(state)
    machine = Machine(home=home, env={**config.agents.recorded_env(), **env})
    ledger, ledger_problem = _ledger(state, config, machine)
    health, daemon_problem = _health(state) if running is None else (running.health, None)
    exchange = partial(exchange_versions, state) if running is None else running.versions
    memory = VersionMemory({} if inspect or health is None else exchange({}))
    seen = detect_all(specs(), machine, config.agents.recorded_versions(), ask=memory.ask)
    if memory.learned and health is not None:
        exchange(memory.learned)
    detections = with_entry_files(with_hook_files(seen, [state.hook_script]), machine.platform)
    manager, program = service_of_user(env, home)
    service = manager.status()
    inspection = None
    if inspect:
        inspection = _inspect(state, home, config, health, machine, service, program, ledger_problem)
    return Report(
        version=__version__,
        home=str(home),
        state_folder=str(state.root),
        paused=state.paused.exists(),
        daemon=health,
        daemon_problem=daemon_problem,
        service=service,
        agents=agent_reports(state, machine, config, detections, ledger.agents if ledger is not None else (), env),
        ledger=ledger,
        ledger_problem=ledger_problem,
        would_read=_would_read(config, home, env) if ledger is None and ledger_problem is None else (),
        corrupt_ledgers=_corrupt_ledgers(state),
        config=ConfigReport(str(state.config), config.unknown_keys) if state.config.exists() else None,
        config_problem=config_problem,
        inspection=inspection,
    )


def private_paths(state: StateDir) -> tuple[Path, ...]:
    """What only its owner may read, as far as it is there."""
    paths = (state.root, state.ledger, state.config, state.log)
    return tuple(path for path in paths if path.exists() and not path.is_symlink())


def _config(state: StateDir) -> tuple[Config, str | None]:
    try:
        return load_config(state.config), None
    except UserError as error:
        return Config(), str(error)


def _health(state: StateDir) -> tuple[Health | None, str | None]:
    try:
        return ask_health(state), None
    except TimeoutError:
        return None, f"A daemon runs, but did not answer within {ANSWER_S:g} s. Look into {state.log}."
    except (UserError, OSError) as error:
        return None, str(error)


def _corrupt_ledgers(state: StateDir) -> tuple[MovedAside, ...]:
    found = sorted(state.root.glob(f"{state.ledger.stem}.corrupt-*{state.ledger.suffix}"))
    return tuple(MovedAside(str(path), path.stat().st_size) for path in found)


def _ledger(state: StateDir, config: Config, machine: Machine) -> tuple[LedgerReport | None, str | None]:
    if not state.ledger.exists():
        return None, None
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            counts = totals(db)
            return LedgerReport(
                path=str(state.ledger),
                events=counts.events,
                sessions=counts.sessions,
                sources=counts.sources,
                gone_sources=gone_sources(db),
                project_count=counts.projects,
                bytes=counts.bytes,
                redactions=counts.redactions,
                oversized=counts.oversized,
                skipped=counts.skipped,
                broken=counts.broken,
                incidents=counts.incidents,
                projects=tuple(_as_set_now(row, config) for row in projects(db)),
                agents=tuple(agents_seen(db)),
                limits=() if state.paused.exists() else _limits(db, config, machine),
            ), None
    except (UserError, sqlite3.Error) as error:
        return None, str(error)


def _would_read(config: Config, home: Path, env: Mapping[str, str]) -> tuple[WouldRead, ...]:
    roots = roots_to_read(adapters().values(), config, home, env)
    each: dict[str, list[FoundSource]] = {}
    for found in readable_sources(adapters(), roots):
        each.setdefault(found.source.agent, []).append(found)
    return tuple(
        WouldRead(
            agent=agent,
            transcripts=len(sources),
            bytes=sum(source.size for source in sources),
            newest_ms=max(source.mtime_ns for source in sources) // 1_000_000,
        )
        for agent, sources in each.items()
    )


def _as_set_now(row: ProjectRow, config: Config) -> ProjectRow:
    excluded = project_settings(Path(row.root), config).excluded
    return row if excluded is None else msgspec.structs.replace(row, refusal=f"excluded by {excluded}")


def _limits(db: sqlite3.Connection, config: Config, machine: Machine) -> tuple[LimitReport, ...]:
    """A plan's limit holds in every project, so no agent is offered that stopped at one in any of them, and none that
    can't be started here."""
    here = startable_here(config.agents.selected, machine)
    found = limited_projects(db, here, since_ms=_now_ms() - LASTS_MS)
    limited = {project.limit.agent for project in found}
    names = agent_names()
    return tuple(
        LimitReport(
            root=project.root,
            agent=project.limit.agent,
            name=names.get(project.limit.agent, project.limit.agent),
            at_ms=project.limit.at_ms,
            resets=project.limit.resets,
            commands=tuple(
                f"{command(agent)} {shlex.quote(project.root)}"
                for agent in project.limit.others
                if agent not in limited
            ),
        )
        for project in found
        if project_settings(Path(project.root), config).excluded is None
    )


def _inspect(
    state: StateDir,
    home: Path,
    config: Config,
    health: Health | None,
    machine: Machine,
    service: ServiceStatus,
    program: Program,
    ledger_problem: str | None,
) -> Inspection:
    record, record_problem = _record(state)
    crashes = crash_reports(state.crashes)
    shell = on_path_here()
    return Inspection(
        update=how_installed().update,
        program=" ".join(program.command),
        installed=bool(record.files) or service.installed,
        port=config.server.port,
        port_trouble=port_trouble(health) if health is not None else None,
        stranger=_stranger(config.server.port) if health is None else None,
        projects=_projects(state, config, home),
        ledger_damage=ledger_problem or _damage(state),
        free_bytes=_free_bytes(state, home),
        open_to_others=tuple(str(path) for path in private_paths(state) if stat.S_IMODE(path.stat().st_mode) & 0o077),
        hook_script_missing=not state.hook_script.is_file(),
        path_problem=shell.problem,
        path_remedy=shell.remedy,
        other_installs=_other_installs(machine, program),
        crashes=crashes,
        unfinished_run=_unfinished_run(state, crashes),
        record_problem=record_problem,
    )


def _record(state: StateDir) -> tuple[Record, str | None]:
    try:
        return load_record(state), None
    except UserError as error:
        return Record(), str(error)


def _unfinished_run(state: StateDir, crashes: tuple[CrashReport, ...]) -> UnfinishedRun | None:
    try:
        running_pid = daemon_pid(state)
    except UserError:  # then it is not known which of the runs is over
        return None
    return unfinished_run(last_lines(state.log, _LOG_BYTES), crashes, running_pid=running_pid)


def _stranger(port: int) -> str | None:
    """The process that listens on the port; None where none does."""
    if port == 0:
        return None
    try:
        socket.create_connection(("127.0.0.1", port), timeout=_PORT_ANSWER_S).close()
    except OSError:
        return None
    return port_holder(port)


def _damage(state: StateDir) -> str | None:
    if not state.ledger.exists():
        return None
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            [answer] = db.execute("PRAGMA quick_check(1)").fetchone()
    except (UserError, sqlite3.Error) as error:
        return str(error)
    return None if answer == "ok" else str(answer)


def _projects(state: StateDir, config: Config, home: Path) -> tuple[ProjectReport, ...]:
    """The newest active projects that are not left out on purpose."""
    since_ms = _now_ms() - config.publish.active_days * MS_PER_DAY
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            rows = [row for row in projects(db) if row.last_event_ms >= since_ms][:MOST_PROJECTS]
    except (UserError, sqlite3.Error):  # there is none, or its damage is reported
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
    states = {name: pointer.state(text) for name, text in texts.items()}
    return ProjectReport(
        root=str(root),
        pointers=pointers,
        refusal=refusal(root, home=home, agents_own=lambda: own),
        edited=tuple(name for name in names if states[name] == "edited"),
        broken=tuple(name for name in names if states[name] == "broken"),
        pointer_end_bytes=pointer.block_end(texts[AGENTS_MD]),
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


def _now_ms() -> int:
    return int(time.time() * 1000)
