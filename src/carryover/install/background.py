"""Starts the daemon, through this machine's service manager or without one, and checks that it answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from carryover import __version__
from carryover.daemon.client import Endpoint, look_at_endpoint, stop_daemon, wait_for_daemon
from carryover.errors import UserError
from carryover.install.detached import forget_starter, start_detached, write_starter
from carryover.install.launchd import Launchd
from carryover.install.service import Program, ServiceManager, this_program
from carryover.install.systemd import SystemdUser
from carryover.ledger.connect import copies
from carryover.paths import StateDir

ANSWER_S: Final = 20.0
"""How long to wait for the daemon to answer. Migrating the ledger may take longer; the daemon starts all the same."""


class Background(msgspec.Struct, frozen=True, kw_only=True):
    """How the daemon is running now."""

    kind: str
    """What starts the daemon: `systemd`, `launchd`, or `none`."""
    wanted: bool = True
    """False if the user wants no service (`--no-service`)."""
    changed: bool = False
    """Whether the service was changed."""
    pid: int | None = None
    version: str | None = None
    port: int | None = None
    trouble: tuple[str, ...] = ()
    """What went wrong, as sentences."""
    warnings: tuple[str, ...] = ()
    """Things to know about, although everything works."""
    hints: tuple[str, ...] = ()
    replaced: str | None = None
    """The version that ran before, if it is another one."""
    ledger_copy: str | None = None
    """File name of the copy that was made of an older version's ledger before it was migrated."""


def service_of_user() -> tuple[ServiceManager, Program]:
    """Returns the service manager of this process's user and the program it starts."""
    return service_here(os.environ), this_program(os.environ, StateDir.of(os.environ, Path.home()).root)


def bring_up(state: StateDir, *, service: bool, restart: bool = False) -> Background:
    """Registers and starts the daemon unless it is already running correctly; with `restart`, always.

    Never raises; errors are returned in `trouble`.
    """
    before, copies_before = look_at_endpoint(state).health, copies(state.ledger)
    background = _brought_up(state, service=service, restart=restart)
    return msgspec.structs.replace(
        background,
        replaced=before.version if before is not None and background.version != before.version else None,
        ledger_copy=next((path.name for path in copies(state.ledger) if path not in copies_before), None),
    )


def _brought_up(state: StateDir, *, service: bool, restart: bool) -> Background:
    manager, program = service_of_user()
    reason = manager.available()
    if not service:
        return _background(look_at_endpoint(state), manager.kind, wanted=False)
    if reason is not None:
        return _detached(state, program, reason, restart=restart)
    changed, trouble = False, ""
    try:
        changed = manager.install(program)
        forget_starter(state)
        changed = _run(state, manager, restart=changed or restart) or changed
    except (UserError, OSError) as error:
        trouble = str(error)
    found = wait_for_daemon(state, 0.0 if trouble else ANSWER_S)
    if found.health is None and not trouble:
        trouble = found.trouble or ""
    return _background(found, manager.kind, changed=changed, trouble=trouble, hint=manager.status().hint)


def _run(state: StateDir, manager: ServiceManager, *, restart: bool) -> bool:
    """Runs the daemon in this version under the service manager; returns whether it was started or stopped."""
    status = manager.status()
    health = look_at_endpoint(state).health
    if status.active and health is not None and health.version == __version__ and not restart:
        return False
    if status.active:
        manager.restart()
        return True
    stop_daemon(state)  # one that the user started: from now on the service manager does that
    manager.start()
    return True


def _detached(state: StateDir, program: Program, reason: str, *, restart: bool) -> Background:
    found, trouble, changed = look_at_endpoint(state), "", False
    try:
        if restart or found.health is None or found.health.version != __version__:
            found, changed = start_detached(state, program, limit_s=ANSWER_S), True
            trouble = (found.trouble or "") if found.health is None else ""
        else:
            changed = write_starter(state, program, os.environ)
    except (UserError, OSError) as error:
        trouble = str(error)
    return _background(found, "none", changed=changed, trouble=trouble, hint=reason)


def _background(
    found: Endpoint,
    kind: str,
    *,
    wanted: bool = True,
    changed: bool = False,
    trouble: str = "",
    hint: str | None = None,
) -> Background:
    health = found.health
    return Background(
        kind=kind,
        wanted=wanted,
        changed=changed,
        pid=health.pid if health is not None else None,
        version=health.version if health is not None else None,
        port=found.port,
        trouble=(trouble,) if trouble else (),
        warnings=(found.trouble,) if health is not None and found.trouble else (),
        hints=(hint,) if hint else (),
    )


def service_here(env: Mapping[str, str], *, platform: str = sys.platform) -> ServiceManager:
    """Returns the service manager to register with, or one that explains why there is none."""
    known = _known(env, platform)
    if known is None:
        return ServiceManager(f"Carryover knows no service manager for {platform}.")
    reason = known.available()
    return known if reason is None else ServiceManager(reason)


def registered(env: Mapping[str, str], *, platform: str = sys.platform) -> ServiceManager | None:
    """Returns the service manager that has our registration, even if it does not answer now; for uninstalling."""
    known = _known(env, platform)
    return known if known is not None and known.status().installed else None


def _known(env: Mapping[str, str], platform: str) -> SystemdUser | Launchd | None:
    if platform == "darwin":
        return Launchd(env)
    if platform.startswith("linux"):
        return SystemdUser(env)
    return None
