"""Starts, restarts and stops the daemon: through its service or, without one, in the background."""

from __future__ import annotations

import os

import msgspec

from carryover.config import load_config
from carryover.daemon.client import daemon_pid, look_at_endpoint, stop_daemon, wait_for_daemon
from carryover.errors import UserError
from carryover.install.background import BRING_UP_S, refuse_unknown_ledger, registered, remove_starter, start_detached
from carryover.install.service import ServiceManager, this_program
from carryover.past.context import state_dir


class Running(msgspec.Struct, frozen=True):
    """The daemon that runs now."""

    pid: int
    service: str | None
    """The kind of the service that this process can control; None if there is none."""
    is_new: bool
    """Whether it was started now."""
    version: str | None = None
    """Its version, if it was started now."""
    by_service: bool = True
    """Whether the service runs it, if there is one."""
    answers: bool = True
    """Whether it says that it is there."""
    is_paused: bool = False
    """Whether it reads nothing and hands nothing over, since the user paused Carryover."""


class Stopped(msgspec.Struct, frozen=True):
    """The daemon that was stopped. `pid` is None if its service stopped it."""

    pid: int | None
    until_login: bool = False
    """Whether the service starts it again when the user logs in."""


def running_pid() -> int | None:
    """Returns the process id of the daemon; None if none runs. Raises UserError if its lock can't be read."""
    return daemon_pid(state_dir())


def start_daemon(*, restart: bool = False) -> Running:
    """Starts the daemon, or restarts it. Raises UserError if it does not run after that; REFUSED, with a running one
    left alone, if it could not read its settings or may not write the ledger."""
    state = state_dir()
    service = _service()
    pid = daemon_pid(state)
    kind, paused = service.kind if service is not None else None, state.paused.exists()
    if pid is not None and not restart:
        by_service = service is None or bool(service.status().active)
        answers = look_at_endpoint(state)[0] is not None
        return Running(pid, kind, is_new=False, by_service=by_service, answers=answers, is_paused=paused)
    load_config(state.config)  # before one is stopped: with settings that it can't read it would not come back
    refuse_unknown_ledger(state)
    if service is None:
        start_detached(state, this_program(os.environ, state.root))
    elif restart and service.status().active:
        service.restart()
    else:
        stop_daemon(state)  # one that the user started
        service.start()
    health, _ = wait_for_daemon(state, BRING_UP_S)
    if service is None and registered(os.environ) is not None:
        remove_starter(state)  # a service that can't be used from here starts it at the next login; hooks must not
    if health is None:
        what = "carryoverd" if kind is None else f"The {kind} service"
        raise UserError(
            f"{what} was started, but has not answered within {BRING_UP_S:g} s. `carryoverd` in a terminal says why."
        )
    return Running(health.pid, kind, is_new=True, version=health.version, is_paused=paused)


def stop() -> Stopped | None:
    """Stops the daemon; returns None if none ran."""
    state = state_dir()
    remove_starter(state)  # first, so that no hook starts it again
    service = _service()
    if service is not None and service.status().active:
        service.stop()
        return Stopped(None, until_login=not service.stop_lasts)
    pid = stop_daemon(state)
    return Stopped(pid) if pid is not None else None


def _service() -> ServiceManager | None:
    """Returns the installed service if this process can control it."""
    service = registered(os.environ)
    return service if service is not None and service.available() is None else None
