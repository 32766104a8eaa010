"""Gathers the facts for the report. Reads only; a fact that can't be determined is left empty, never an error."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import stat
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from carryover import __version__
from carryover.adapter.spec import AGENTS_MD, AgentSpec
from carryover.agents import adapters, agent_name, instruction_files, specs
from carryover.config import Config, load_config, project_settings
from carryover.daemon.client import ANSWER_S, ask_health
from carryover.daemon.crashes import crash_reports
from carryover.daemon.health import Health
from carryover.diagnose import report as reports
from carryover.diagnose.channels import project_channels
from carryover.diagnose.report import AgentReport, InGit, Inspection, LedgerReport, ProjectReport, Report
from carryover.distill.sections.next_action import LASTS_MS, command
from carryover.edits.record import Record, load_record
from carryover.errors import UserError
from carryover.fsio import is_folder, is_there
from carryover.ingest import scan
from carryover.install.agent_settings import entry_report, hooks_report, keeps_days, reads_bytes, with_config_files
from carryover.install.background import service_of_user
from carryover.install.detect import AskVersion, Detection, ask_version, detect_all, newly_covered
from carryover.install.how_installed import command_for_mcp_sdk, on_path_here
from carryover.install.machine import Machine, copies, startable_here
from carryover.install.service import COMMAND, Program
from carryover.install.setup import wanted_settings
from carryover.ledger.codec import count_damaged
from carryover.ledger.connect import LedgerDamaged, as_ledger_error, connect_tolerant
from carryover.ledger.queries import AgentRow, agents_seen, connect_read_only, projects, totals
from carryover.paths import StateDir
from carryover.probe.looks import Silent, look_at, look_at_each, presume_silent, silent_folders
from carryover.projects.handoff_file import STORE
from carryover.projects.policy import COMMITTED, refusal
from carryover.projects.root import agent_folders
from carryover.publish.once import uncommitted_names
from carryover.publish.pointers import block_end, block_state, hidden_files, read_instructions
from carryover.publish.project_files import open_to_git
from carryover.sync.status import sync_status
from carryover.terminal.output import counted
from carryover.terminal.paths import quoted
from carryover.views.limits import LimitedProject, limited_projects

_MOST_PROJECTS: Final = 20
"""How many of the newest projects are inspected; each costs calls to git."""
_GITS_AT_ONCE: Final = 4
_PORT_ANSWER_S: Final = 1.0
_NOTHING_HELD: Final = AgentRow(agent="", sessions=0, last_event_ms=None, last_handoff_ms=None)
T = TypeVar("T")


def gather(
    state: StateDir, home: Path, *, inspect: bool = False, here: Path | None = None, ask: AskVersion = ask_version
) -> Report:
    """Gathers the report; with `inspect`, also the facts that take longer.

    With `here`, also the channels in the project around that folder. Asks each agent's command for its version.
    """
    config, config_problem = _or_problem(lambda: load_config(state.config), Config())
    record, record_problem = _or_problem(lambda: load_record(state), Record())
    machine = Machine(home=home, env={**config.agents.recorded_env(), **os.environ})
    health, daemon_problem = _health(state)
    presume_silent(health.silent if health is not None else ())
    ledger, ledger_problem = _or_problem(lambda: _ledger(state, config, machine), None)
    seen = detect_all(_answering(machine), machine, config.agents.recorded_versions(), ask=ask)
    detections = with_config_files(seen, [state.hook_script], machine.platform)
    held = {row.agent: row for row in ledger.agents} if ledger is not None else {}
    new = newly_covered(detections, config.agents)
    corrupt = state.root.glob(f"{state.ledger.stem}.corrupt-*{state.ledger.suffix}")
    manager, program = service_of_user()
    service = manager.status()
    report = Report(
        version=__version__,
        home=str(home),
        state_folder=str(state.root),
        installed=bool(record.files) or service.installed,
        record_problem=record_problem,
        paused=state.paused.exists(),
        daemon=health,
        daemon_problem=daemon_problem,
        service=service,
        agents=tuple(
            _agent(state, machine, config, found, held.get(found.spec.id, _NOTHING_HELD), found.spec.id in new)
            for found in detections
        ),
        ledger=ledger,
        ledger_problem=ledger_problem,
        would_read=_would_read(config, home) if ledger is None and ledger_problem is None else (),
        corrupt_ledgers=tuple(reports.MovedAside(str(path), path.stat().st_size) for path in sorted(corrupt)),
        config=reports.ConfigReport(str(state.config), config.unknown_keys, config.projects.exclude)
        if state.config.exists()
        else None,
        config_problem=f"{config_problem} {_holding(health)}" if config_problem is not None else None,
        sync=sync_status(state),
        in_git=_in_git(ledger, config),
    )
    root = _project_around(here, ledger) if here is not None and ledger is not None else None
    if root is not None:
        with suppress(Silent):
            around = partial(project_channels, root, project_settings(root, config), report.agents)
            report = msgspec.structs.replace(report, here=look_at(root, around))
    if inspect:
        serves = any(file.form == "server" for file in record.files)
        inspection = _inspected(report, state, config, machine, program, serves)
        report = msgspec.structs.replace(report, inspection=inspection)
    silent = {**silent_folders(), **(health.silent if health is not None else {})}
    return msgspec.structs.replace(report, silent=silent)


def _answering(machine: Machine) -> list[AgentSpec]:
    """Returns the agents whose folders are on disks that answer."""
    places = [(spec, place) for spec in specs() for place in (*spec.folders, *spec.other_folders)]
    folders = [(spec.id, place.at(machine.home, machine.env)) for spec, place in places]
    answered = {each for each, _ in look_at_each(folders, lambda _each: None, at=lambda each: each[1])}
    silent = {agent for agent, folder in folders if (agent, folder) not in answered}
    return [spec for spec in specs() if spec.id not in silent]


def _or_problem(read: Callable[[], T], otherwise: T) -> tuple[T, str | None]:
    try:
        return read(), None
    except (UserError, sqlite3.Error) as error:
        return otherwise, str(error)


def _holding(health: Health | None) -> str:
    running = "carryoverd keeps the settings that it read before" if health is not None else "carryoverd does not start"
    return f"Until then {running}."


def _health(state: StateDir) -> tuple[Health | None, str | None]:
    try:
        return ask_health(state), None
    except TimeoutError:
        return None, f"A daemon runs, but did not answer within {ANSWER_S:g} s. Look into {state.log}."
    except (UserError, OSError) as error:
        return None, str(error)


def _ledger(state: StateDir, config: Config, machine: Machine) -> LedgerReport | None:
    if not state.ledger.exists():
        return None
    with as_ledger_error(state.ledger), closing(connect_read_only(state.ledger, keep_index=True)) as db:
        each = [(row, project_settings(Path(row.root), config)) for row in projects(db)]
        return LedgerReport(
            path=str(state.ledger),
            **msgspec.structs.asdict(totals(db)),
            projects=tuple(
                msgspec.structs.replace(row, refusal=f"excluded by {own.excluded}") if own.excluded else row
                for row, own in each
            ),
            ignored_settings=tuple(reports.IgnoredSettings(row.root, own.notes) for row, own in each if own.notes),
            agents=tuple(agents_seen(db)),
            limits=() if state.paused.exists() else _limits(db, config, machine),
        )


def _project_around(folder: Path, ledger: LedgerReport) -> Path | None:
    roots = {row.root for row in ledger.projects}
    return next((each for each in (folder, *folder.parents) if str(each) in roots), None)


def _in_git(ledger: LedgerReport | None, config: Config) -> tuple[InGit, ...]:
    """Asks git about the newest projects that have, or should have, something of ours; several at once."""
    since_ms = int(time.time() * 1000) - config.publish.active_days * scan.MS_PER_DAY
    rows = [row for row in ledger.projects if row.last_event_ms >= since_ms] if ledger is not None else []
    there = look_at_each(rows, lambda row: is_there(Path(row.root) / STORE), at=lambda row: Path(row.root))
    ours = [Path(row.root) for row, has_store in there if has_store or COMMITTED in (row.refusal or "")]
    with ThreadPoolExecutor(_GITS_AT_ONCE) as threads:
        found = tuple(threads.map(lambda root: _in_git_of(root, config), ours[:_MOST_PROJECTS]))
    return tuple(one for one in found if one.open_to or one.uncommitted)


def _in_git_of(root: Path, config: Config) -> InGit:
    settings = project_settings(root, config)

    def asked() -> InGit:
        shown = uncommitted_names(root) if settings.pointers == "shared" and not settings.excluded else ()
        return InGit(root=str(root), open_to=open_to_git(root, settings), uncommitted=shown)

    try:
        return look_at(root, asked)
    except Silent:
        return InGit(root=str(root))


def _agent(
    state: StateDir, machine: Machine, config: Config, found: Detection, held: AgentRow, newly: bool
) -> AgentReport:
    spec = found.spec
    chosen = config.agents
    wanted = next(iter(wanted_settings([found], {spec.id})), None)
    has_entry = spec.handoff_entry is not None
    roots = scan.recorded_roots([adapters()[spec.id]], chosen, machine.home, os.environ)
    today = {os.path.realpath(root) for root in found.roots}
    return AgentReport(
        id=spec.id,
        name=spec.name,
        selected=None if chosen.selected is None else spec.id in chosen.selected,
        newly_covered=newly,
        state=found.state,
        version=found.version_text or None,
        binary=_text(found.binary),
        config=_text(found.config),
        lost_folder=_text(found.lost_folder),
        lost_by=found.lost_by or None,
        hooks=hooks_report(found, None if has_entry else wanted, state.hook_script),
        entry=entry_report(wanted) if has_entry and wanted is not None else None,
        review=spec.hooks.review.what if spec.hooks.review is not None else None,
        roots=tuple(reports.RootReport(str(root.path), is_folder(root.path)) for root in roots),
        moved_from=tuple(root for root in chosen.of(spec.id).roots if os.path.realpath(root) not in today),
        roots_today=tuple(map(str, found.roots)),
        reads_bytes=reads_bytes(found),
        keeps_days=keeps_days(found),
        kept_by=spec.retention.key if spec.retention is not None else None,
        sessions=held.sessions,
        last_event_ms=held.last_event_ms,
        last_handoff_ms=held.last_handoff_ms,
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _would_read(config: Config, home: Path) -> tuple[reports.WouldRead, ...]:
    each: dict[str, list[scan.FoundSource]] = {}
    for found in scan.readable_sources(adapters(), scan.roots_to_read(adapters().values(), config, home, os.environ)):
        each.setdefault(found.source.agent, []).append(found)
    return tuple(_would_read_of(agent, sources) for agent, sources in each.items())


def _would_read_of(agent: str, sources: Sequence[scan.FoundSource]) -> reports.WouldRead:
    return reports.WouldRead(
        agent=agent,
        transcripts=len(sources),
        bytes=sum(source.size for source in sources),
        newest_ms=max(source.mtime_ns for source in sources) // 1_000_000,
    )


def _limits(db: sqlite3.Connection, config: Config, machine: Machine) -> tuple[reports.LimitReport, ...]:
    """Finds recent usage limits, and the agents that could continue: startable here, with no limit in any project."""
    here = startable_here(config.agents.selected, machine)
    now_ms = int(time.time() * 1000)
    found = limited_projects(db, here, since_ms=now_ms - LASTS_MS, now_ms=now_ms)
    limited = {project.limit.agent for project in found}
    included = (one for one in found if project_settings(Path(one.root), config).excluded is None)
    return tuple(_limit(project, limited) for project in included)


def _limit(project: LimitedProject, limited: Collection[str]) -> reports.LimitReport:
    others = [agent for agent in project.limit.others if agent not in limited]
    return reports.LimitReport(
        root=project.root,
        agent=project.limit.agent,
        name=agent_name(project.limit.agent),
        at_ms=project.limit.at_ms,
        resets=project.limit.resets,
        commands=tuple(f"{command(agent)} {quoted(project.root)}" for agent in others),
    )


def private_paths(state: StateDir) -> tuple[Path, ...]:
    """Returns the existing files that only their owner may read."""
    paths = (state.root, state.ledger, state.config, state.log)
    return tuple(path for path in paths if path.exists() and not path.is_symlink())


def _inspected(
    report: Report, state: StateDir, config: Config, machine: Machine, program: Program, serves_mcp: bool
) -> Inspection:
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
        mcp_sdk=command_for_mcp_sdk() if serves_mcp else None,
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
                _ledger(state, config, machine)  # again: what kept it from being read may have ended meanwhile
    except (UserError, sqlite3.Error) as error:  # one of another version, or one in use, must stay where it is
        return str(error) if isinstance(error, LedgerDamaged | sqlite3.Error) else None
    return None if answer == "ok" else str(answer).splitlines()[-1]


def _projects(state: StateDir, config: Config, home: Path) -> tuple[ProjectReport, ...]:
    since_ms = int(time.time() * 1000) - config.publish.active_days * scan.MS_PER_DAY
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            rows = [row for row in projects(db) if row.last_event_ms >= since_ms][:_MOST_PROJECTS]
    except (UserError, sqlite3.Error):  # there is none, or its damage is reported elsewhere
        return ()
    own = agent_folders(config.agents, home, os.environ)
    each = look_at_each((Path(row.root) for row in rows), lambda root: _project(root, config, home, own))
    return tuple(found for _, found in each if found is not None)


def _project(root: Path, config: Config, home: Path, own: frozenset[Path]) -> ProjectReport | None:
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
        unread=tuple(
            reports.UnreadSource(agent=agent.id, path=source.path, reason=reason)
            for agent in adapters().values()
            if agent.in_projects
            for source, reason in scan.others_sources(agent, root)
        ),
    )
