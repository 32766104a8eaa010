"""Reports the result of `install` and `refresh`: lines for people, data for `--json`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.actions.first_read import End, Held
from carryover.cli import project_edits
from carryover.cli.project_edits import ProjectPlan
from carryover.edits.apply import Applied
from carryover.edits.plan import Edit, diff
from carryover.install.agent_settings import switched_off
from carryover.install.background import Background
from carryover.install.detect import Detection
from carryover.install.how_installed import OnPath, how_installed, on_path_here
from carryover.install.messages import Did, summary
from carryover.install.setup import Setup, outcome_for, waiting_for
from carryover.paths import short_path
from carryover.publish.project_files import Withdrawn
from carryover.terminal.output import counted, harmless


@dataclass(frozen=True, slots=True)
class Done:
    """Everything that an install or refresh did."""

    setup: Setup
    asked: tuple[str, ...]
    """Agents that were selected on the screen or the command line, whether on this machine or not."""
    applied: tuple[Applied, ...]
    background: Background
    read: End | None
    """How the first read of the history ended; None if it was not watched."""
    held: Held | None
    into: ProjectPlan
    """The plan for projects before anything was done."""
    withdrawn: tuple[Withdrawn, ...] = ()
    """Projects from which text was removed because the settings no longer allow it."""

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        files = any(done.outcome not in ("unchanged", "left alone") for done in self.applied)
        return files or self.background.changed or any(project.files for project in self.withdrawn)

    @property
    def failed(self) -> bool:
        """Whether any step failed."""
        return bool(self.background.trouble) or any(done.problem for done in self.applied)


def as_data(done: Done) -> dict[str, Any]:
    return {
        "changed": done.changed,
        "selected": done.setup.selected,
        "agents": agents_data(done.setup, done.asked, done.applied, [entry.edit for entry in done.applied]),
        "files": [
            {"path": str(entry.edit.path), "why": entry.edit.change.what, "outcome": entry.outcome}
            | ({"problem": entry.problem} if entry.problem else {})
            for entry in done.applied
        ],
        "service": msgspec.to_builtins(done.background),
        "pointers": done.into.pointers,
        "projects": project_edits.as_data(done.into.projects),
        "withdrawn": msgspec.to_builtins(done.withdrawn),
        "first_read": done.read,
        "command": on_path_here().command,
        "held": msgspec.to_builtins(done.held),
    }


def agents_data(
    setup: Setup, asked: tuple[str, ...], applied: tuple[Applied, ...], edits: Sequence[Edit]
) -> list[dict[str, Any]]:
    """Returns the state of each agent, selected or not."""
    problems = {entry.edit.path: entry.problem for entry in applied}
    return [
        {
            "id": found.spec.id,
            "name": found.spec.name,
            "state": found.state,
            "selected": found.spec.id in asked,
            "binary": None if found.binary is None else os.fspath(found.binary),
            "version": found.version_text or None,
            "config": None if found.config is None else os.fspath(found.config),
            "roots": [os.fspath(root) for root in found.roots],
            "hooks": list(found.hook_set.events) if found.hook_set is not None else [],
            "to_review": list(waiting_for(found, edits, setup.script)) if found.spec.id in setup.selected else [],
            "lost_folder": None if found.lost_folder is None else os.fspath(found.lost_folder),
            "problem": (problems.get(found.config) if found.config is not None else None) or found.problem or None,
        }
        for found in setup.detections
    ]


TIPS: Final = (
    'In a new session say "let\'s start" or "continue": the agent tells you where the last one stopped.',
    'In a chat that is already open say "read .carryover/handoff.md".',
)

_READ: Final = {
    "done": "Everything that your agents wrote so far has been read.",
    "interrupted": "carryoverd keeps reading in the background; `carryover status` shows its progress.",
    "lost": "carryoverd stopped answering while it was reading; `carryover doctor` says why.",
}


def lines_after(done: Done, *, home: Path, installing: bool) -> Iterator[str]:
    """Yields the report for people. With `installing`, it ends with tips."""
    if not installing and not done.changed and not done.failed:
        lost = any(found.lost_folder for found in _of(done.setup.detections, done.asked))
        yield "Nothing changed." if lost else "Nothing changed: hooks and settings are as they should be."
    yield from _agent_lines(done, home, installing=installing)
    yield from _removed_lines(done, home)
    for entry in done.applied:
        if entry.problem and entry.edit.change.agent is None:
            yield f"✗ {entry.problem}"
    if installing or done.into.changed or any(project.edits or project.later for project in done.into.projects):
        runs = done.background.pid is not None
        yield from project_edits.lines(done.into, done.setup.selected, home=home, runs=runs)
    yield from _withdrawn_lines(done.withdrawn, home)
    yield from _background_lines(done.background)
    if done.read is not None:
        yield _READ[done.read]
    if done.held is not None:
        yield f"  {counted(done.held.sessions, 'session')} in {counted(done.held.projects, 'project')} so far."
    yield from _path_lines(on_path_here())
    if installing:
        yield ""
        yield from TIPS
    if done.background.pid is None:
        yield _not_running(done.background)


def _path_lines(shell: OnPath) -> Iterator[str]:
    if shell.problem:
        yield f"⚠ {shell.problem}"
        yield f"  {shell.remedy}"


def _withdrawn_lines(withdrawn: Iterable[Withdrawn], home: Path) -> Iterator[str]:
    for project in withdrawn:
        root = short_path(project.root, home)
        if project.files:
            yield f"✓ {root}: {', '.join(project.files)} as before Carryover"
        yield from (f"⚠ {root}: {note}" for note in project.notes)


def dry_run_lines(setup: Setup, asked: tuple[str, ...], into: ProjectPlan, *, home: Path) -> Iterator[str]:
    """Yields the report of a dry run: the lines about each agent, then the diff of each file."""
    update = how_installed().update
    for found in _of(setup.detections, asked):
        edit = next((edit for edit in setup.hooks if edit.path == found.config), None)
        did: Did = "to be written" if edit is not None and edit.changes else "in place"
        waiting = waiting_for(found, setup.hooks, setup.script)
        failure = (edit and edit.problem) or ""
        yield from summary(
            found, home=home, update=update, did=did, failure=failure, waiting=waiting, off=_off(found, home)
        )
    yield from project_edits.lines(into, setup.selected, home=home)
    shown = (*setup.shown, *(edit for project in into.projects for edit in (*project.edits, *project.later)))
    for edit in shown:
        if edit.problem is not None and edit.change.agent is None:
            yield f"✗ {edit.problem}"
        elif edit.changes:
            yield ""
            yield from harmless(diff(edit)).removesuffix("\n").split("\n")
    yield ""
    changes = any(edit.changes for edit in shown)
    yield "Nothing was changed." if changes else "Nothing would change."


def _agent_lines(done: Done, home: Path, *, installing: bool) -> Iterator[str]:
    update = how_installed().update
    for found in _of(done.setup.detections, done.asked):
        did, failure = outcome_for(found, done.applied)
        # A refresh that changed nothing does not ask again; `doctor` does.
        asks = installing or did == "written"
        edits = (entry.edit for entry in done.applied)
        waiting = waiting_for(found, edits, done.setup.script) if asks else ()
        yield from summary(
            found, home=home, update=update, did=did, failure=failure, waiting=waiting, off=_off(found, home)
        )


def _off(found: Detection, home: Path) -> str:
    off = switched_off(found)
    return "" if off is None else f"`{off[0]}` in {short_path(off[1], home)}"


def _of(detections: Iterable[Detection], asked: tuple[str, ...]) -> list[Detection]:
    return [found for found in detections if found.spec.id in asked]


def _removed_lines(done: Done, home: Path) -> Iterator[str]:
    """Yields the settings that our hooks were removed from, of a deselected agent or in a former location, and those
    that our MCP server was entered into or removed from."""
    wanted = {found.config for found in _of(done.setup.detections, done.setup.selected)}
    for entry in done.applied:
        server = entry.edit.change.server
        if entry.edit.change.agent is None or (entry.edit.path in wanted and not server):
            continue
        if entry.problem:
            yield f"✗ {entry.problem}"
        elif (
            server and entry.edit.change.backup and entry.outcome in ("created", "changed")
        ):  # a removal is not backed up
            yield f"✓ MCP server entered into {short_path(entry.edit.path, home)}"
        elif entry.outcome in ("changed", "removed"):
            removed = entry.edit.change.what.partition(" of ")[0]
            yield f"✓ {removed[0].upper()}{removed[1:]} removed from {short_path(entry.edit.path, home)}"


def _background_lines(background: Background) -> Iterator[str]:
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


def _not_running(background: Background) -> str:
    if background.trouble:
        return "⚠ not running yet: `carryover start` tries again, `carryover doctor` says what is wrong."
    return "⚠ not running yet: `carryover start` starts carryoverd; without it no handoff is written."
