"""Publishes in projects, and withdraws, with the folders of the user whom a test stands for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.config import Config, ProjectSettings
from carryover.outside.in_project import Pass
from carryover.past.context import state_dir
from carryover.probe.checkout import Checkout
from carryover.projects.handoff_file import Published
from carryover.projects.root import StatePaths
from carryover.publish import project_files
from carryover.publish import publish as publishing
from carryover.publish.gitignore import refused_by_git
from carryover.publish.make import MadeHandoff
from carryover.redact import CleanText


def own_paths() -> StatePaths:
    return StatePaths(state_dir(), Path.home())


def publish(
    root: Path, text: CleanText, settings: ProjectSettings, *, beside: Callable[[], bool] | None = None
) -> Published:
    """Publishes a text as the handoff of a project. `beside` is called in place of what writes more files there."""
    refused = refused_by_git(Checkout(root), settings)
    made = MadeHandoff(root=str(root), settings=settings, handoff=None, text=text, git=None, refused=refused)
    with pytest.MonkeyPatch.context() as patch:
        if beside is not None:
            patch.setattr(publishing, "write_loaded_files", lambda *_: beside())
        return publishing.publish_handoff(made, Config(), own_paths()).published


def withdraw(root: Path, settings: ProjectSettings) -> Pass | None:
    return project_files.withdraw(Checkout(root), settings, state_dir().root)


def edited_by(do: Callable[[], object], root: Path) -> tuple[str, ...]:
    """Returns the names of the files in the folder that `do` changes, except those of git and of Carryover."""
    before = _contents(root)
    do()
    after = _contents(root)
    return tuple(name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name))


def _contents(root: Path) -> dict[str, bytes]:
    paths = (path for path in root.rglob("*") if path.is_file())
    found = {path.relative_to(root): path for path in paths}
    return {str(name): path.read_bytes() for name, path in found.items() if name.parts[0] not in (".git", ".carryover")}
