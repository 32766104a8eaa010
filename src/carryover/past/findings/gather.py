"""Gathers the facts. Reads only; a fact that can't be determined is left empty, never an error."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from carryover import __version__
from carryover.agents import left_out
from carryover.build import build
from carryover.config import Config, load_config, project_settings
from carryover.daemon.client import ask_health
from carryover.daemon.health import Health
from carryover.errors import UserError
from carryover.fsio import is_there
from carryover.install.background import service_status
from carryover.install.machine import Machine
from carryover.ledger.rows import ProjectRow
from carryover.outside.journal import Journal, load_journal
from carryover.past.context import state_dir
from carryover.past.findings.agents import agent_facts
from carryover.past.findings.facts import Gathered, LedgerFacts, ProjectFacts, WouldRead
from carryover.past.findings.ledger import ledger_facts, recent_projects
from carryover.paths import STORE, StateDir
from carryover.probe.at_once import at_once
from carryover.probe.checkout import Checkout
from carryover.probe.git_command import git_trouble
from carryover.probe.git_dir import is_top
from carryover.probe.looks import look_at, look_at_each, presume_silent, silent_folders
from carryover.projects.policy import COMMITTED, why_open
from carryover.sync.status import sync_status

if TYPE_CHECKING:
    from carryover.ingest.scan import FoundSource

_MOST_PROJECTS: Final = 20
"""How many of the newest projects git is asked about."""
_GITS_AT_ONCE: Final = 4
_T = TypeVar("_T")


Depth = Literal["short", "whole", "inspected"]
"""How closely is looked: `short`, at what `agent_facts` says of an agent in short; `whole`, at all of each agent;
`inspected`, at what takes longer, too."""


def gather(depth: Depth) -> Gathered:
    """Gathers the facts."""
    state = state_dir()
    home = Path.home()
    config, config_problem = _or_problem(lambda: load_config(state.config), Config())
    journal, journal_problem = _or_problem(lambda: load_journal(state), Journal())
    machine = Machine.here(config.agents.recorded_env())
    health, daemon_problem = _health(state)
    presume_silent(health.silent if health is not None else ())
    ledger, ledger_problem = _or_problem(lambda: ledger_facts(state, config, machine), None)
    service = service_status(os.environ)
    agents = agent_facts(state, machine, config, ledger, in_short=depth == "short")
    projects = _projects(ledger, config)
    inspection = None
    if depth == "inspected":
        from carryover.past.findings.inspection import inspected_projects, inspection_of

        inspection = inspection_of(state, config, machine)
        projects = inspected_projects(projects, ledger, state, config, home)
    return Gathered(
        version=__version__,
        build=build(),
        home=str(home),
        state_folder=str(state.root),
        installed=bool(journal.settings) or service.installed,
        journal_problem=journal_problem,
        paused=state.paused.exists(),
        daemon=health,
        daemon_problem=daemon_problem,
        service=service,
        agents=agents,
        ledger=ledger,
        ledger_problem=ledger_problem,
        would_read=_would_read(config, home) if ledger is None and ledger_problem is None else (),
        corrupt_ledgers=_corrupt_ledgers(state),
        config=config,
        config_file=str(state.config) if state.config.exists() else None,
        config_problem=f"{config_problem} {_holding(health)}" if config_problem is not None else None,
        sync=sync_status(state),
        git_trouble=_git_trouble(health, ledger),
        projects=projects,
        inspection=inspection,
        left_out={f"{place.id} of {place.package}": reason for place, reason in left_out().items()},
        silent={**silent_folders(), **(health.silent if health is not None else {})},
    )


def _corrupt_ledgers(state: StateDir) -> dict[str, int]:
    corrupt = state.root.glob(f"{state.ledger.stem}.corrupt-*{state.ledger.suffix}")
    return {str(path): path.stat().st_size for path in sorted(corrupt)}


def _or_problem(read: Callable[[], _T], otherwise: _T) -> tuple[_T, str | None]:
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
    except (UserError, OSError) as error:
        return None, str(error)


def _git_trouble(health: Health | None, ledger: LedgerFacts | None) -> str | None:
    """Returns why the daemon can't run git, or this command if none runs; None if no project is in git."""
    trouble = health.git_trouble if health is not None else git_trouble()
    if trouble is None or ledger is None:
        return None
    roots = [Path(row.root) for row in ledger.projects[:_MOST_PROJECTS]]
    return trouble if any(is_repository for _, is_repository in look_at_each(roots, is_top)) else None


def _projects(ledger: LedgerFacts | None, config: Config) -> tuple[ProjectFacts, ...]:
    """Asks git about the newest projects that have, or should have, something of ours; several at once."""
    rows = recent_projects(ledger, config)
    there = look_at_each(rows, lambda row: is_there(Path(row.root) / STORE), at=lambda row: Path(row.root))
    ours = [row for row, has_store in there if has_store or COMMITTED in (row.refusal or "")]
    asked = partial(_asked_of_git, config=config)
    return tuple(at_once(asked, ours[:_MOST_PROJECTS], most=_GITS_AT_ONCE))


def _asked_of_git(row: ProjectRow, config: Config) -> ProjectFacts:
    from carryover.publish.gitignore import refused_by_git

    root = Path(row.root)

    def ask() -> ProjectFacts:
        refused = refused_by_git(Checkout(root), project_settings(root, config), row.refusal)
        return ProjectFacts(root=row.root, open_to=why_open(refused))

    try:
        return look_at(root, ask)
    except OSError:
        return ProjectFacts(root=row.root)


def _would_read(config: Config, home: Path) -> tuple[WouldRead, ...]:
    from carryover.importing.declared import all_agents  # with every agent's parser
    from carryover.ingest import scan

    by_agent: dict[str, list[FoundSource]] = {}
    agents = all_agents(config.sources)
    roots = scan.roots_to_read(agents.values(), config, home, os.environ)
    for file in scan.find_sources(agents, roots):
        by_agent.setdefault(file.source.agent, []).append(file)
    return tuple(
        WouldRead(
            agent=agent,
            transcripts=len(files),
            bytes=sum(file.size for file in files),
            newest_ms=max(file.mtime_ns for file in files) // 1_000_000,
        )
        for agent, files in by_agent.items()
    )
