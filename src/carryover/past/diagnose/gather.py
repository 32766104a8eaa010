"""Gathers the facts for the report. Reads only; a fact that can't be determined is left empty, never an error."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from carryover import __version__
from carryover.agents import left_out
from carryover.build import build
from carryover.config import Config, load_config, project_settings
from carryover.daemon.client import ANSWER_S, ask_health
from carryover.daemon.health import Health
from carryover.edits.record import Record, load_record
from carryover.errors import UserError
from carryover.fsio import is_there
from carryover.install.background import service_status
from carryover.install.detect import AskVersion, ask_version
from carryover.install.machine import Machine
from carryover.past.diagnose import report as reports
from carryover.past.diagnose.agents import agent_reports, declared_reports
from carryover.past.diagnose.recorded import ledger_report
from carryover.past.diagnose.report import InGit, LedgerReport, Report
from carryover.paths import StateDir
from carryover.probe.checkout import is_top
from carryover.probe.git_command import git_trouble
from carryover.probe.looks import Silent, look_at, look_at_each, presume_silent, silent_folders
from carryover.projects.handoff_file import STORE
from carryover.projects.policy import COMMITTED
from carryover.sync.status import sync_status

if TYPE_CHECKING:
    from carryover.ingest.scan import FoundSource

_MOST_PROJECTS: Final = 20
"""How many of the newest projects are inspected; each costs calls to git."""
_GITS_AT_ONCE: Final = 4
T = TypeVar("T")


def gather(
    state: StateDir,
    home: Path,
    *,
    inspect: bool = False,
    in_short: bool = False,
    here: Path | None = None,
    ask: AskVersion = ask_version,
) -> Report:
    """Gathers the report; with `inspect`, also the facts that take longer.

    With `here`, also the channels in the project around that folder. `in_short`: see `agent_reports`.
    """
    config, config_problem = _or_problem(lambda: load_config(state.config), Config())
    record, record_problem = _or_problem(lambda: load_record(state), Record())
    machine = Machine(home=home, env={**config.agents.recorded_env(), **os.environ})
    health, daemon_problem = _health(state)
    presume_silent(health.silent if health is not None else ())
    ledger, ledger_problem = _or_problem(lambda: ledger_report(state, config, machine), None)
    corrupt = state.root.glob(f"{state.ledger.stem}.corrupt-*{state.ledger.suffix}")
    service = service_status(os.environ)
    report = Report(
        version=__version__,
        build=build(),
        home=str(home),
        state_folder=str(state.root),
        installed=bool(record.files) or service.installed,
        record_problem=record_problem,
        paused=state.paused.exists(),
        daemon=health,
        daemon_problem=daemon_problem,
        service=service,
        agents=agent_reports(state, machine, config, ledger, in_short=in_short, ask=ask),
        declared=declared_reports(config, ledger),
        ledger=ledger,
        ledger_problem=ledger_problem,
        would_read=_would_read(config, home) if ledger is None and ledger_problem is None else (),
        corrupt_ledgers=tuple(reports.MovedAside(str(path), path.stat().st_size) for path in sorted(corrupt)),
        config=reports.ConfigReport(str(state.config), config.unknown_keys, config.projects.exclude)
        if state.config.exists()
        else None,
        config_problem=f"{config_problem} {_holding(health)}" if config_problem is not None else None,
        sync=sync_status(state),
        git_trouble=_git_trouble(health, ledger),
        in_git=_in_git(ledger, config),
        left_out={f"{place.id} of {place.package}": reason for place, reason in left_out().items()},
    )
    root = _project_around(here, ledger) if here is not None and ledger is not None else None
    if root is not None:
        from carryover.past.diagnose.channels import project_channels

        with suppress(Silent):
            around = partial(project_channels, root, project_settings(root, config), report.agents)
            report = msgspec.structs.replace(report, here=look_at(root, around))
    if inspect:
        from carryover.past.diagnose.inspection import inspected

        serves = any(file.form == "server" for file in record.files)
        inspection = inspected(report, state, config, machine, serves)
        report = msgspec.structs.replace(report, inspection=inspection)
    silent = {**silent_folders(), **(health.silent if health is not None else {})}
    return msgspec.structs.replace(report, silent=silent)


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


def _project_around(folder: Path, ledger: LedgerReport) -> Path | None:
    roots = {row.root for row in ledger.projects}
    return next((each for each in (folder, *folder.parents) if str(each) in roots), None)


def _git_trouble(health: Health | None, ledger: LedgerReport | None) -> str | None:
    """Returns why the daemon can't run git, or this command if none runs; None if no project is in git."""
    trouble = health.git_trouble if health is not None else git_trouble()
    if trouble is None or ledger is None:
        return None
    roots = [Path(row.root) for row in ledger.projects[:_MOST_PROJECTS]]
    return trouble if any(found for _, found in look_at_each(roots, is_top, at=lambda root: root)) else None


def _in_git(ledger: LedgerReport | None, config: Config) -> tuple[InGit, ...]:
    """Asks git about the newest projects that have, or should have, something of ours; several at once."""
    since_ms = int(time.time() * 1000) - config.publish.active_ms
    rows = [row for row in ledger.projects if row.last_event_ms >= since_ms] if ledger is not None else []
    there = look_at_each(rows, lambda row: is_there(Path(row.root) / STORE), at=lambda row: Path(row.root))
    ours = [Path(row.root) for row, has_store in there if has_store or COMMITTED in (row.refusal or "")]
    found = _of_each(partial(_in_git_of, config=config), ours[:_MOST_PROJECTS])
    return tuple(one for one in found if one.open_to or one.uncommitted)


def _of_each(look: Callable[[Path], InGit], roots: Sequence[Path]) -> list[InGit]:
    if len(roots) <= 1:
        return [look(root) for root in roots]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_GITS_AT_ONCE) as threads:
        return list(threads.map(look, roots))


def _in_git_of(root: Path, config: Config) -> InGit:
    settings = project_settings(root, config)

    from carryover.publish.once import refuses_pull, uncommitted_names
    from carryover.publish.open_to_git import open_to_git

    def asked() -> InGit:
        shown = uncommitted_names(root) if settings.pointers == "shared" and not settings.excluded else ()
        open_to = open_to_git(root, settings)
        return InGit(root=str(root), open_to=open_to, uncommitted=shown, refuses_pull=refuses_pull(root, shown))

    try:
        return look_at(root, asked)
    except OSError:
        return InGit(root=str(root))


def _would_read(config: Config, home: Path) -> tuple[reports.WouldRead, ...]:
    from carryover.importing.declared.agent import all_agents  # with every agent's parser
    from carryover.ingest import scan

    each: dict[str, list[FoundSource]] = {}
    agents = all_agents(config.sources)
    roots = scan.roots_to_read(agents.values(), config, home, os.environ)
    for found in scan.readable_sources(agents, roots):
        each.setdefault(found.source.agent, []).append(found)
    return tuple(_would_read_of(agent, sources) for agent, sources in each.items())


def _would_read_of(agent: str, sources: Sequence[FoundSource]) -> reports.WouldRead:
    return reports.WouldRead(
        agent=agent,
        transcripts=len(sources),
        bytes=sum(source.size for source in sources),
        newest_ms=max(source.mtime_ns for source in sources) // 1_000_000,
    )
