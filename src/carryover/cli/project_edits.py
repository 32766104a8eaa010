"""Describes what an install writes into projects: for its question, its summary and a dry run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from carryover.actions.context import agents_own
from carryover.agents import instruction_files
from carryover.config import Config, Pointers, project_settings
from carryover.edits.diff import diff
from carryover.edits.plan import Edit
from carryover.errors import os_reason
from carryover.paths import short_path
from carryover.projects.handoff_file import IN_PROJECT
from carryover.publish.project_files import preview

SHOWN: Final = 8
NAMED: Final = 4

_HANDOFF: Final = {
    "shared": f"{IN_PROJECT}, which .gitignore keeps out of commits",
    "private": f"{IN_PROJECT}, which .git/info/exclude keeps out of commits",
    "off": "nothing; handoffs are kept in {kept_in}",
}


@dataclass(frozen=True, slots=True)
class ProjectEdits:
    """The edits planned in one project."""

    root: Path
    edits: tuple[Edit, ...] = ()
    problem: str = ""
    """Why that could not be found out, as a clause."""


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """The edits planned in all projects."""

    pointers: Pointers
    projects: tuple[ProjectEdits, ...]
    """The projects that are active now."""
    kept_in: str
    """The folder for handoffs that go into no project."""
    folder: str | None = None
    """The one that the settings name for all handoffs."""
    changed: bool = False
    """Whether `pointers` differs from the recorded answer."""


def planned(roots: Sequence[Path], config: Config) -> tuple[ProjectEdits, ...]:
    """The edits of users' files in the projects at `roots`, with these settings. Reads only."""
    return tuple(found for root in roots if (found := _planned(root, config)) is not None)


def _planned(root: Path, config: Config) -> ProjectEdits | None:
    try:
        edits = preview(root, project_settings(root, config), home=Path.home(), agents_own=agents_own(config.agents))
    except OSError as error:
        return ProjectEdits(root, problem=os_reason(error))
    return None if edits is None else ProjectEdits(root, edits)


def meaning(pointers: Pointers, agents: Collection[str], *, kept_in: str, folder: str | None = None) -> tuple[str, ...]:
    """Describes `pointers`, one line per file or kind of file. `folder`: that of the settings."""
    if folder is not None:
        return (f"nothing; handoffs are kept in {folder} (`folder` in config.toml)",)
    handoff = _HANDOFF[pointers].format(kept_in=kept_in)
    if pointers == "off":
        return (handoff, "agents get them by hooks, or by `carryover handoff --to`")
    if pointers == "private":
        return (handoff, "no other file; agents get it by hooks, or by `carryover handoff --to`")
    created: list[str] = []
    extended: list[str] = []
    for name, readers in instruction_files().items():
        if readers.keys() & set(agents):
            (created if any(file.create for file in readers.values()) else extended).append(name)
    if not created and not extended:
        return (handoff,)
    has = f"{' and '.join(extended)} where you have one" if extended else ""
    return (handoff, f"{', '.join(filter(None, (*created, has)))}: five lines that point to it")


def places(roots: Sequence[Path], home: Path) -> str:
    """Which projects that is, as a sentence."""
    if not roots:
        return "Now none; then each project in which you use these agents."
    named = ", ".join(short_path(root, home) for root in roots[:NAMED])
    more = f" and {len(roots) - NAMED} more" if len(roots) > NAMED else ""
    return f"Now {named}{more}; then each project in which you use these agents."


def lines(plan: ProjectPlan, agents: Collection[str], *, home: Path) -> Iterator[str]:
    """The rule for projects, then the files of each project in which something changes."""
    yield f"Into your projects ({plan.pointers}):"
    kept_in = short_path(plan.kept_in, home)
    yield from (f"  {line}" for line in meaning(plan.pointers, agents, kept_in=kept_in, folder=plan.folder))
    if plan.pointers == "off" or plan.folder is not None:
        return
    changing = [project for project in plan.projects if project.edits or project.problem]
    for project in changing[:SHOWN]:
        yield f"  {short_path(project.root, home)}: {_files(project)}"
    if len(changing) > SHOWN:
        yield f"  and {len(changing) - SHOWN} more projects; --json lists them"
    others = " or ".join(other for other in get_args(Pointers) if other != plan.pointers)
    yield "  Then the same in each project in which you use these agents."
    yield f"  `carryover refresh --pointers {others}` changes that."


def as_data(each: Sequence[ProjectEdits], *, with_diff: bool = False) -> list[dict[str, Any]]:
    """The planned edits, for `--json`."""
    return [
        {
            "root": str(project.root),
            "files": [
                {"path": str(edit.path), "does": _does(edit)} | ({"diff": diff(edit)} if with_diff else {})
                for edit in project.edits
            ],
            "problem": project.problem or None,
        }
        for project in each
    ]


def _files(project: ProjectEdits) -> str:
    if project.problem:
        return f"unknown: {project.problem}"
    return ", ".join(f"{_name(edit, project.root)} {_does(edit)}" for edit in project.edits)


def _name(edit: Edit, root: Path) -> str:
    return str(edit.path.relative_to(root)) if edit.path.is_relative_to(root) else str(edit.path)


def _does(edit: Edit) -> str:
    if edit.before is None:
        return "created"
    return "removed" if edit.after is None else "changed"
