"""Repairs of `carryover doctor --fix`: each takes nothing away and can be repeated."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from carryover.agents import specs
from carryover.config import load_config
from carryover.diagnose.inspection import private_paths
from carryover.diagnose.report import Fix
from carryover.errors import UserError, os_reason
from carryover.install.background import bring_up
from carryover.install.detect import detect_all
from carryover.install.machine import Machine
from carryover.install.setup import carry_out, plan_setup
from carryover.paths import StateDir
from carryover.publish.hook_script import write_hook_script


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """One repair. `problem`: why it did not succeed."""

    fix: Fix
    did: str
    problem: str | None = None


def repair(state: StateDir, wanted: Collection[Fix]) -> tuple[Repair, ...]:
    """Carries the repairs out; a repair that fails does not stop the others."""
    done = []
    if "permissions" in wanted:
        done.append(_permissions(state))
    if "hooks" in wanted:
        done.append(_hooks(state))
    if "script" in wanted:
        done.append(_script(state))
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
    """Brings the hooks of the selected agents where they should be. Returns the obstacles, as sentences.

    Raises:
        UserError: the settings or the record of earlier edits are damaged.
    """
    config = load_config(state.config)
    agents = config.agents
    detections = detect_all(specs(), Machine.here(agents.recorded_env()), agents.recorded_versions())
    setup = plan_setup(state, detections, agents.selected or (), config=config, resume_mode=None, service=None)
    return [done.problem for done in carry_out(setup, state) if done.problem is not None]
