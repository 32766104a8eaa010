"""Undoes what install did and, if wanted, deletes everything that was written since."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from carryover.actions.file_changes import FileChange, PlannedChange, file_change, planned_change
from carryover.adapter.spec import Place
from carryover.agents import specs
from carryover.config import Config, load_config
from carryover.daemon.client import stop_daemon
from carryover.edits.hooks import HookFile
from carryover.errors import UserError
from carryover.install import uninstall
from carryover.install.agent_settings import hook_files, server_files
from carryover.install.background import registered
from carryover.install.machine import Machine
from carryover.install.service import ServiceManager
from carryover.past.context import state_dir
from carryover.paths import StateDir


class Removal(NamedTuple):
    """One of our files or folders that goes."""

    path: Path
    what: str
    """Its name for people: `the ledger`."""


class Plan(NamedTuple):
    """What would be done."""

    service: str | None
    """The kind of the service that is stopped and removed; None if there is none."""
    changes: tuple[PlannedChange, ...]
    removals: tuple[Removal, ...]
    notes: tuple[str, ...]
    """Names what stays and why, in whole sentences."""


class Uninstalled(NamedTuple):
    """What was done."""

    service: str | None
    files: tuple[FileChange, ...]
    removed: tuple[str, ...]
    left: tuple[str, ...]
    """Names what should have gone but stayed, and why, in whole sentences."""
    kept_in: Path | None
    """The state folder, if what was recorded is still there."""

    @property
    def changed(self) -> int:
        """How many files and folders were put back or removed."""
        return sum(file.outcome in ("changed", "removed") for file in self.files) + len(self.removed)


def plan_uninstall(*, purge: bool, with_diffs: bool) -> Plan:
    """Plans the removal of hooks and service and, with `purge`, of everything else that Carryover has written. Only
    reads."""
    service = registered(os.environ)
    wanted = _planned(state_dir(), purge=purge)
    return Plan(
        service=service.kind if service is not None else None,
        changes=tuple(planned_change(edit, with_diff=with_diffs) for edit in wanted.shown),
        removals=tuple(Removal(removal.path, removal.what) for removal in wanted.removals),
        notes=wanted.notes,
    )


def carry_out_uninstall(*, purge: bool) -> Uninstalled:
    """Plans again and carries it out. Raises UserError if the daemon can't be stopped, or another command edits."""
    state = state_dir()
    service = registered(os.environ)
    stays = _remove_service(service) if service is not None else None
    stop_daemon(state)  # one that can't be stopped would write again what is removed
    # Planned only now: the daemon may have written into projects before it stopped.
    done = uninstall.carry_out(_planned(state, purge=purge), state)
    return Uninstalled(
        service=service.kind if service is not None else None,
        files=tuple(map(file_change, done.applied)),
        removed=tuple(map(str, done.removed)),
        left=(stays, *done.left) if stays is not None else done.left,
        kept_in=state.root if not purge and state.ledger.exists() else None,
    )


def _remove_service(service: ServiceManager) -> str | None:
    """Returns why it could not be removed, as a sentence; None if it was."""
    try:
        service.uninstall()
    except (UserError, OSError) as error:
        return f"The {service.kind} service could not be removed: {error}"
    return None


def _planned(state: StateDir, *, purge: bool) -> uninstall.Uninstall:
    home = Path.home()
    return uninstall.plan_uninstall(state, purge=purge, home=home, usual=tuple(_usual_settings(state, home)))


def _usual_settings(state: StateDir, home: Path) -> Iterator[tuple[str, HookFile]]:
    """Yields the standard files of each agent's hooks and MCP servers, in case the record of our edits is lost."""
    try:
        agents = load_config(state.config).agents
    except UserError:  # uninstalling needs no settings
        agents = Config().agents
    machine = Machine.here(agents.recorded_env())
    for spec in specs():
        located = partial(Place.at, home=home, env=machine.env)
        for file in hook_files(spec, machine.platform, located):
            yield spec.id, file
        for servers in spec.mcp:
            for path in server_files(servers, located):
                yield spec.id, HookFile(path, "server", servers.key)
