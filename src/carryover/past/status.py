"""What Carryover sees and does on this machine. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from carryover.declared_source import DeclaredSource
from carryover.past.findings.agents import recorded_of
from carryover.past.findings.checks import Finding, findings
from carryover.past.findings.facts import AgentFacts, Gathered, LedgerFacts

_SAID_FIRST: Final = ("install", "daemon", "paused")
"""Checks whose results every status begins with."""


def problems(facts: Gathered) -> tuple[Finding, ...]:
    """Returns what `carryover doctor` would find without inspecting more, but for what every status begins with."""
    return tuple(finding for finding in findings(facts) if finding.check not in _SAID_FIRST)


def is_to_install(facts: Gathered) -> bool:
    """Whether `carryover doctor` would say that Carryover is not installed."""
    return any(finding.check == "install" for finding in findings(facts))


def status_data(facts: Gathered) -> dict[str, Any]:
    """Returns the facts as `status --json` prints them."""
    config = {"unknown_keys": facts.config.unknown_keys, "excluded": facts.config.projects.exclude}
    return {
        **_fields(facts, ("version", "build", "state_folder", "paused", "daemon", "service")),
        "agents": [_agent_data(agent) for agent in facts.agents],
        "declared": [_declared_data(source, facts.ledger) for source in facts.config.sources],
        "ledger": _ledger_data(facts.ledger) if facts.ledger is not None else None,
        "would_read": facts.would_read,
        "corrupt_ledgers": [{"path": path, "bytes": size} for path, size in facts.corrupt_ledgers.items()],
        "config": {"path": facts.config_file, **config} if facts.config_file is not None else None,
        **_fields(facts, ("sync", "git_trouble")),
        "in_git": [_fields(project, ("root", "open_to")) for project in facts.in_git],
        **_fields(facts, ("silent", "problems")),
    }


def _fields(record: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _agent_data(agent: AgentFacts) -> dict[str, Any]:
    roots = [{"path": path, "exists": exists} for path, exists in agent.roots.items()]
    return {**msgspec.structs.asdict(agent), "roots": roots}


def _declared_data(source: DeclaredSource, ledger: LedgerFacts | None) -> dict[str, Any]:
    row = recorded_of(ledger, source.agent)
    return {"agent": source.agent, "files": source.files, **_fields(row, ("sessions", "last_event_ms"))}


def _ledger_data(ledger: LedgerFacts) -> dict[str, Any]:
    ignored = [{"root": root, "notes": notes} for root, notes in ledger.ignored_settings.items()]
    return {**msgspec.structs.asdict(ledger), "ignored_settings": ignored}
