"""Fills in what the report says of each agent."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from carryover.agents import adapters
from carryover.config import Config
from carryover.diagnose.report import AgentReport, EntryReport, HooksReport, RootReport
from carryover.fsio import is_folder
from carryover.ingest.scan import TranscriptRoot, recorded_roots
from carryover.install.agent_settings import AgentSettings, read_entry, read_settings
from carryover.install.detect import Detection
from carryover.install.machine import Machine
from carryover.install.newly_covered import newly_covered
from carryover.install.setup import agent_entries, agent_hooks
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
    """One report per detected agent. `seen`: what the ledger holds of each. Reads the agents' settings."""
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
    wanted = next(iter(agent_hooks([found], {spec.id})), None)
    settings = read_settings(found, wanted, state.hook_script)
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
        hooks=_hooks(found, settings) if wanted is not None or _says_why_not(found, settings) else None,
        entry=_entry(found),
        review=spec.hooks.review.what if spec.hooks.review is not None else None,
        roots=tuple(RootReport(str(root.path), is_folder(root.path)) for root in roots),
        moved_from=_moved_from(found, config),
        roots_today=tuple(map(str, found.roots)),
        reads_bytes=settings.reads_bytes,
        keeps_days=settings.keeps_days,
        kept_by=spec.retention.key if spec.retention is not None else None,
        sessions=held.sessions if held is not None else 0,
        last_event_ms=held.last_event_ms if held is not None else None,
        last_handoff_ms=held.last_handoff_ms if held is not None else None,
    )


def _says_why_not(found: Detection, settings: AgentSettings) -> bool:
    """Whether the settings of an agent that is here explain why it has no hooks, or would run none."""
    return found.found and bool(settings.problem or settings.switched_off)


def _hooks(found: Detection, settings: AgentSettings) -> HooksReport:
    return HooksReport(
        present=settings.present,
        missing=settings.missing,
        edited=settings.edited,
        to_review=settings.to_review,
        reviewed=settings.reviewed,
        switched_off=bool(settings.switched_off),
        switched_off_by=settings.switched_off or None,
        switched_off_in=_text(settings.switched_off_in),
        problem=settings.problem or None,
        dropped=settings.dropped or None,
        ignored=settings.ignored,
        misplaced_in=tuple(str(file.path) for file in found.elsewhere),
    )


def _entry(found: Detection) -> EntryReport | None:
    wanted = next(iter(agent_entries([found], {found.spec.id})), None)
    if wanted is None:
        return None
    present, problem = read_entry(wanted)
    return EntryReport(entry=wanted.entry, key=wanted.key, present=present, problem=problem or None)


def _moved_from(found: Detection, config: Config) -> tuple[str, ...]:
    today = {os.path.realpath(root) for root in found.roots}
    recorded = config.agents.of(found.spec.id).roots
    return tuple(root for root in recorded if os.path.realpath(root) not in today)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
