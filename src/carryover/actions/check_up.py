"""Checks everything on this machine and repairs what is safe to repair, for `carryover doctor`.

Each repair is repeatable and deletes nothing of the user's.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import Final

import msgspec

from carryover.config import load_config
from carryover.daemon.client import daemon_pid
from carryover.errors import UserError, os_reason
from carryover.install.agent_settings import agents_here
from carryover.install.background import bring_up, service_of_user
from carryover.install.setup import plan_agents, plan_choices
from carryover.ledger.codec import DamagedBody
from carryover.ledger.connect import mark_damaged
from carryover.outside.apply import apply
from carryover.past.context import state_dir
from carryover.past.findings.checks import Finding, Fix, findings
from carryover.past.findings.gather import gather
from carryover.past.findings.inspection import private_paths
from carryover.paths import StateDir
from carryover.publish.hook_script import write_hook_script


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one repair. `problem`: why it failed."""

    fix: Fix
    did: str
    problem: str | None = None


def check_everything(*, fix: bool) -> tuple[tuple[Finding, ...], list[Repair]]:
    """Checks everything; with `fix`, repairs what is safe to repair and checks again. Returns what was found after the
    repairs, most severe first, and the repairs."""
    failed = findings(gather("inspected"))
    # Bringing up the service restarts it too.
    wanted = {"service" if finding.fix == "restart" else finding.fix for finding in failed}
    repairs = [_repaired(name, state_dir()) for name in _REPAIRS if fix and name in wanted]
    if repairs:
        failed = findings(gather("inspected"))
    return failed, repairs


def _repaired(fix: Fix, state: StateDir) -> Repair:
    did, repair = _REPAIRS[fix]
    try:
        problem = repair(state)
    except (UserError, OSError) as error:
        why = os_reason(error) if isinstance(error, OSError) else str(error)
        problem = f"{fix} could not be repaired: {why}"
    return Repair(fix=fix, did=did, problem=problem)


def _permissions(state: StateDir) -> None:
    for path in private_paths(state):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _script(state: StateDir) -> None:
    write_hook_script(state)


def _ledger(state: StateDir) -> str | None:
    """Marks the ledger as damaged and starts a daemon, which repairs it. Returns what went wrong."""
    mark_damaged(state.ledger, DamagedBody())
    problem = _start_for_repair(state)
    if problem is None:
        return None
    return f"The ledger could not be mended: {problem}"


def _start_for_repair(state: StateDir) -> str | None:
    manager, program = service_of_user()
    if manager.status().active:
        return _service(state)
    if daemon_pid(state) is not None:
        return "carryoverd runs, but not as a service. Run `carryover restart`: that mends the ledger."
    command = [*program.command, "--once"]
    env = {**os.environ, **program.environment}
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else None


def _service(state: StateDir) -> str | None:
    return " ".join(bring_up(state, service=True, restart=True).trouble) or None


def _hooks(state: StateDir) -> str | None:
    config = load_config(state.config)
    detections, selected = agents_here(state, config.agents), config.agents.selected or ()
    choices = plan_choices(state, detections, selected, config=config)
    edits = apply((*plan_agents(state, detections, selected), choices), state)
    return " ".join(dict.fromkeys(filter(None, (edit.problem for edit in edits)))) or None


_REPAIRS: Final[dict[Fix, tuple[str, Callable[[StateDir], str | None]]]] = {
    "permissions": ("Only you can read Carryover's files now.", _permissions),
    "hooks": ("The hooks are in place.", _hooks),
    "script": ("The script that the hooks run is in place.", _script),
    "ledger": ("The ledger was mended, and what was damaged in it was read again from the transcripts.", _ledger),
    "service": ("carryoverd is running.", _service),
}
