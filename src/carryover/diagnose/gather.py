"""Gathers the facts for the report. Reads only; a fact that can't be determined is left empty, never an error."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from carryover import __version__
from carryover.agents import adapters, agent_name, specs
from carryover.config import Config, load_config, project_settings
from carryover.daemon.client import ANSWER_S, ask_health
from carryover.daemon.health import Health
from carryover.diagnose.report import (
    AgentReport,
    ConfigReport,
    LedgerReport,
    LimitReport,
    MovedAside,
    Report,
    RootReport,
    WouldRead,
)
from carryover.distill.sections.next_action import LASTS_MS, command
from carryover.edits.record import Record, load_record
from carryover.errors import UserError
from carryover.fsio import is_folder
from carryover.ingest.scan import FoundSource, TranscriptRoot, readable_sources, recorded_roots, roots_to_read
from carryover.install.agent_settings import entry_report, hooks_report, keeps_days, reads_bytes, with_config_files
from carryover.install.background import service_of_user
from carryover.install.detect import AskVersion, Detection, ask_version, detect_all, newly_covered
from carryover.install.machine import Machine, startable_here
from carryover.install.setup import wanted_settings
from carryover.ledger.queries import AgentRow, ProjectRow, agents_seen, connect_read_only, projects, totals
from carryover.paths import StateDir
from carryover.sync.status import sync_status
from carryover.text.shell import quoted
from carryover.views.limits import limited_projects


def gather(state: StateDir, home: Path, *, inspect: bool = False, ask: AskVersion = ask_version) -> Report:
    """Gathers the report; with `inspect`, also the facts that take longer.

    Asks all agents' commands for their versions in parallel, with a time limit.
    """
    env = os.environ
    config, config_problem = _config(state)
    machine = Machine(home=home, env={**config.agents.recorded_env(), **env})
    ledger, ledger_problem = _ledger(state, config, machine)
    health, daemon_problem = _health(state)
    seen = detect_all(specs(), machine, config.agents.recorded_versions(), ask=ask)
    detections = with_config_files(seen, [state.hook_script], machine.platform)
    manager, program = service_of_user()
    service = manager.status()
    record, record_problem = _record(state)
    inspection = None
    if inspect:
        from carryover.diagnose.inspection import inspected  # only `doctor` needs what that imports

        inspection = inspected(state, config, health, machine, record, program, ledger_problem)
    return Report(
        version=__version__,
        home=str(home),
        state_folder=str(state.root),
        installed=bool(record.files) or service.installed,
        record_problem=record_problem,
        paused=state.paused.exists(),
        daemon=health,
        daemon_problem=daemon_problem,
        service=service,
        agents=_agents(state, machine, config, detections, ledger.agents if ledger is not None else (), env),
        ledger=ledger,
        ledger_problem=ledger_problem,
        would_read=_would_read(config, home, env) if ledger is None and ledger_problem is None else (),
        corrupt_ledgers=_corrupt_ledgers(state),
        config=ConfigReport(str(state.config), config.unknown_keys, config.projects.exclude)
        if state.config.exists()
        else None,
        config_problem=config_problem,
        sync=sync_status(state),
        inspection=inspection,
    )


def _config(state: StateDir) -> tuple[Config, str | None]:
    try:
        return load_config(state.config), None
    except UserError as error:
        return Config(), str(error)


def _record(state: StateDir) -> tuple[Record, str | None]:
    try:
        return load_record(state), None
    except UserError as error:
        return Record(), str(error)


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
            return LedgerReport(
                path=str(state.ledger),
                **msgspec.structs.asdict(totals(db)),
                projects=tuple(_as_set_now(row, config) for row in projects(db)),
                agents=tuple(agents_seen(db)),
                limits=() if state.paused.exists() else _limits(db, config, machine),
            ), None
    except (UserError, sqlite3.Error) as error:
        return None, str(error)


def _agents(
    state: StateDir,
    machine: Machine,
    config: Config,
    detections: Sequence[Detection],
    seen: Sequence[AgentRow],
    env: Mapping[str, str],
) -> tuple[AgentReport, ...]:
    held = {row.agent: row for row in seen}
    known = adapters()
    new = newly_covered(detections, config.agents)
    reports = (
        _agent(
            state,
            config,
            found,
            held.get(found.spec.id),
            recorded_roots([known[found.spec.id]], config.agents, machine.home, env),
        )
        for found in detections
    )
    return tuple(msgspec.structs.replace(report, newly_covered=report.id in new) for report in reports)


def _agent(
    state: StateDir, config: Config, found: Detection, held: AgentRow | None, roots: Sequence[TranscriptRoot]
) -> AgentReport:
    spec, selected = found.spec, config.agents.selected
    wanted = next(iter(wanted_settings([found], {spec.id})), None)
    has_entry = spec.handoff_entry is not None
    return AgentReport(
        id=spec.id,
        name=spec.name,
        selected=None if selected is None else spec.id in selected,
        state=found.state,
        version=found.version_text or None,
        binary=_text(found.binary),
        config=_text(found.config),
        lost_folder=_text(found.lost_folder),
        lost_by=found.lost_by or None,
        hooks=hooks_report(found, None if has_entry else wanted, state.hook_script),
        entry=entry_report(wanted) if has_entry and wanted is not None else None,
        review=spec.hooks.review.what if spec.hooks.review is not None else None,
        roots=tuple(RootReport(str(root.path), is_folder(root.path)) for root in roots),
        moved_from=_moved_from(found, config),
        roots_today=tuple(map(str, found.roots)),
        reads_bytes=reads_bytes(found),
        keeps_days=keeps_days(found),
        kept_by=spec.retention.key if spec.retention is not None else None,
        sessions=held.sessions if held is not None else 0,
        last_event_ms=held.last_event_ms if held is not None else None,
        last_handoff_ms=held.last_handoff_ms if held is not None else None,
    )


def _moved_from(found: Detection, config: Config) -> tuple[str, ...]:
    today = {os.path.realpath(root) for root in found.roots}
    recorded = config.agents.of(found.spec.id).roots
    return tuple(root for root in recorded if os.path.realpath(root) not in today)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


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
    """Finds recent usage limits, and the agents that could continue.

    A plan's limit applies to every project, so an agent that reached one in any of them is not offered, nor is one that
    can't be started on this machine.
    """
    here = startable_here(config.agents.selected, machine)
    now_ms = int(time.time() * 1000)
    found = limited_projects(db, here, since_ms=now_ms - LASTS_MS, now_ms=now_ms)
    limited = {project.limit.agent for project in found}
    return tuple(
        LimitReport(
            root=project.root,
            agent=project.limit.agent,
            name=agent_name(project.limit.agent),
            at_ms=project.limit.at_ms,
            resets=project.limit.resets,
            commands=tuple(
                f"{command(agent)} {quoted(project.root)}" for agent in project.limit.others if agent not in limited
            ),
        )
        for project in found
        if project_settings(Path(project.root), config).excluded is None
    )
