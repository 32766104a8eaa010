"""Fills in the part of the report about each agent."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from carryover.agents import adapters
from carryover.config import Config
from carryover.diagnose.report import AgentReport, RootReport
from carryover.fsio import is_folder
from carryover.ingest.scan import TranscriptRoot, recorded_roots
from carryover.install.agent_settings import entry_report, hooks_report, keeps_days, reads_bytes
from carryover.install.detect import Detection, newly_covered
from carryover.install.machine import Machine
from carryover.install.setup import wanted_settings
from carryover.ledger.queries import AgentRow
from carryover.paths import StateDir


def agent_reports(
    state: StateDir,
    machine: Machine,
    config: Config,
    detections: Sequence[Detection],
    seen: Sequence[AgentRow],
    env: Mapping[str, str],
) -> tuple[AgentReport, ...]:
    """Returns one report per detected agent. `seen`: the ledger's row for each. Reads the agents' settings."""
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
