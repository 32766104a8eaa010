"""Undoes what install did and, if wanted, deletes everything that was written since."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from carryover.config import Config, load_config
from carryover.daemon.client import daemon_pid, stop_daemon
from carryover.errors import UserError
from carryover.install.agent_settings import usual_files
from carryover.install.background import registered
from carryover.install.service import ServiceManager
from carryover.install.uninstall import Uninstall, carry_out_uninstall, plan_uninstall
from carryover.past.context import state_dir
from carryover.paths import StateDir

__all__ = ["Uninstall", "plan_removal", "uninstall"]


def plan_removal(*, purge: bool) -> Uninstall:
    """Plans the removal of hooks and service and, with `purge`, of everything else that Carryover has written. Only
    reads."""
    state, service = state_dir(), registered(os.environ)
    return replace(
        _planned(state, purge=purge),
        service=service.kind if service is not None else None,
        pid=daemon_pid(state),
        kept_in=state.root if not purge and state.ledger.exists() else None,
    )


def uninstall(*, purge: bool) -> Uninstall:
    """Plans again, carries it out and returns what was done. Raises UserError if the daemon can't be stopped, or
    another command edits."""
    state, service = state_dir(), registered(os.environ)
    stays = _remove(service) if service is not None else ()
    stop_daemon(state)  # one that can't be stopped would write again what is removed
    # Planned only now: the daemon may have written into projects before it stopped.
    done = carry_out_uninstall(_planned(state, purge=purge), state)
    return replace(done, notes=(*stays, *done.notes))


def _remove(service: ServiceManager) -> tuple[str, ...]:
    """Returns why it could not be removed, as sentences."""
    try:
        service.uninstall()
    except (UserError, OSError) as error:
        return (f"The {service.kind} service could not be removed: {error}",)
    return ()


def _planned(state: StateDir, *, purge: bool) -> Uninstall:
    home = Path.home()
    try:
        agents = load_config(state.config).agents
    except UserError:  # uninstalling needs no settings
        agents = Config().agents
    usual = usual_files(home, {**agents.recorded_env(), **os.environ}, state.hook_script)
    return plan_uninstall(state, purge=purge, home=home, usual=usual)
