"""The repairs of `carryover doctor --fix`. Each is repeatable and deletes nothing of the user's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection

import msgspec

from carryover.agents import specs
from carryover.config import load_config
from carryover.daemon.client import daemon_pid
from carryover.diagnose.inspection import private_paths
from carryover.diagnose.report import Fix
from carryover.errors import UserError, os_reason
from carryover.install.background import bring_up, service_of_user
from carryover.install.detect import detect_all
from carryover.install.machine import Machine
from carryover.install.setup import carry_out, plan_setup
from carryover.ledger.connect import mark_damaged
from carryover.ledger.ledger_errors import DamagedBody
from carryover.paths import StateDir
from carryover.publish.hook_script import write_hook_script


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one repair. `problem`: why it failed."""

    fix: Fix
    did: str
    problem: str | None = None


def repair(state: StateDir, wanted: Collection[Fix]) -> tuple[Repair, ...]:
    """Carries out the repairs; one that fails does not stop the others."""
    done = []
    if "permissions" in wanted:
        done.append(_permissions(state))
    if "hooks" in wanted:
        done.append(_hooks(state))
    if "script" in wanted:
        done.append(_script(state))
    if "ledger" in wanted:
        done.append(_ledger(state))
    if "service" in wanted or "restart" in wanted:
        done.append(_service(state))
    return tuple(done)


def _permissions(state: StateDir) -> Repair:
    did = "Only you can read Carryover's files now."
    try:
        for path in private_paths(state):
            path.chmod(0o700 if path.is_dir() else 0o600)
    except OSError as error:
        return Repair(fix="permissions", did=did, problem=f"The permissions could not be changed: {error}")
    return Repair(fix="permissions", did=did)


def _script(state: StateDir) -> Repair:
    did = "The script that the hooks run is in place."
    try:
        write_hook_script(state)
    except OSError as error:
        return Repair(fix="script", did=did, problem=f"The hooks' script could not be written: {os_reason(error)}.")
    return Repair(fix="script", did=did)


def _ledger(state: StateDir) -> Repair:
    did = "The ledger was mended, and what was damaged in it was read again from the transcripts."
    try:
        mark_damaged(state.ledger, DamagedBody())
        problem = _mend(state)
    except OSError as error:
        problem = os_reason(error)
    return Repair(fix="ledger", did=did, problem=problem and f"The ledger could not be mended: {problem}")


def _mend(state: StateDir) -> str | None:
    """Starts a daemon, which repairs the ledger and reads all transcripts again. Returns what went wrong."""
    manager, program = service_of_user()
    if manager.status().active:
        return " ".join(bring_up(state, service=True, restart=True).trouble) or None
    if daemon_pid(state) is not None:
        return "carryoverd runs, but not as a service. Start it again: that mends the ledger."
    command, env = [*program.command, "--once"], {**os.environ, **program.environment}
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else None


def _hooks(state: StateDir) -> Repair:
    did = "The hooks are in place."
    try:
        problems = _apply_selection(state)
    except UserError as error:
        problems = [str(error)]
    return Repair(fix="hooks", did=did, problem=" ".join(problems) or None)


def _service(state: StateDir) -> Repair:
    background = bring_up(state, service=True, restart=True)
    return Repair(fix="service", did="carryoverd is running.", problem=" ".join(background.trouble) or None)


def _apply_selection(state: StateDir) -> list[str]:
    """Puts the hooks of the selected agents where they belong. Returns the obstacles, as sentences.

    Raises:
        UserError: the settings or the record of earlier edits are damaged.
    """
    config = load_config(state.config)
    agents = config.agents
    detections = detect_all(specs(), Machine.here(agents.recorded_env()), agents.recorded_versions())
    setup = plan_setup(state, detections, agents.selected or (), config=config, resume_mode=None, service=None)
    return [done.problem for done in carry_out(setup, state) if done.problem is not None]
