"""What may be written into projects, by the answer to `carryover install`, and what that would be now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, NamedTuple, get_args

from carryover.actions.file_changes import PlannedChange, planned_change
from carryover.actions.first_read import Active
from carryover.adapter.spec import AGENTS_MD
from carryover.agents import instruction_files, local_files
from carryover.config import KEPT, Config, Pointers, project_settings
from carryover.errors import os_reason
from carryover.past.context import agents_own, state_dir
from carryover.projects.handoff_file import IN_PROJECT
from carryover.projects.root import StatePaths
from carryover.publish.gitignore import EXCLUDE
from carryover.publish.pointers import POINTER_LINES
from carryover.publish.project_files import preview
from carryover.terminal.output import counted
from carryover.terminal.paths import short_path

POINTERS: Final[tuple[Pointers, ...]] = get_args(Pointers)
"""All answers."""
_NAMED: Final = 4
_UNCOMMITTED: Final = "git will show the pointers as changes until you commit them."
_NOTHING_SHOWN: Final = "Nothing that git shows; an agent whose own file is tracked gets it by hooks."
_ALONE: Final = f"{IN_PROJECT}, kept out of commits by {EXCLUDE}."
_SHORT_RULES: Final[Mapping[Pointers, str]] = {
    "shared": f"{{number}}: {IN_PROJECT}. {_UNCOMMITTED[0].upper()}{_UNCOMMITTED[1:]}",
    "local": f"{{number}}: {IN_PROJECT}, and pointers to it. Nothing that git shows.",
    "private": f"{{number}}: {IN_PROJECT}, and no other file.",
}
_NOTHING: Final = "Nothing"
_BY_HOOKS: Final = "agents get it by hooks, or by `carryover to`."


class Rule(NamedTuple):
    """What an answer allows, in sentences, and the same for a low screen."""

    full: tuple[str, ...]
    short: tuple[str, ...]


class ProjectChanges(NamedTuple):
    """The changes planned in one project: those made at once, and `later`, when an agent next works in it."""

    root: Path
    changes: tuple[PlannedChange, ...] = ()
    later: tuple[PlannedChange, ...] = ()
    problem: str = ""
    """Why the changes could not be determined, as a clause."""
    notes: tuple[str, ...] = ()
    """Names what is left alone, and why."""


def rule_for(pointers: Pointers, agents: Collection[str], config: Config, projects: Active) -> Rule:
    """Describes what `pointers` allows for these agents."""
    home = Path.home()
    days = counted(config.publish.active_days, "day")
    where = _places(projects.roots, home, days, least=projects.cut)
    kept_in = short_path(state_dir().root / KEPT, home)
    has_none = not projects.roots and not projects.cut
    full = rule(pointers, agents, where=where, kept_in=kept_in, folder=config.publish.folder, has_none=has_none)
    return Rule(full, _in_short(pointers, full, _number_of(projects.roots, days, least=projects.cut)))


def planned_in(projects: Active, config: Config, *, with_diffs: bool) -> tuple[ProjectChanges, ...]:
    """Plans the changes of users' files in these projects under these settings. Reads only."""
    paths = StatePaths.of(state_dir(), Path.home(), agents_own(config.agents))
    each = (_planned(root, last_ms, config, paths, with_diffs=with_diffs) for root, last_ms in projects.roots.items())
    return tuple(found for found in each if found is not None)


def _planned(root: Path, last_ms: int, config: Config, paths: StatePaths, *, with_diffs: bool) -> ProjectChanges | None:
    settings = project_settings(root, config)
    at_once = settings.at(last_ms)
    try:
        now = preview(root, at_once, paths)
        then = preview(root, settings, paths)
    except OSError as error:
        return ProjectChanges(root, problem=os_reason(error))
    if now is None or then is None:
        return None
    at_once_too = {edit.path for edit in now.planned}
    later = [edit for edit in then.planned if at_once != settings and edit.path not in at_once_too]
    return ProjectChanges(
        root,
        tuple(planned_change(edit, with_diff=with_diffs) for edit in now.planned),
        tuple(planned_change(edit, with_diff=with_diffs) for edit in later),
        notes=tuple(then.notes),
    )


def rule(
    pointers: Pointers,
    agents: Collection[str],
    *,
    where: str,
    kept_in: str,
    folder: str | None = None,
    has_none: bool = False,
) -> tuple[str, ...]:
    """Describes in sentences what `pointers` allows, and when.

    `where`: as returned by `_places`. `folder`: the folder that the settings name for all handoffs. `has_none`: whether
    nothing is written into any project now.
    """
    if folder is not None:
        return (f"{_NOTHING}: handoffs are kept in {folder} (`folder` in config.toml).",)
    if pointers == "off":
        return (f"{_NOTHING}: handoffs are kept in {kept_in}; {_BY_HOOKS}",)
    if pointers == "private":
        return f"{where}, and in others once an agent works there: {_ALONE}", f"No other file: {_BY_HOOKS}"
    if pointers == "local":
        pointer = f"And a pointer to it in AGENTS.md where no branch has one{_own_files(agents)}."
        return f"{where}, and in others once an agent works there: {_ALONE}", pointer, _NOTHING_SHOWN
    then = f"{_pointers(agents)}."
    when = "When an agent next works in a project, not before:"
    if has_none:
        return f"{where}.", f"{when} {_ALONE.removesuffix('.')}; {then}", _UNCOMMITTED
    return f"{where}: only {_ALONE}", f"{when} {then}", _UNCOMMITTED


def _own_files(agents: Collection[str]) -> str:
    names = [file.name for agent, file in local_files().items() if agent in agents]
    return f", or where that is not read in {', '.join(names)}" if names else ""


def _pointers(agents: Collection[str]) -> str:
    """Names the files that get the pointer."""
    extended = [
        name
        for name, readers in instruction_files().items()
        if name != AGENTS_MD and not readers.keys().isdisjoint(agents)
    ]
    names = " and ".join(extended)
    yours = f" and in your {names}" if extended else ""
    return f"{POINTER_LINES} lines that point to the handoff in {AGENTS_MD} (created if missing){yours}"


def _in_short(pointers: Pointers, full: tuple[str, ...], number: str) -> tuple[str, ...]:
    """Returns what `rule` says in one sentence, for a low screen. `number`: see `_number_of`."""
    match pointers:
        case "shared" | "local" | "private" if not full[0].startswith(_NOTHING):
            return (_SHORT_RULES[pointers].format(number=f"{number[0].upper()}{number[1:]}"),)
    return full


def _number_of(roots: Collection[Path], days: str, *, least: bool) -> str:
    """Says how many projects there are now. `least`: there may be more."""
    if not roots and least:
        return f"those with work in the last {days} now"
    if not roots:
        return f"no project now, as none had work in the last {days}; once an agent works there"
    return f"at least {counted(len(roots), 'project')} now" if least else f"{counted(len(roots), 'project')} now"


def _places(roots: Collection[Path], home: Path, days: str, *, least: bool = False) -> str:
    """Names the projects, as the beginning of a sentence. `least`: there may be more. `days`: in which an agent has to
    have worked there."""
    names = [short_path(root, home) for root in roots]
    if not names and least:
        return f"Now in those in which an agent worked in the last {days}"
    if not names:
        return f"Now in no project, as no agent worked in one in the last {days} (temporary and system folders apart)"
    if len(names) == 1 and not least:
        return f"Now in {names[0]}"
    number = f"{'at least ' if least else ''}{counted(len(names), 'project')}"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"Now in {number} ({', '.join(names[:_NAMED])}{more})"
