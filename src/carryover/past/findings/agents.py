"""The facts about each agent: what is installed, recorded, and in its settings and folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from carryover.adapter.spec import AgentSpec
from carryover.agents import adapter, specs
from carryover.config import AgentsConfig, Config
from carryover.fsio import is_folder, is_there
from carryover.install.detect import Detection, detect_all, detect_unasked, newly_covered
from carryover.install.machine import Machine
from carryover.ledger.queries import AgentRow
from carryover.outside.apply import obstacle
from carryover.past.findings.facts import AgentFacts, LedgerFacts
from carryover.past.findings.ledger import recorded_files
from carryover.paths import StateDir
from carryover.probe.looks import look_at_each

_IN_SHORT_S: Final = 0.5
"""How long an agent may take to say its version where that is not shown: Gemini CLI 0.61.0 needs 2 s and more."""


def agent_facts(
    state: StateDir,
    machine: Machine,
    config: Config,
    ledger: LedgerFacts | None,
    *,
    in_short: bool,
) -> tuple[AgentFacts, ...]:
    """Returns the facts about all agents, in their usual order. Asks their commands for their versions.

    With `in_short`, looks for agents that are not selected without asking them, and leaves out their settings; a
    selected one that answers slowly has its earlier version.
    """
    answering = _answering(machine)
    selected = config.agents.selected or ()
    closely = [spec for spec in answering if not in_short or spec.id in selected]
    asking = replace(machine, answer_s=_IN_SHORT_S) if in_short else machine
    versions = config.agents.recorded_versions()
    detected = {detection.spec.id: detection for detection in detect_all(closely, asking, versions)}
    detections = [detected.get(spec.id) or detect_unasked(spec, machine) for spec in answering]
    new = newly_covered(detections, config.agents)
    agents = []
    for detection in detections:
        agent = _agent(detection, config, recorded_of(ledger, detection.spec.id), is_new=detection.spec.id in new)
        if detection.spec.id in detected:
            agent = _with_files(agent, detection, state, machine, config.agents)
        if agent.sessions and not in_short and adapter(agent.id).in_projects:
            agent = replace(agent, roots={**agent.roots, **_histories(state, agent.id)})
        agents.append(agent)
    return tuple(agents)


def _histories(state: StateDir, agent: str) -> dict[str, bool]:
    """Returns what was read of an agent that keeps its histories in projects, and whether each file exists."""
    paths = (Path(path) for agent_id, path in recorded_files(state) if agent_id == agent)
    return {str(path): exists for path, exists in look_at_each(sorted(paths), is_there)}


def recorded_of(ledger: LedgerFacts | None, agent: str) -> AgentRow:
    """Returns what the ledger holds of an agent."""
    rows = {row.agent: row for row in ledger.agents} if ledger is not None else {}
    return rows.get(agent) or AgentRow(agent=agent, sessions=0, last_event_ms=None)


def _answering(machine: Machine) -> list[AgentSpec]:
    """Returns the agents whose folders are on disks that answer."""
    places = [(spec, place) for spec in specs() for place in (*spec.folders, *spec.other_folders)]
    folders = [(spec.id, place.at(machine.home, machine.env)) for spec, place in places]
    answered = {row for row, _ in look_at_each(folders, lambda _row: None, at=lambda row: row[1])}
    silent = {agent for agent, folder in folders if (agent, folder) not in answered}
    return [spec for spec in specs() if spec.id not in silent]


def _agent(detection: Detection, config: Config, row: AgentRow, *, is_new: bool) -> AgentFacts:
    spec = detection.spec
    selected = config.agents.selected
    return AgentFacts(
        id=spec.id,
        name=spec.name,
        selected=None if selected is None else spec.id in selected,
        newly_covered=is_new,
        state=detection.state,
        version=detection.version_text or None,
        unread=detection.problem,
        binary=_text(detection.binary),
        lost_folder=_text(detection.lost_folder),
        lost_by=detection.lost_by or None,
        sessions=row.sessions,
        last_event_ms=row.last_event_ms,
    )


def _with_files(
    agent: AgentFacts, detection: Detection, state: StateDir, machine: Machine, config: AgentsConfig
) -> AgentFacts:
    """Returns the facts with what the agent's files say."""
    from carryover.ingest.roots import recorded_roots
    from carryover.install import agent_settings as settings  # with the editors of settings

    [seen] = settings.with_config_files([detection], [state.hook_script])
    spec = seen.spec
    roots = recorded_roots([spec], config, machine.home, os.environ)
    folders = [folder for root in roots for folder in (root.path, *sorted(root.path.glob("*/"))) if is_folder(folder)]
    today = {os.path.realpath(root) for root in seen.roots}
    return replace(
        agent,
        config=_text(seen.config),
        hooks=settings.hooks_report(seen, state.hook_script),
        entry=settings.entry_report(seen),
        locked=obstacle(seen.config) if seen.config is not None else None,
        review=settings.review_of(seen),
        roots={str(root.path): is_folder(root.path) for root in roots},
        closed=tuple(str(folder) for folder in folders if not os.access(folder, os.R_OK | os.X_OK)),
        moved_from=tuple(root for root in config.of(spec.id).roots if os.path.realpath(root) not in today),
        roots_today=tuple(map(str, seen.roots)),
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
