"""What an install or refresh did or, in a dry run, would do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from carryover.actions.file_changes import FileChange, PlannedChange, file_change, planned_change
from carryover.actions.first_read import End, Held
from carryover.actions.project_rules import ProjectChanges
from carryover.config import Pointers
from carryover.edits.apply import Applied
from carryover.how_installed import OnPath, how_installed, on_path_here
from carryover.install.agent_report import State
from carryover.install.agent_settings import switched_off
from carryover.install.background import Ahead, Background
from carryover.install.detect import Detection
from carryover.install.messages import ahead_lines, background_lines, summary
from carryover.install.setup import Setup, outcome_for, waiting_for
from carryover.publish.withdrawal import Withdrawn
from carryover.terminal.paths import short_path


class AgentResult(NamedTuple):
    """An agent that Carryover knows, and its hooks."""

    id: str
    name: str
    state: State
    selected: bool
    """Whether it was selected on the screen or the command line, whether on this machine or not."""
    binary: Path | None
    version: str | None
    config: Path | None
    roots: tuple[Path, ...]
    hooks: tuple[str, ...]
    to_review: tuple[str, ...]
    lost_folder: Path | None
    problem: str | None
    lines: tuple[str, ...]
    """What to say of it if it was selected."""


class OtherSettings(NamedTuple):
    """A settings file in which something other than the hooks of a selected agent changed or is in the way."""

    path: Path
    did: Literal["refused", "server entered", "removed"]
    what: str
    """What was removed, or why the file is left alone and what to do, in whole sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The plan, and what became of it."""

    setup: Setup
    asked: tuple[str, ...]
    installing: bool
    applied: tuple[Applied, ...]
    background: Background | None = None
    """How the daemon runs now; None in a dry run."""
    ahead: Ahead | None = None
    """What would be done about the daemon; None unless in a dry run."""
    read: End | None = None
    held: Held | None = None
    withdrawn: tuple[Withdrawn, ...] = ()

    @property
    def is_dry(self) -> bool:
        """Whether nothing was done."""
        return self.background is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Everything that an install or refresh did, or would do."""

    installing: bool
    agents: tuple[AgentResult, ...]
    selected: tuple[str, ...]
    """The agents on this machine that are selected now."""
    planned: tuple[PlannedChange, ...]
    """The changes of settings files; with diffs in a dry run."""
    files: tuple[FileChange, ...]
    other_settings: tuple[OtherSettings, ...]
    pointers: Pointers | None
    rule: tuple[str, ...]
    """What is written into projects, in sentences."""
    projects: tuple[ProjectChanges, ...]
    """The currently active projects, before anything was done."""
    projects_cut: bool
    """Whether there may be more projects, since searching for them took too long."""
    into_projects: bool
    """Whether anything may be written into projects at all."""
    changed_rule: bool
    """Whether the rule differs from the recorded one."""
    background: Background | None
    """How the daemon runs now; None in a dry run."""
    ahead: Ahead | None
    """What would be done about the daemon; None unless in a dry run."""
    read: End | None
    """How the first read of the history ended; None if it was not watched."""
    held: Held | None
    withdrawn: tuple[Withdrawn, ...]
    """Projects from which text was removed because the settings no longer allow it."""
    shell: OnPath
    """Whether a shell finds this installation by its name."""

    @property
    def is_dry(self) -> bool:
        """Whether nothing was done."""
        return self.background is None

    @property
    def is_running(self) -> bool:
        """Whether the daemon runs now."""
        return self.background is not None and self.background.pid is not None

    @property
    def in_trouble(self) -> bool:
        """Whether the daemon could not be started as wanted."""
        return self.background is not None and bool(self.background.trouble)

    @property
    def daemon_lines(self) -> tuple[str, ...]:
        """How the daemon runs now, or in a dry run what would be done about it, in sentences."""
        if self.ahead is not None:
            return tuple(ahead_lines(self.ahead, Path.home()))
        return tuple(background_lines(self.background)) if self.background is not None else ()

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        files = any(file.outcome not in ("unchanged", "left alone") for file in self.files)
        started = self.background is not None and self.background.changed
        return files or started or any(project.files for project in self.withdrawn)

    @property
    def failed(self) -> bool:
        """Whether any step failed."""
        return self.in_trouble or any(file.problem for file in self.files)


def result(
    work: Work,
    *,
    rule: tuple[str, ...],
    projects: tuple[ProjectChanges, ...],
    projects_cut: bool,
    into_projects: bool,
    changed_rule: bool,
) -> Installed:
    """Describes what was done, and what was found out about projects before."""
    setup = work.setup
    return Installed(
        installing=work.installing,
        agents=tuple(_agent(found, work) for found in setup.detections),
        selected=setup.selected,
        planned=tuple(planned_change(edit, with_diff=work.is_dry) for edit in setup.shown),
        files=tuple(map(file_change, work.applied)),
        other_settings=tuple(_other_settings(work)),
        pointers=setup.pointers,
        rule=rule,
        projects=projects,
        projects_cut=projects_cut,
        into_projects=into_projects,
        changed_rule=changed_rule,
        background=work.background,
        ahead=work.ahead,
        read=work.read,
        held=work.held,
        withdrawn=work.withdrawn,
        shell=on_path_here(),
    )


def _agent(found: Detection, work: Work) -> AgentResult:
    spec = found.spec
    waiting = waiting_for(found, [done.edit for done in work.applied], work.setup.script)
    problems = (done.problem for done in work.applied if done.edit.path == found.config)  # of hooks and MCP servers
    is_asked = spec.id in work.asked
    return AgentResult(
        id=spec.id,
        name=spec.name,
        state=found.state,
        selected=is_asked,
        binary=found.binary,
        version=found.version_text or None,
        config=found.config,
        roots=found.roots,
        hooks=found.hook_set.events if found.hook_set is not None else (),
        to_review=waiting if spec.id in work.setup.selected else (),
        lost_folder=found.lost_folder,
        problem=next(filter(None, problems), found.problem) or None,
        lines=_said_of(found, work, waiting) if is_asked else (),
    )


def _said_of(found: Detection, work: Work, waiting: tuple[str, ...]) -> tuple[str, ...]:
    home = Path.home()
    did, failure = outcome_for(found, work.applied)
    # A refresh that changed nothing does not ask again; `doctor` does.
    asks = work.installing or work.is_dry or did == "written"
    off = switched_off(found)
    return summary(
        found,
        home=home,
        update=how_installed().update,
        did="to be written" if work.is_dry and did == "written" else did,
        failure=failure,
        waiting=waiting if asks else (),
        off="" if off is None else f"`{off[0]}` in {short_path(off[1], home)}",
    )


def _other_settings(work: Work) -> Iterator[OtherSettings]:
    """Yields other files: those of a deselected agent or in a former location, which our hooks were removed from;
    those with our MCP server; our own."""
    setup = work.setup
    named = {found.config for found in setup.detections if found.spec.id in setup.selected}
    for done in work.applied:
        change = done.edit.change
        of_agent = change.agent is not None
        if of_agent and not change.server and done.edit.path in named:
            continue
        is_entered = change.server and change.backup  # a removal is not backed up
        if done.problem:
            yield OtherSettings(done.edit.path, "refused", done.problem)
        elif not work.is_dry and is_entered and done.outcome in ("created", "changed"):
            yield OtherSettings(done.edit.path, "server entered", change.what)
        elif not work.is_dry and of_agent and done.outcome in ("changed", "removed"):
            yield OtherSettings(done.edit.path, "removed", change.what.partition(" of ")[0])
