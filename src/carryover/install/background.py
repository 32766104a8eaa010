"""Starts the daemon, through this machine's service manager or without one, and checks that it answers."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.build import build
from carryover.daemon.client import look_at_endpoint, stop_daemon, wait_for_daemon
from carryover.daemon.main import OWN_SESSION
from carryover.errors import UserError, os_reason
from carryover.fsio import private_dir, write_if_changed, written_beside
from carryover.install.service import COMMAND_S, STANDARD_PATH, Program, ServiceManager, ServiceStatus, this_program
from carryover.install.service_managers import Launchd, SystemdUser
from carryover.ledger.connect import LedgerDamaged, LedgerUnavailable, copies, reading
from carryover.paths import STARTER, StateDir, require_address
from carryover.platform import MACOS, here

BRING_UP_S: Final = 20.0
"""How long to wait for the daemon to answer. Migrating the ledger may take longer; the daemon starts all the same."""

_ROOM_BYTES: Final = 262_144
"""More than a daemon writes before it answers."""
_KEPT: Final = (
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "PYTHONPATH",
)
"""Environment variables that the daemon inherits; the agent whose hook starts it has many more."""

# All streams are closed before anything is started, so that no agent waits for them.
_SCRIPT: Final = """\
#!/bin/sh
# Written by `carryover start`, as no service manager runs carryoverd here: starts it in the background.
# The agents' hooks run this when no daemon answers. `carryover stop` removes it.
exec </dev/null >/dev/null 2>&1
cd / || exit
env -i {command} &
"""


class DaemonReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the daemon is running now, and what `bring_up` did for that."""

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
    """The version that ran before, if it was another build."""
    ledger_copy: str | None = None
    """File name of the copy that was made of an older version's ledger before it was migrated."""


def service_of_user() -> tuple[ServiceManager, Program]:
    """Returns the service manager of this process's user, which need not be available, and the program it starts."""
    return service_manager(os.environ), this_program(os.environ, StateDir.of(os.environ, Path.home()).root)


def bring_up(
    state: StateDir,
    *,
    service: bool,
    restart: bool = False,
    by: tuple[ServiceManager, Program] | None = None,
    answer_s: float = BRING_UP_S,
) -> DaemonReport:
    """Registers and starts the daemon unless it is already running correctly; with `restart`, always. Never raises;
    errors are returned in `trouble`. `by` is `service_of_user` unless given."""
    (before, _), copies_before = look_at_endpoint(state), copies(state.ledger)
    manager, program = by or service_of_user()
    reason = manager.available()
    changed, trouble = False, None
    try:
        require_address(state.socket)
        if service:
            refuse_unknown_ledger(state)
            if reason is None:
                changed = _registered(state, manager, program, restart=restart)
            else:
                changed = _detached(state, program, restart=restart)
    except (UserError, OSError) as error:
        trouble = str(error)
    health, found = wait_for_daemon(state, answer_s if service and trouble is None else 0.0)
    if service and health is None:
        trouble = trouble or found
    hint = (reason or manager.status().hint) if service else None
    return DaemonReport(
        kind=manager.kind if reason is None else "none",
        wanted=service,
        changed=changed,
        pid=health.pid if health is not None else None,
        version=health.version if health is not None else None,
        port=health.port if health is not None else None,
        trouble=(trouble,) if trouble else (),
        warnings=(found,) if health is not None and found else (),
        hints=(hint,) if hint else (),
        replaced=before.version if before and (health is None or health.build != before.build) else None,
        ledger_copy=next((path.name for path in copies(state.ledger) if path not in copies_before), None),
    )


def refuse_unknown_ledger(state: StateDir) -> None:
    """Raises UserError (REFUSED) for a ledger that this version must leave alone, as after a downgrade."""
    with suppress(LedgerUnavailable, LedgerDamaged):  # the daemon waits for it, brings it up to date or salvages it
        if state.ledger.exists():
            with reading(state.ledger):
                pass


def _registered(state: StateDir, manager: ServiceManager, program: Program, *, restart: bool) -> bool:
    """Runs this build of the daemon under the service manager; returns whether anything changed."""
    changed = manager.install(program)
    remove_starter(state)
    is_active = manager.status().active
    if is_active and _is_up_to_date(state) and not (changed or restart):
        return False
    if is_active:
        manager.restart()
    else:
        stop_daemon(state)  # one that the user started: from now on the service manager does that
        manager.start()
    return True


def _detached(state: StateDir, program: Program, *, restart: bool) -> bool:
    if _is_up_to_date(state) and not restart:
        return write_starter(state, program, os.environ)
    start_detached(state, program)
    return True


def _is_up_to_date(state: StateDir) -> bool:
    health, _ = look_at_endpoint(state)
    return health is not None and health.build == build()


def service_status(env: Mapping[str, str]) -> ServiceStatus:
    """Returns the state of the service. Its manager need not be asked whether it can be used if the service runs."""
    manager = service_manager(env)
    status = manager.status() if manager.path.is_file() else None
    if status is not None and status.active:
        return status
    if (reason := manager.available()) is not None:
        return ServiceStatus(kind="none", installed=False, trouble=reason)
    return status or manager.status()


def registered(env: Mapping[str, str]) -> ServiceManager | None:
    """Returns the service manager that has our registration, even if it does not answer now."""
    manager = service_manager(env)
    return manager if manager.status().installed else None


def service_manager(env: Mapping[str, str]) -> ServiceManager:
    """Returns this system's service manager, whether it is available or not."""
    return Launchd(env) if here().name == MACOS else SystemdUser(env)


def write_starter(state: StateDir, program: Program, env: Mapping[str, str]) -> bool:
    """Writes the script that starts the daemon; returns whether it changed. Raises OSError."""
    variables = {name: env[name] for name in _KEPT if env.get(name)}
    variables |= {"PATH": STANDARD_PATH, **program.environment}
    words = (*(f"{name}={value}" for name, value in sorted(variables.items())), *program.command, OWN_SESSION)
    private_dir(state.root)
    script = _SCRIPT.format(command=shlex.join(words)).encode(errors="surrogateescape")
    return write_if_changed(state.root / STARTER, script, mode=0o700, follow=False)


def start_detached(state: StateDir, program: Program) -> None:
    """Starts the daemon, replacing a running one, without waiting until it answers. From then on, the agents' hooks
    start it too. Raises UserError if it cannot be started."""
    try:
        private_dir(state.root)
        # It would end unheard where nothing can be written, as on a full disk.
        written_beside(state.log, bytes(_ROOM_BYTES), mode=0o600).unlink()
        write_starter(state, program, os.environ)
        stop_daemon(state)
        subprocess.run([state.root / STARTER], stdin=subprocess.DEVNULL, timeout=COMMAND_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        why = os_reason(error) if isinstance(error, OSError) else "its script does not end"
        raise UserError(
            f"carryoverd can't be started: {why}. Commands work without it. Once that is mended, run `carryover start`."
        ) from error


def remove_starter(state: StateDir) -> None:
    """Removes the script, so that hooks no longer start the daemon."""
    (state.root / STARTER).unlink(missing_ok=True)
