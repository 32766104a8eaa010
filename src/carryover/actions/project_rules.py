"""What may be written into projects, by the answer to `carryover install`, and what that would be now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, NamedTuple, get_args

from carryover.actions.first_read import Active
from carryover.adapter.spec import AGENTS_MD
from carryover.agents import instruction_files, local_files
from carryover.config import KEPT, Config, Pointers, project_settings
from carryover.errors import os_reason
from carryover.outside.apply import Edit
from carryover.past.context import state_dir
from carryover.project_file import FORMER_POINTERS
from carryover.projects.handoff_file import IN_PROJECT
from carryover.projects.root import StatePaths
from carryover.publish.gitignore import EXCLUDE
from carryover.publish.pointers import POINTER_LINES
from carryover.publish.project_files import preview
from carryover.terminal.output import counted
from carryover.terminal.paths import short_path

POINTERS: Final[tuple[Pointers, ...]] = get_args(Pointers)
"""All answers."""


def present_pointers(answer: str) -> str:
    """Returns an answer of an earlier version as what it is now; others unchanged."""
    return FORMER_POINTERS.get(answer, answer)


_NAMED: Final = 4
_ALONE: Final = f"{IN_PROJECT}, kept out of commits by {EXCLUDE} where there is Git"
_AND_LATER: Final = f"{{where}}, and in others once an agent works there: {_ALONE}."
_ONCE: Final = "Once an agent works in a project, not before:"
_BY_HOOKS: Final = "agents get it by hooks, or by `carryover to`."
_UNCOMMITTED: Final = "Git will show the pointers as changes until you commit them."
_RULES: Final[Mapping[Pointers, tuple[str, ...]]] = {
    "shared": (f"{{where}}: {_ALONE}.", f"{_ONCE} {{pointers}}.", _UNCOMMITTED),
    "local": (
        _AND_LATER,
        "And a pointer to it in AGENTS.md where no branch has one{own_files}.",
        "Nothing that git shows; an agent whose own file is tracked gets it by hooks.",
    ),
    "off": (f"Nothing: handoffs are kept in {{kept_in}}; {_BY_HOOKS}",),
}
"""What each answer allows and when, in sentences."""
_SHARED_LATER: Final = ("{where}.", f"{_ONCE} {_ALONE}; {{pointers}}.", _UNCOMMITTED)
"""The same of `shared` while nothing is written into any project."""
_SHORT_RULES: Final[Mapping[Pointers, str]] = {
    "shared": f"{IN_PROJECT}. AGENTS.md and the like will point to it; git shows that until you commit it.",
    "local": f"{IN_PROJECT}, and files that point to it. Nothing that git shows.",
}


Texts = tuple[tuple[str, ...], tuple[str, ...]]
"""Sentences for people: at length, and for a low screen."""


class ProjectChanges(NamedTuple):
    """The edits planned in one project: those made at once, and `later`, when an agent next works in it."""

    root: Path
    changes: tuple[Edit, ...] = ()
    later: tuple[Edit, ...] = ()
    problem: str = ""
    """Why the edits could not be determined, as a clause."""
    notes: tuple[str, ...] = ()
    """Names what is left alone, and why."""


def planned_in(projects: Active, config: Config) -> tuple[ProjectChanges, ...]:
    """Plans the edits of users' files in these projects under these settings. Reads only."""
    paths = StatePaths(state_dir(), Path.home(), config.agents)
    planned = (_planned(root, last_ms, config, paths) for root, last_ms in projects.roots.items())
    return tuple(project for project in planned if project is not None)


def _planned(root: Path, last_ms: int, config: Config, paths: StatePaths) -> ProjectChanges | None:
    settings = project_settings(root, config)
    at_once = settings.at(last_ms)
    try:
        now = preview(root, at_once, paths)
        then = preview(root, settings, paths)
    except OSError as error:
        return ProjectChanges(root, problem=os_reason(error))
    if now is None or then is None:
        return None
    at_once_too = {edit.path for edit in now.changes}
    later = (edit for edit in then.changes if at_once != settings and edit.path not in at_once_too)
    return ProjectChanges(root, tuple(now.changes), tuple(later), notes=tuple(then.notes))


def rule_for(pointers: Pointers, agents: Collection[str], config: Config, projects: Active) -> Texts:
    """Describes what `pointers` allows for these agents."""
    days = counted(config.publish.active_days, "day")
    full = rule(
        pointers,
        agents,
        where=_places(projects, days),
        kept_in=short_path(state_dir().root / KEPT),
        has_none=not projects.roots and not projects.cut,
    )
    if pointers == "off":
        return full, full
    return full, (f"{_number_of(projects, days).capitalize()}: {_SHORT_RULES[pointers]}",)


def rule(
    pointers: Pointers, agents: Collection[str], *, where: str, kept_in: str, has_none: bool = False
) -> tuple[str, ...]:
    """Describes in sentences what `pointers` allows, and when. `where`: as returned by `_places`. `has_none`: whether
    nothing is written into any project now."""
    sentences = _SHARED_LATER if has_none and pointers == "shared" else _RULES[pointers]
    facts = {"where": where, "kept_in": kept_in, "own_files": _own_files(agents), "pointers": _pointers(agents)}
    return tuple(sentence.format(**facts) for sentence in sentences)


def _own_files(agents: Collection[str]) -> str:
    names = [file.name for agent, file in local_files().items() if agent in agents]
    return f", or where that is not read in {', '.join(names)}" if names else ""


def _pointers(agents: Collection[str]) -> str:
    """Names the files that get the pointer."""
    readers = instruction_files().items()
    extended = [name for name, ids in readers if name != AGENTS_MD and not ids.keys().isdisjoint(agents)]
    yours = f" and in your {' and '.join(extended)}" if extended else ""
    return f"{POINTER_LINES} lines that point to the handoff in {AGENTS_MD} (created if missing){yours}"


def _number_of(projects: Active, days: str) -> str:
    """Says how many projects there are now; if the search for them was cut, there may be more. `days`: in which an
    agent has to have worked there."""
    if projects.roots:
        return f"{'at least ' if projects.cut else ''}{counted(len(projects.roots), 'project')} now"
    if projects.cut:
        return f"those with work in the last {days} now"
    return f"no project now, as none had work in the last {days}; once an agent works there"


def _places(projects: Active, days: str) -> str:
    """Names the projects, as the beginning of a sentence."""
    names = [short_path(root) for root in projects.roots]
    if not names and projects.cut:
        return f"Now in those in which an agent worked in the last {days}"
    if not names:
        apart = "(temporary, system and unwritable folders apart)"
        return f"Now in no project, as no agent worked in one in the last {days} {apart}"
    if len(names) == 1 and not projects.cut:
        return f"Now in {names[0]}"
    number = f"{'at least ' if projects.cut else ''}{counted(len(names), 'project')}"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"Now in {number} ({', '.join(names[:_NAMED])}{more})"
