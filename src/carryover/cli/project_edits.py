"""Describes what an install writes into projects, for its question, its summary and a dry run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from carryover.actions.context import agents_own
from carryover.agents import instruction_files
from carryover.config import Config, Pointers, project_settings
from carryover.edits.plan import Edit, diff
from carryover.errors import os_reason
from carryover.paths import short_path
from carryover.projects.handoff_file import IN_PROJECT
from carryover.publish.gitignore import EXCLUDE
from carryover.publish.project_files import preview

SHOWN: Final = 8
NAMED: Final = 4

_BY_HOOKS: Final = "agents get it by hooks, or by `carryover to`."


@dataclass(frozen=True, slots=True)
class ProjectEdits:
    """The edits planned in one project."""

    root: Path
    edits: tuple[Edit, ...] = ()
    """Edits that are made immediately."""
    later: tuple[Edit, ...] = ()
    """Edits that are made when an agent next works in the project."""
    problem: str = ""
    """Why the edits could not be determined, as a clause."""
    notes: tuple[str, ...] = ()
    """Names what is left alone, and why."""


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """The edits planned in all projects."""

    pointers: Pointers
    projects: tuple[ProjectEdits, ...]
    """The currently active projects."""
    kept_in: str
    """The folder for handoffs that are not written into a project."""
    folder: str | None = None
    """The folder that the settings name for all handoffs, if any."""
    changed: bool = False
    """Whether `pointers` differs from the recorded answer."""


def planned(projects: Mapping[Path, int], config: Config) -> tuple[ProjectEdits, ...]:
    """Plans the edits of users' files in `projects` under these settings. Reads only.

    `projects` maps each root to the time of its last work (UTC ms).
    """
    each = (_planned(root, last_ms, config) for root, last_ms in projects.items())
    return tuple(found for found in each if found is not None)


def _planned(root: Path, last_ms: int, config: Config) -> ProjectEdits | None:
    settings, own = project_settings(root, config), agents_own(config.agents)
    at_once = settings.at(last_ms)
    try:
        now, then = (preview(root, each, home=Path.home(), agents_own=own) for each in (at_once, settings))
    except OSError as error:
        return ProjectEdits(root, problem=os_reason(error))
    if now is None or then is None:
        return None
    later = tuple(then.planned) if at_once != settings else ()
    return ProjectEdits(root, tuple(now.planned), later, notes=tuple(then.notes))


def meaning(
    pointers: Pointers, agents: Collection[str], *, where: str, kept_in: str, folder: str | None = None
) -> tuple[str, ...]:
    """Describes in sentences what `pointers` allows, and when.

    `where`: as returned by `places`. `folder`: the folder that the settings name for all handoffs.
    """
    if folder is not None:
        return (f"Nothing: handoffs are kept in {folder} (`folder` in config.toml).",)
    if pointers == "off":
        return (f"Nothing: handoffs are kept in {kept_in}; {_BY_HOOKS}",)
    if pointers == "private":
        return (
            f"{where}, and in others once an agent works there: {IN_PROJECT}, kept out of commits by {EXCLUDE}.",
            f"No other file: {_BY_HOOKS}",
        )
    return (
        f"{where}: only {IN_PROJECT}, kept out of commits by {EXCLUDE}.",
        f"When an agent next works in a project, not before: .carryover/ in its .gitignore{_pointers(agents)}.",
    )


def _pointers(agents: Collection[str]) -> str:
    """Names the files that get the pointer, as the end of a sentence; empty if none does."""
    created: list[str] = []
    extended: list[str] = []
    for name, readers in instruction_files().items():
        if files := [file for agent, file in readers.items() if agent in agents]:
            (created if any(file.create for file in files) else extended).append(name)
    yours = f"your {_listed(extended)}" if extended else ""
    files_named = " and in ".join(filter(None, (*(f"{name} (created if missing)" for name in created), yours)))
    return f", and five lines that point to the handoff in {files_named}" if files_named else ""


def _listed(names: Sequence[str]) -> str:
    *all_but_last, last = names
    return f"{', '.join(all_but_last)} and {last}" if all_but_last else last


def places(roots: Collection[Path], home: Path) -> str:
    """Names the projects, as the beginning of a sentence."""
    names = [short_path(root, home) for root in roots]
    if len(names) < 2:
        return f"Now in {names[0]}" if names else "Now in no project"
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"Now in {len(names)} projects ({', '.join(names[:NAMED])}{more})"


def lines(plan: ProjectPlan, agents: Collection[str], *, home: Path, runs: bool = True) -> Iterator[str]:
    """Yields the rule for projects, then the changed files of each. `runs`: whether the daemon is running."""
    yield f"Into your projects ({plan.pointers}){'' if runs else ', once carryoverd runs'}:"
    kept_in, where = short_path(plan.kept_in, home), places([project.root for project in plan.projects], home)
    yield from (
        f"  {line}" for line in meaning(plan.pointers, agents, where=where, kept_in=kept_in, folder=plan.folder)
    )
    if plan.pointers == "off" or plan.folder is not None:
        return
    changing = [project for project in plan.projects if project.edits or project.later or project.problem]
    for project in changing[:SHOWN]:
        yield f"  {short_path(project.root, home)}: {_files(project)}"
    if len(changing) > SHOWN:
        yield f"  and {len(changing) - SHOWN} more projects; --json lists them"
    for project in plan.projects:
        yield from (f"⚠ {short_path(project.root, home)}: {note}" for note in project.notes)
    other, another = (answer for answer in get_args(Pointers) if answer != plan.pointers)
    yield f"  `carryover refresh --pointers {other}` (or `{another}`) changes that."


def as_data(each: Sequence[ProjectEdits], *, with_diff: bool = False) -> list[dict[str, Any]]:
    """Returns the planned edits for `--json`."""
    return [
        {
            "root": str(project.root),
            "files": [_edit_data(edit, with_diff=with_diff) for edit in project.edits],
            "later": [_edit_data(edit, with_diff=with_diff) for edit in project.later],
            "problem": project.problem or None,
            "notes": list(project.notes),
        }
        for project in each
    ]


def _edit_data(edit: Edit, *, with_diff: bool) -> dict[str, Any]:
    return {"path": str(edit.path), "does": _does(edit)} | ({"diff": diff(edit)} if with_diff else {})


def _files(project: ProjectEdits) -> str:
    if project.problem:
        return f"unknown: {project.problem}"
    later = f"when an agent works there, {_changes(project.later, project.root)}" if project.later else ""
    return "; ".join(filter(None, (_changes(project.edits, project.root), later)))


def _changes(edits: Sequence[Edit], root: Path) -> str:
    return ", ".join(f"{_name(edit, root)} is {_does(edit)}" for edit in edits)


def _name(edit: Edit, root: Path) -> str:
    return str(edit.path.relative_to(root)) if edit.path.is_relative_to(root) else str(edit.path)


def _does(edit: Edit) -> str:
    if edit.before is None:
        return "created"
    return "removed" if edit.after is None else "changed"
