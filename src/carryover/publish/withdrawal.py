"""Removes from every project what the settings no longer allow there, however long it has been inactive."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from carryover.config import Config, project_settings
from carryover.edits.record import published_projects
from carryover.errors import os_reason
from carryover.fsio import is_folder
from carryover.publish.project_files import take_back


class Withdrawn(msgspec.Struct, frozen=True):
    """The result in one project."""

    root: str
    files: tuple[str, ...] = ()
    """Names of the user's files that are as they were before Carryover."""
    notes: tuple[str, ...] = ()
    """Names what had to stay, and why."""


def withdraw(state: Path, config: Config) -> tuple[Withdrawn, ...]:
    """Withdraws from all projects ever published from the folder `state`; returns those with a change or a note.

    Repeating it changes nothing. Missing projects are left alone, as are all projects while everything is paused.
    Blocks (files, git).
    """
    if config.paused:
        return ()
    try:
        roots = dict.fromkeys(os.path.realpath(project.root) for project in published_projects(state))
    except OSError:
        return ()
    each = (_in_project(Path(root), config) for root in roots if is_folder(Path(root)))
    return tuple(done for done in each if done.files or done.notes)


def _in_project(root: Path, config: Config) -> Withdrawn:
    settings = project_settings(root, config)
    try:
        edits = take_back(root, settings)
    except OSError as error:
        return Withdrawn(str(root), notes=(os_reason(error),))
    return Withdrawn(str(root), tuple(edits.done), tuple(edits.notes))
