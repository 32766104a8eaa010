"""`carryover start`, `stop` and `restart`: use the installed service, or run the daemon without one."""

from __future__ import annotations

import argparse
import os
from typing import Final

from carryover.actions.context import state_dir
from carryover.cli.arguments import describe
from carryover.daemon.client import daemon_pid, stop_daemon, wait_for_daemon
from carryover.daemon.health import Health
from carryover.errors import ExitCode, UserError
from carryover.install.background import ANSWER_S, forget_starter, registered, start_detached
from carryover.install.service import ServiceManager, this_program
from carryover.paths import StateDir

START: Final = """\
Starts carryoverd through the service that `carryover install` set up (systemd,
launchd). Where there is none, such as in a container, it starts it in the
background; from then on your agents' hooks start it again when it is gone."""

STOP: Final = """\
Stops carryoverd in order: what it has read is stored. Handoffs are not kept
fresh while it is stopped; `carryover handoff` still works. A service starts it
again when you log in; `carryover pause` holds until you end it."""

RESTART: Final = """\
Restarts carryoverd, such as after an upgrade: through the service that
`carryover install` set up, or without one; starts it if it did not run."""

_HELP: Final[dict[str, tuple[str, str, tuple[ExitCode, ...]]]] = {
    "start": (START, "start       start it, if it does not run", (ExitCode.NOT_RUNNING,)),
    "stop": (STOP, "stop        stop it until `carryover start`, or the next log-in", ()),
    "restart": (RESTART, "restart     after an upgrade of Carryover", (ExitCode.NOT_RUNNING,)),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    description, example, codes = _HELP[parser.get_default("command")]
    describe(parser, description, f"examples:\n  carryover {example}\n", *codes)


def run(args: argparse.Namespace) -> int:
    does = {"start": start_daemon, "stop": stop_running, "restart": restart_daemon}
    print(does[args.command](state_dir()))
    return ExitCode.OK


def start_daemon(state: StateDir) -> str:
    """Starts the daemon and returns the result as a sentence. Raises UserError if it does not start."""
    service = _service()
    pid = daemon_pid(state)
    if pid is not None:
        by = "" if service is None or service.status().active else ", but not by the service"
        return f"carryoverd runs already (process {pid}){by}."
    if service is None:
        return _detached(state)
    service.start()
    return _running(state, service)


def stop_running(state: StateDir) -> str:
    """Stops the daemon and returns the result as a sentence. Raises UserError if it does not stop."""
    forget_starter(state)  # first, so that no hook starts it again
    service = _service()
    until = "until `carryover start`"
    if service is not None and service.status().active:
        service.stop()
        return f"carryoverd is stopped: no handoff is kept fresh {until}, or until you log in again."
    pid = stop_daemon(state)
    if pid is None:
        return "carryoverd was not running."
    return f"carryoverd (process {pid}) is stopped: no handoff is kept fresh {until}."


def restart_daemon(state: StateDir) -> str:
    """Restarts the daemon, or starts it if it is not running; returns the result as a sentence. Raises UserError."""
    service = _service()
    if service is None:
        return _detached(state)
    if service.status().active:
        service.restart()
    else:
        stop_daemon(state)  # one that the user started
        service.start()
    return _running(state, service)


def _service() -> ServiceManager | None:
    """Returns the installed service if this process can control it."""
    service = registered(os.environ)
    return service if service is not None and service.available() is None else None


def _detached(state: StateDir) -> str:
    start_detached(state, this_program(os.environ, state.root))
    health = wait_for_daemon(state, ANSWER_S).health
    if registered(os.environ) is not None:
        forget_starter(state)  # a service that can't be used from here starts it at the next login; hooks must not
    if health is None:
        raise UserError(
            f"carryoverd was started, but has not answered within {ANSWER_S:g} s. `carryover doctor` says why."
        )
    return f"carryoverd {health.version} runs in the background (process {health.pid}). `carryover stop` ends it."


def _running(state: StateDir, service: ServiceManager) -> str:
    found = wait_for_daemon(state, ANSWER_S)
    if not isinstance(found.health, Health):
        raise UserError(
            f"The {service.kind} service was started, but carryoverd has not answered within {ANSWER_S:g} s. "
            "`carryover doctor` says why."
        )
    return f"carryoverd {found.health.version} runs as a {service.kind} service (process {found.health.pid})."
