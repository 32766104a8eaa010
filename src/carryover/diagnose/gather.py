"""Gathers the facts for the report. Reads only; a fact that can't be determined is left empty, never an error."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from carryover import __version__
from carryover.agents import adapters, agent_name, specs
from carryover.config import Config, load_config, project_settings
from carryover.daemon.client import ANSWER_S, ask_health
from carryover.daemon.health import Health
from carryover.diagnose.agent_reports import agent_reports
from carryover.diagnose.report import (
    ConfigReport,
    LedgerReport,
    LimitReport,
    MovedAside,
    Report,
    WouldRead,
)
from carryover.distill.sections.limit import LASTS_MS, command
from carryover.edits.record import Record, load_record
from carryover.errors import UserError
from carryover.ingest.scan import (
    FoundSource,
    readable_sources,
    roots_to_read,
)
from carryover.install.background import service_of_user
from carryover.install.config_places import with_config_files
from carryover.install.detect import detect_all
from carryover.install.machine import Machine, startable_here
from carryover.install.version_probe import AskVersion, ask_version
from carryover.ledger.queries import (
    ProjectRow,
    agents_seen,
    connect_read_only,
    projects,
    totals,
)
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
        agents=agent_reports(state, machine, config, detections, ledger.agents if ledger is not None else (), env),
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
    found = limited_projects(db, here, since_ms=_now_ms() - LASTS_MS, now_ms=_now_ms())
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


def _now_ms() -> int:
    return int(time.time() * 1000)
