"""Pauses everything with a file in the state folder, or one project with a pattern in the settings."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Literal

import msgspec

from carryover.config import Config, load_config, project_settings, settings_now
from carryover.daemon.client import reload_daemon
from carryover.edits.apply import apply
from carryover.errors import ExitCode, UserError
from carryover.fsio import private_dir, write_if_changed
from carryover.install.config_file import plan_config
from carryover.paths import StateDir
from carryover.publish.answers import prune_answers
from carryover.publish.project_files import withdraw

Obeyed = Literal["at once", "when it starts"]


class Pausing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether Carryover or a project is paused after the command."""

    paused: bool
    changed: bool
    project: str | None = None
    """Root of the project; None for all projects."""
    daemon: Obeyed
    note: str | None = None
    """An additional sentence for the user."""


def pause_all(state: StateDir) -> Pausing:
    """Pauses everything. Raises UserError if the flag can't be written or the daemon does not answer."""
    changed = not state.paused.exists()
    if changed:
        try:
            private_dir(state.root)
            write_if_changed(state.paused, b"", mode=0o600, follow=False)
        except OSError as error:
            raise UserError(f"{state.paused} can't be written ({error.strerror}), so nothing was paused.") from error
    return Pausing(paused=True, changed=changed, daemon=_reload(state, paused=True))


def unpause_all(state: StateDir) -> Pausing:
    """Resumes everything except projects that were paused by name. Raises UserError, also for unusable settings."""
    note = _still_out(state)  # first, before anything is changed, since this needs the settings
    changed = state.paused.exists()
    try:
        state.paused.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{state.paused} can't be removed ({error.strerror}), so Carryover stays paused.") from error
    return Pausing(paused=False, changed=changed, daemon=_reload(state, paused=False), note=note)


def pause_project(state: StateDir, root: str) -> Pausing:
    """Excludes one project through `[projects] exclude`, and removes what Carryover put into it.

    Raises UserError if the settings can't be edited.
    """
    config = load_config(state.config)
    pattern = glob.escape(root)
    if _excluded(root, config) is not None:
        return Pausing(paused=True, changed=False, project=root, daemon=_reload(state, paused=None))
    _write(state, exclude=(*config.projects.exclude, pattern))
    obeyed = _reload(state, paused=None)
    if obeyed != "at once":  # otherwise the daemon does it
        withdraw(state.root, settings_now(state))
    return Pausing(paused=True, changed=True, project=root, daemon=obeyed)


def unpause_project(state: StateDir, root: str) -> Pausing:
    """Resumes one project. Raises UserError (REFUSED) if something other than `pause` excludes it."""
    config = load_config(state.config)
    pattern = glob.escape(root)
    changed = pattern in config.projects.exclude
    if changed:
        _write(state, exclude=tuple(other for other in config.projects.exclude if other != pattern))
    excluded = _excluded(root, load_config(state.config))
    if excluded is not None:
        raise UserError(f"{root} is still left out, by {excluded}. Change that where it is set.", ExitCode.REFUSED)
    note = "But everything is still paused; `carryover unpause` ends that." if state.paused.exists() else None
    return Pausing(paused=False, changed=changed, project=root, daemon=_reload(state, paused=None), note=note)


def _still_out(state: StateDir) -> str | None:
    exclude = load_config(state.config).projects.exclude
    return f"Still left out, by [projects] exclude in config.toml: {', '.join(exclude)}." if exclude else None


def _excluded(root: str, config: Config) -> str | None:
    return project_settings(Path(root), config).excluded


def _write(state: StateDir, *, exclude: tuple[str, ...]) -> None:
    [done] = apply([plan_config(state, {("projects", "exclude"): list(exclude) or None})], state)
    if done.problem is not None:
        raise UserError(done.problem, ExitCode.REFUSED)


def _forget_answers(state: StateDir, *, paused: bool | None) -> None:
    try:
        # A pause of everything applies whatever the settings say, even if they can't be read.
        prune_answers(state.root, Config(paused=True) if paused else settings_now(state))
    except OSError as error:
        raise UserError(f"Answers kept for when carryoverd is down can't be removed ({error.strerror}).") from error


def _reload(state: StateDir, *, paused: bool | None) -> Obeyed:
    health = reload_daemon(state)
    if health is None:
        _forget_answers(state, paused=paused)
        return "when it starts"
    if health.config_trouble and not paused:
        raise UserError(f"carryoverd does not take the settings: {health.config_trouble}")
    if paused is not None and health.paused is not paused:
        raise UserError("carryoverd did not follow; it may be an older version. Restart it.")
    return "at once"
