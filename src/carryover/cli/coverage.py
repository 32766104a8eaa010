"""Which agents Carryover covers on this machine, for `status`: versions, folders, and how their hooks stand."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from carryover.adapter.contract import Agent
from carryover.agents import adapters, specs
from carryover.cli.recorded import recorded_env
from carryover.config import ToolsConfig
from carryover.fsio import is_folder
from carryover.ingest.scan import recorded_roots
from carryover.install.detect import Detection, detect_all
from carryover.install.hook_places import with_hook_files
from carryover.install.machine import Machine
from carryover.install.settings_facts import settings_facts
from carryover.install.setup import agent_hooks
from carryover.paths import StateDir


def covered_agents(state: StateDir, tools: ToolsConfig, seen: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An entry for each agent that Carryover knows. `seen`: what the ledger holds of them, as data.

    Runs the agents' commands to ask their versions, all at once, for a bounded time.
    """
    machine = Machine.here(recorded_env(tools))
    held = {row["agent"]: row for row in seen}
    known = adapters()
    return [
        {
            "id": found.spec.id,
            "name": found.spec.name,
            "covered": found.spec.id in known,
            "selected": None if tools.selected is None else found.spec.id in tools.selected,
            "state": found.state,
            "version": found.version_text or None,
            "binary": None if found.binary is None else str(found.binary),
            "config": None if found.config is None else str(found.config),
            "lost_folder": None if found.lost_folder is None else str(found.lost_folder),
            "hooks": _hooks(found, state),
            "roots": _roots(known.get(found.spec.id), tools, machine),
            "sessions": held.get(found.spec.id, {}).get("sessions", 0),
            "last_event_ms": held.get(found.spec.id, {}).get("last_event_ms"),
            "last_handoff_ms": held.get(found.spec.id, {}).get("last_handoff_ms"),
        }
        for found in with_hook_files(detect_all(specs(), machine), [state.hook_script])
    ]


def _hooks(found: Detection, state: StateDir) -> dict[str, Any] | None:
    """How the agent's settings stand to what they should hold; None where it should hold nothing."""
    wanted = next(iter(agent_hooks([found], {found.spec.id})), None)
    if wanted is None:
        return None
    settings = settings_facts(found, wanted, state.hook_script)
    return {
        "present": settings.present,
        "missing": settings.missing,
        "edited": settings.edited,
        "to_review": settings.to_review,
        "reviewed": settings.reviewed,
        "switched_off": bool(settings.switched_off),
        "problem": settings.problem or (f"none of them runs: {settings.dropped}" if settings.dropped else None),
    }


def _roots(agent: Agent | None, tools: ToolsConfig, machine: Machine) -> list[dict[str, Any]]:
    if agent is None:
        return []
    roots = recorded_roots([agent], tools, Path(machine.home), os.environ)
    return [{"path": str(root.path), "exists": is_folder(root.path)} for root in roots]
