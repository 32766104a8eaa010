"""The repairs of `carryover doctor --fix`. Each is repeatable and deletes nothing of the user's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Collection
from typing import Final

import msgspec

from carryover.agents import specs
from carryover.config import load_config
from carryover.daemon.client import daemon_pid
from carryover.errors import UserError, os_reason
from carryover.install.background import bring_up, service_of_user
from carryover.install.detect import detect_all
from carryover.install.machine import Machine
from carryover.install.setup import carry_out, plan_setup
from carryover.ledger.codec import DamagedBody
from carryover.ledger.connect import mark_damaged
from carryover.past.diagnose.inspection import private_paths
from carryover.past.diagnose.report import Fix
from carryover.paths import StateDir
from carryover.publish.hook_script import write_hook_script


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one repair. `problem`: why it failed."""

    fix: Fix
    did: str
    problem: str | None = None


def repair(state: StateDir, wanted: Collection[Fix]) -> tuple[Repair, ...]:
    """Carries out the repairs; one that fails does not stop the others."""
    # Bringing up the service restarts it too.
    chosen = {"service" if fix == "restart" else fix for fix in wanted}
    done = []
    for fix, (did, how) in _REPAIRS.items():
        if fix in chosen:
            try:
                problem = how(state)
            except (UserError, OSError) as error:
                why = os_reason(error) if isinstance(error, OSError) else str(error)
                problem = f"{fix} could not be repaired: {why}"
            done.append(Repair(fix=fix, did=did, problem=problem))
    return tuple(done)


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
    agents = config.agents
    detections = detect_all(specs(), Machine.here(agents.recorded_env()), agents.recorded_versions())
    setup = plan_setup(state, detections, agents.selected or (), config=config, resume_mode=None, service=None)
    return " ".join(filter(None, (done.problem for done in carry_out(setup, state)))) or None


_REPAIRS: Final[dict[Fix, tuple[str, Callable[[StateDir], str | None]]]] = {
    "permissions": ("Only you can read Carryover's files now.", _permissions),
    "hooks": ("The hooks are in place.", _hooks),
    "script": ("The script that the hooks run is in place.", _script),
    "ledger": ("The ledger was mended, and what was damaged in it was read again from the transcripts.", _ledger),
    "service": ("carryoverd is running.", _service),
}
