"""Says what `install` and `refresh` did or, in a dry run, would do: lines for people, data for `--json`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from carryover.actions.context import agents_own, state_dir
from carryover.actions.first_read import End, Held
from carryover.adapter.spec import AGENTS_MD
from carryover.agents import instruction_files, local_files
from carryover.config import Config, Pointers, project_settings
from carryover.edits.apply import Applied, Edit, diff
from carryover.errors import os_reason
from carryover.install.agent_settings import switched_off
from carryover.install.background import Background
from carryover.install.detect import Detection
from carryover.install.how_installed import how_installed, on_path_here, runnable
from carryover.install.messages import summary
from carryover.install.setup import Setup, outcome_for, waiting_for
from carryover.projects.handoff_file import IN_PROJECT
from carryover.projects.root import StatePaths
from carryover.publish.gitignore import EXCLUDE
from carryover.publish.pointers import POINTER_LINES
from carryover.publish.project_files import preview
from carryover.publish.withdrawal import Withdrawn
from carryover.terminal.output import counted, print_lines, say
from carryover.terminal.paths import short_path

SHOWN: Final = 8
NAMED: Final = 4

TIPS: Final = (
    "",
    'In a new session say "let\'s start" or "continue": the agent tells you where the last one stopped.',
    'In a chat that is already open say "read .carryover/handoff.md".',
)

_UNCOMMITTED: Final = "git will show AGENTS.md and .gitignore as changed until you commit them."
_NOTHING_SHOWN: Final = "Nothing that git shows; an agent whose own file is tracked gets it by hooks."
_COMMIT: Final = (
    "  Until then git refuses what would overwrite them: "
    "`git add AGENTS.md .gitignore && git commit -m 'Point agents to the handoff'` there."
)
_ALONE: Final = f"{IN_PROJECT}, kept out of commits by {EXCLUDE}."
_SHORT_RULES: Final[Mapping[Pointers, str]] = {
    "shared": f"{{number}} now: {IN_PROJECT}. {_UNCOMMITTED[0].upper()}{_UNCOMMITTED[1:]}",
    "local": f"{{number}} now: {IN_PROJECT}, and pointers to it. Nothing that git shows.",
    "private": f"{{number}} now: {IN_PROJECT}, and no other file.",
}
_BY_HOOKS: Final = "agents get it by hooks, or by `carryover to`."
_READ: Final = {
    "done": "Everything that your agents wrote so far has been read.",
    "interrupted": "carryoverd keeps reading in the background; `carryover status` shows its progress.",
    "lost": "carryoverd stopped answering while it was reading; `carryover doctor` says why.",
}


@dataclass(frozen=True, slots=True)
class ProjectEdits:
    """The edits planned in one project: those made immediately, and `later`, when an agent next works in it."""

    root: Path
    edits: tuple[Edit, ...] = ()
    later: tuple[Edit, ...] = ()
    problem: str = ""
    """Why the edits could not be determined, as a clause."""
    notes: tuple[str, ...] = ()
    """Names what is left alone, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that an install or refresh did, or would do."""

    setup: Setup
    installing: bool
    asked: tuple[str, ...]
    """Agents that were selected on the screen or the command line, whether on this machine or not."""
    rule: tuple[str, ...]
    """What is written into projects, in sentences."""
    projects: tuple[ProjectEdits, ...]
    """The currently active projects, before anything was done."""
    into_projects: bool
    """Whether anything may be written into projects at all."""
    projects_cut: bool
    """Whether there may be more projects, since searching for them took too long."""
    changed_rule: bool
    """Whether the rule differs from the recorded one."""
    applied: tuple[Applied, ...]
    background: Background | None = None
    """How the daemon runs now; None in a dry run."""
    read: End | None = None
    """How the first read of the history ended; None if it was not watched."""
    held: Held | None = None
    withdrawn: tuple[Withdrawn, ...] = ()
    """Projects from which text was removed because the settings no longer allow it."""

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        files = any(done.outcome not in ("unchanged", "left alone") for done in self.applied)
        started = self.background is not None and self.background.changed
        return files or started or any(project.files for project in self.withdrawn)

    @property
    def failed(self) -> bool:
        """Whether any step failed."""
        started = self.background is None or not self.background.trouble
        return not started or any(done.problem for done in self.applied)


def planned(projects: Mapping[Path, int], config: Config) -> tuple[ProjectEdits, ...]:
    """Plans the edits of users' files in `projects` under these settings. Reads only.

    `projects` maps each root to the time of its last work (UTC ms).
    """
    found = []
    paths = StatePaths.of(state_dir(), Path.home(), agents_own(config.agents))
    for root, last_ms in projects.items():
        settings = project_settings(root, config)
        at_once = settings.at(last_ms)
        try:
            now, then = (preview(root, each, paths) for each in (at_once, settings))
        except OSError as error:
            found.append(ProjectEdits(root, problem=os_reason(error)))
            continue
        if now is not None and then is not None:
            at_once_too = {edit.path for edit in now.planned}
            later = tuple(edit for edit in then.planned if edit.path not in at_once_too) if at_once != settings else ()
            found.append(ProjectEdits(root, tuple(now.planned), later, notes=tuple(then.notes)))
    return tuple(found)


def rule(
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
        return f"{where}, and in others once an agent works there: {_ALONE}", f"No other file: {_BY_HOOKS}"
    if pointers == "local":
        pointer = f"And a pointer to it in AGENTS.md where no branch has one{_own_files(agents)}."
        return f"{where}, and in others once an agent works there: {_ALONE}", pointer, _NOTHING_SHOWN
    then = f"When an agent next works in a project, not before: .carryover/ in its .gitignore{_pointers(agents)}."
    return f"{where}: only {_ALONE}", then, _UNCOMMITTED


def _own_files(agents: Collection[str]) -> str:
    names = [file.name for agent, file in local_files().items() if agent in agents]
    return f", or where that is not read in {', '.join(names)}" if names else ""


def _pointers(agents: Collection[str]) -> str:
    """Names the files that get the pointer, as the end of a sentence."""
    extended = [
        name
        for name, readers in instruction_files().items()
        if name != AGENTS_MD and not readers.keys().isdisjoint(agents)
    ]
    names = " and ".join(extended)
    yours = f" and in your {names}" if extended else ""
    return f", and {POINTER_LINES} lines that point to the handoff in {AGENTS_MD} (created if missing){yours}"


def rule_in_short(pointers: Pointers, full: tuple[str, ...], number: str) -> tuple[str, ...]:
    """Returns what `rule` says in one sentence, for a low screen. `number`: see `number_of`."""
    match pointers:
        case "shared" | "local" | "private" if full[0].endswith(_ALONE):
            return (_SHORT_RULES[pointers].format(number=f"{number[0].upper()}{number[1:]}"),)
    return full


def number_of(roots: Collection[Path], *, least: bool) -> str:
    """Says how many projects there are. `least`: there may be more."""
    return f"at least {counted(len(roots), 'project')}" if least else counted(len(roots), "project")


def places(roots: Collection[Path], home: Path, *, least: bool = False) -> str:
    """Names the projects, as the beginning of a sentence. `least`: there may be more."""
    names = [short_path(root, home) for root in roots]
    if len(names) < 2 and not least:
        return f"Now in {names[0]}" if names else "Now in no project"
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    named = f" ({', '.join(names[:NAMED])}{more})" if names else ""
    return f"Now in {number_of(roots, least=least)}{named}"


def as_data(report: Report) -> dict[str, Any]:
    """Returns the report for `--json`."""
    dry = report.background is None
    common = {
        "selected": report.setup.selected,
        "agents": [_agent_data(found, report) for found in report.setup.detections],
        "files": [_file_data(done, dry=dry) for done in report.applied],
        "pointers": report.setup.pointers,
        "projects": [
            {
                "root": str(project.root),
                "files": [_edit_data(edit, with_diff=dry) for edit in project.edits],
                "later": [_edit_data(edit, with_diff=dry) for edit in project.later],
                "problem": project.problem or None,
                "notes": list(project.notes),
            }
            for project in report.projects
        ],
        "all_projects": not report.projects_cut,
    }
    if dry:
        return {"dry_run": True, **common}
    return {
        "changed": report.changed,
        **common,
        "service": msgspec.to_builtins(report.background),
        "withdrawn": msgspec.to_builtins(report.withdrawn),
        "first_read": report.read,
        "command": on_path_here().command,
        "held": msgspec.to_builtins(report.held),
    }


def _agent_data(found: Detection, report: Report) -> dict[str, Any]:
    problems = (done.problem for done in report.applied if done.edit.path == found.config)  # of hooks and MCP servers
    waiting = waiting_for(found, [done.edit for done in report.applied], report.setup.script)
    return {
        "id": found.spec.id,
        "name": found.spec.name,
        "state": found.state,
        "selected": found.spec.id in report.asked,
        "binary": None if found.binary is None else os.fspath(found.binary),
        "version": found.version_text or None,
        "config": None if found.config is None else os.fspath(found.config),
        "roots": [os.fspath(root) for root in found.roots],
        "hooks": list(found.hook_set.events) if found.hook_set is not None else [],
        "to_review": list(waiting) if found.spec.id in report.setup.selected else [],
        "lost_folder": None if found.lost_folder is None else os.fspath(found.lost_folder),
        "problem": next(filter(None, problems), found.problem) or None,
    }


def _file_data(done: Applied, *, dry: bool) -> dict[str, Any]:
    if dry:
        return {"path": str(done.edit.path), "diff": diff(done.edit), "problem": done.problem}
    about = {"path": str(done.edit.path), "why": done.edit.change.what, "outcome": done.outcome}
    return about | ({"problem": done.problem} if done.problem else {})


def _edit_data(edit: Edit, *, with_diff: bool) -> dict[str, Any]:
    return {"path": str(edit.path), "does": _does(edit)} | ({"diff": diff(edit)} if with_diff else {})


def _does(edit: Edit) -> str:
    if edit.before is None:
        return "created"
    return "removed" if edit.after is None else "changed"


def print_report(report: Report, home: Path) -> None:
    """Prints the report for people; of a dry run, also the diff of each file."""
    print_lines(map(runnable, lines(report, home)))
    if report.background is None:
        inside = (edit for project in report.projects for edit in (*project.edits, *project.later))
        changing = [edit for edit in (*report.setup.shown, *inside) if edit.changes]
        print_diffs(changing)
        say("", "Nothing was changed." if changing else "Nothing would change.")


def print_diffs(edits: Iterable[Edit]) -> None:
    """Prints what each edit would change."""
    for edit in edits:
        if edit.changes:
            print_lines(["", *diff(edit).removesuffix("\n").split("\n")], fits=True)


def lines(report: Report, home: Path) -> Iterator[str]:
    """Yields the report for people, without diffs."""
    background = report.background
    asked = [found for found in report.setup.detections if found.spec.id in report.asked]
    if background is not None and not (report.installing or report.changed or report.failed):
        lost = any(found.lost_folder for found in asked)
        yield "Nothing changed." if lost else "Nothing changed: hooks and settings are as they should be."
    for found in asked:
        yield from _agent_lines(found, report, home)
    yield from _other_settings(report, home)
    new = report.changed_rule or any(project.edits or project.later for project in report.projects)
    if report.installing or background is None or new:
        yield from _project_lines(report, home)
    if background is None:
        return
    for withdrawn in report.withdrawn:
        root = short_path(withdrawn.root, home)
        if withdrawn.files:
            yield f"✓ {root}: {', '.join(withdrawn.files)} as before Carryover"
        yield from (f"⚠ {root}: {note}" for note in withdrawn.notes)
    yield from background_lines(background)
    if report.read is not None:
        yield _READ[report.read]
    if report.held is not None:
        yield f"  {counted(report.held.sessions, 'session')} in {counted(report.held.projects, 'project')} so far."
    if (shell := on_path_here()).problem:
        yield from (f"⚠ {shell.problem}", f"  {shell.remedy}")
    if report.installing:
        yield from TIPS
    if background.pid is None:
        more = "tries again, `carryover doctor` says what is wrong."
        plain = "starts carryoverd; without it no handoff is written."
        yield f"⚠ not running yet: `carryover start` {more if background.trouble else plain}"


def _agent_lines(found: Detection, report: Report, home: Path) -> Iterator[str]:
    did, failure = outcome_for(found, report.applied)
    is_dry = report.background is None
    # A refresh that changed nothing does not ask again; `doctor` does.
    asks = report.installing or is_dry or did == "written"
    off = switched_off(found)
    yield from summary(
        found,
        home=home,
        update=how_installed().update,
        did="to be written" if is_dry and did == "written" else did,
        failure=failure,
        waiting=waiting_for(found, (done.edit for done in report.applied), report.setup.script) if asks else (),
        off="" if off is None else f"`{off[0]}` in {short_path(off[1], home)}",
    )


def _other_settings(report: Report, home: Path) -> Iterator[str]:
    """Yields what became of other files: those of a deselected agent or in a former location, which our hooks were
    removed from; those with our MCP server; our own."""
    setup = report.setup
    is_done = report.background is not None
    named = {found.config for found in setup.detections if found.spec.id in setup.selected}
    for done in report.applied:
        change = done.edit.change
        path = short_path(done.edit.path, home)
        if change.agent is not None and not change.server and done.edit.path in named:
            continue
        if done.problem:
            yield f"✗ {done.problem}"
        elif is_done and change.server and change.backup and done.outcome in ("created", "changed"):
            yield f"✓ MCP server entered into {path}"  # a removal is not backed up
        elif is_done and change.agent is not None and done.outcome in ("changed", "removed"):
            removed = change.what.partition(" of ")[0]
            yield f"✓ {removed[0].upper()}{removed[1:]} removed from {path}"


def _project_lines(report: Report, home: Path) -> Iterator[str]:
    """Yields the rule for projects, then the changed files of each."""
    waits = report.background is not None and report.background.pid is None
    yield f"Into your projects ({report.setup.pointers}){', once carryoverd runs' if waits else ''}:"
    yield from (f"  {line}" for line in report.rule)
    if not report.into_projects:
        return
    if report.setup.pointers == "shared":
        yield _COMMIT
    changing = [project for project in report.projects if project.edits or project.later or project.problem]
    for project in changing[:SHOWN]:
        later = f"when an agent works there, {_changes(project.later, project.root)}" if project.later else ""
        files = "; ".join(filter(None, (_changes(project.edits, project.root), later)))
        yield f"  {short_path(project.root, home)}: {f'unknown: {project.problem}' if project.problem else files}"
    if len(changing) > SHOWN:
        yield f"  and {len(changing) - SHOWN} more projects; --json lists them"
    for project in report.projects:
        yield from (f"⚠ {short_path(project.root, home)}: {note}" for note in project.notes)
    first, *others = (answer for answer in get_args(Pointers) if answer != report.setup.pointers)
    named = ", ".join(f"`{answer}`" for answer in others)
    yield f"  `carryover refresh --pointers {first}` (or {named}) changes that."


def _changes(edits: Sequence[Edit], root: Path) -> str:
    return ", ".join(f"{os.path.relpath(edit.path, root)} is {_does(edit)}" for edit in edits)


def background_lines(background: Background) -> Iterator[str]:
    """Yields how the daemon runs now, and what is to be known about it."""
    if background.pid is not None:
        where = f", port {background.port} is its own" if background.port is not None else ""
        by = f" as a {background.kind} service" if background.wanted and background.kind != "none" else ""
        instead = f" in place of {background.replaced}" if background.replaced else ""
        yield f"✓ carryoverd {background.version} runs{by}{instead} (process {background.pid}{where})"
    if background.ledger_copy is not None:
        yield f"✓ The ledger was migrated; as it was before it is kept beside it, in {background.ledger_copy}"
    yield from (f"✗ {trouble}" for trouble in background.trouble)
    yield from (f"⚠ {warning}" for warning in background.warnings)
    yield from (f"  {hint}" for hint in background.hints)
    if background.wanted and background.kind == "none" and background.pid is not None:
        yield "  So your agents' hooks start it when a session begins, and `carryover start` does at any time."
        yield "  A line for your shell's profile (~/.profile): `carryover start >/dev/null 2>&1 &`"
