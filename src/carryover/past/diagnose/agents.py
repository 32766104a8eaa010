"""What the report says of each agent."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter.spec import AgentSpec
from carryover.agents import specs
from carryover.config import Config
from carryover.install.detect import AskVersion, Detection, detect_all, detect_unasked, newly_covered
from carryover.install.machine import Machine
from carryover.ledger.queries import AgentRow
from carryover.past.diagnose.report import AgentReport, DeclaredReport, LedgerReport
from carryover.paths import StateDir
from carryover.probe.looks import look_at_each

_NOTHING_HELD: Final = AgentRow(agent="", sessions=0, last_event_ms=None, last_handoff_ms=None)


def agent_reports(
    state: StateDir,
    machine: Machine,
    config: Config,
    ledger: LedgerReport | None,
    *,
    in_short: bool,
    ask: AskVersion,
) -> tuple[AgentReport, ...]:
    """Returns the reports on all agents, in their usual order. Asks their commands for their versions.

    With `in_short`, looks for agents that are not selected without asking them, and leaves out their settings.
    """
    answering = _answering(machine)
    selected = config.agents.selected or ()
    closely = [spec for spec in answering if not in_short or spec.id in selected]
    found = {one.spec.id: one for one in detect_all(closely, machine, config.agents.recorded_versions(), ask=ask)}
    detections = [found.get(spec.id) or detect_unasked(spec, machine) for spec in answering]
    held = {row.agent: row for row in ledger.agents} if ledger is not None else {}
    new = newly_covered(detections, config.agents)
    reports = []
    for one in detections:
        report = _report(one, config, held.get(one.spec.id, _NOTHING_HELD), is_new=one.spec.id in new)
        if one.spec.id in found:
            from carryover.past.diagnose.agent_files import with_files  # with the editors of settings

            report = with_files(report, one, state, machine, config.agents)
        reports.append(report)
    return tuple(reports)


def declared_reports(config: Config, ledger: LedgerReport | None) -> tuple[DeclaredReport, ...]:
    """Returns the reports on the sources that the user declared, in the order of the settings."""
    held = {row.agent: row for row in ledger.agents} if ledger is not None else {}
    rows = [(source, held.get(source.agent, _NOTHING_HELD)) for source in config.sources]
    return tuple(
        DeclaredReport(agent=source.agent, files=source.files, sessions=row.sessions, last_event_ms=row.last_event_ms)
        for source, row in rows
    )


def _answering(machine: Machine) -> list[AgentSpec]:
    """Returns the agents whose folders are on disks that answer."""
    places = [(spec, place) for spec in specs() for place in (*spec.folders, *spec.other_folders)]
    folders = [(spec.id, place.at(machine.home, machine.env)) for spec, place in places]
    answered = {each for each, _ in look_at_each(folders, lambda _each: None, at=lambda each: each[1])}
    silent = {agent for agent, folder in folders if (agent, folder) not in answered}
    return [spec for spec in specs() if spec.id not in silent]


def _report(found: Detection, config: Config, held: AgentRow, *, is_new: bool) -> AgentReport:
    spec = found.spec
    selected = config.agents.selected
    return AgentReport(
        id=spec.id,
        name=spec.name,
        selected=None if selected is None else spec.id in selected,
        newly_covered=is_new,
        state=found.state,
        version=found.version_text or None,
        binary=_text(found.binary),
        lost_folder=_text(found.lost_folder),
        lost_by=found.lost_by or None,
        sessions=held.sessions,
        last_event_ms=held.last_event_ms,
        last_handoff_ms=held.last_handoff_ms,
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
