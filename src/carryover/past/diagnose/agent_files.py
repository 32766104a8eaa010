"""What the report says of one agent's settings and of the folders of its transcripts."""

from __future__ import annotations

import os

import msgspec

from carryover.config import AgentsConfig
from carryover.fsio import is_folder
from carryover.ingest.roots import recorded_roots
from carryover.install.agent_settings import (
    entry_report,
    hooks_report,
    keeps_days,
    reads_bytes,
    wanted_settings,
    with_config_files,
)
from carryover.install.detect import Detection
from carryover.install.machine import Machine
from carryover.past.diagnose.report import AgentReport, RootReport
from carryover.paths import StateDir


def with_files(
    report: AgentReport, seen: Detection, state: StateDir, machine: Machine, agents: AgentsConfig
) -> AgentReport:
    """Returns the report with what the agent's files say."""
    [found] = with_config_files([seen], [state.hook_script], machine.platform)
    spec = found.spec
    wanted = next(iter(wanted_settings([found], {spec.id})), None)
    has_entry = spec.handoff_entry is not None
    roots = recorded_roots([spec], agents, machine.home, os.environ)
    today = {os.path.realpath(root) for root in found.roots}
    return msgspec.structs.replace(
        report,
        config=str(found.config) if found.config is not None else None,
        hooks=hooks_report(found, None if has_entry else wanted, state.hook_script),
        entry=entry_report(wanted) if has_entry and wanted is not None else None,
        review=spec.hooks.review.what if spec.hooks.review is not None else None,
        roots=tuple(RootReport(str(root.path), is_folder(root.path)) for root in roots),
        moved_from=tuple(root for root in agents.of(spec.id).roots if os.path.realpath(root) not in today),
        roots_today=tuple(map(str, found.roots)),
        reads_bytes=reads_bytes(found),
        keeps_days=keeps_days(found),
        kept_by=spec.retention.key if spec.retention is not None else None,
    )
