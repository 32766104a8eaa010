"""Pauses everything or, by a pattern in the settings, one project."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from carryover.actions.settings import write
from carryover.config import load_config, project_settings, settings_now, what_includes
from carryover.daemon.client import SettingsNotTaken, reload_daemon
from carryover.errors import ExitCode, UserError
from carryover.fsio import private_dir, write_if_changed
from carryover.past.context import known_places, state_dir
from carryover.paths import StateDir
from carryover.probe.patterns import names_alone
from carryover.publish.hook_script import remove_former_copies

Taken = Literal["at once", "when it starts", "when it answers"]
"""When the daemon obeys. The last one is of a daemon that hangs."""


class Pausing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether Carryover, or the project with this root, is paused after the command. `note`: a further sentence."""

    paused: bool
    changed: bool
    project: str | None = None
    daemon: Taken
    note: str | None = None


def pause_all() -> Pausing:
    """Pauses everything. Raises UserError if the flag can't be written."""
    state = state_dir()
    changed = not state.paused.exists()
    try:
        if changed:
            private_dir(state.root)
            write_if_changed(state.paused, b"", mode=0o600, follow=False)
    except OSError as error:
        raise UserError(f"{state.paused} can't be written ({error.strerror}), so nothing was paused.") from error
    return Pausing(paused=True, changed=changed, daemon=_obeyed(state, paused=True))


def unpause_all() -> Pausing:
    """Resumes everything except projects that were paused by name. Raises UserError, also for unusable settings."""
    state = state_dir()
    exclude = load_config(state.config).projects.exclude  # before anything is changed
    left_out = f"Still left out, by [projects] exclude in config.toml: {', '.join(exclude)}."
    note = f"{left_out} `carryover unpause PROJECT` includes a project again." if exclude else None
    changed = state.paused.exists()
    try:
        state.paused.unlink(missing_ok=True)
    except OSError as error:
        kept = f"{state.paused} can't be removed ({error.strerror}), so Carryover stays paused."
        raise UserError(f"{kept} Remove it, then run `carryover unpause` again.") from error
    return Pausing(paused=False, changed=changed, daemon=_obeyed(state, paused=False), note=note)


def pause_project(root: str) -> Pausing:
    """Excludes one project by `[projects] exclude`, and takes out what we put into it. Raises UserError if it can't."""
    from carryover.publish.project_files import withdraw_everywhere

    state = state_dir()
    config = load_config(state.config)
    excluded = project_settings(Path(root), config).excluded
    if excluded is None:
        write(("projects", "exclude"), partial(with_one, glob.escape(root)))
    obeyed = _obeyed(state, paused=None)
    if excluded is not None:
        by_name = any(names_alone(pattern, root) for pattern in config.projects.exclude)
        note = None if by_name else f"It is left out by {excluded}.{what_includes(root, excluded, config)}"
        return Pausing(paused=True, changed=False, project=root, daemon=obeyed, note=note)
    if obeyed == "when it starts":  # otherwise the daemon does it
        withdraw_everywhere(state.root, settings_now(state))
    return Pausing(paused=True, changed=True, project=root, daemon=obeyed, note=_in_it(root))


def unpause_project(root: str) -> Pausing:
    """Resumes one project. Raises UserError (REFUSED) if a pattern other than its own path excludes it."""
    state = state_dir()
    changed = any(names_alone(one, root) for one in load_config(state.config).projects.exclude)
    if changed:
        write(("projects", "exclude"), lambda there: [one for one in there or () if not names_alone(one, root)] or None)
    config = load_config(state.config)
    excluded = project_settings(Path(root), config).excluded
    if excluded is not None:
        what = f"{root} is still left out, by {excluded}.{what_includes(root, excluded, config)}"
        raise UserError(what, ExitCode.REFUSED)
    note = "But everything is still paused; `carryover unpause` ends that." if state.paused.exists() else None
    return Pausing(paused=False, changed=changed, project=root, daemon=_obeyed(state, paused=None), note=note)


def with_one(pattern: str, there: Sequence[str] | None) -> list[str]:
    """Returns the patterns that are there with this one, which another command may have added by now."""
    there = list(there or ())
    return there if pattern in there else [*there, pattern]


def _in_it(root: str) -> str | None:
    """Names a project below the folder, which a pause of the folder holds for too."""
    with suppress(UserError):  # a ledger that can't be read is not what the user asked about
        here_now = (place.root for place in known_places() if place.has_sessions and place.moved_to is None)
        if (first := next((one for one in here_now if one.startswith(f"{root.rstrip('/')}/")), None)) is not None:
            return f"The pause holds for each project below that folder too, such as {first}."
    return None


def _obeyed(state: StateDir, *, paused: bool | None) -> Taken:
    """Has the daemon take the settings, if one is running."""
    try:
        health = reload_daemon(state)
    except SettingsNotTaken:
        return "when it answers"
    if health is None:
        remove_former_copies(state)
        return "when it starts"
    if health.config_trouble and not paused:
        raise UserError(f"carryoverd does not take the settings: {health.config_trouble}")
    if paused is not None and health.paused is not paused:
        raise UserError("carryoverd did not follow; it may be an older version. Run `carryover restart`.")
    return "at once"
