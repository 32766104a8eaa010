"""Sets Carryover up for the chosen agents: looks, plans, writes, starts the daemon and waits for its first read."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple, get_args

from carryover import agents
from carryover.actions.first_read import ReadEnd, held_by, watch_first_read
from carryover.actions.project_rules import rule_for
from carryover.config import Config, Pointers, ResumeMode, load_config
from carryover.daemon.client import SettingsNotTaken, ask_daemon, reload_daemon
from carryover.errors import ExitCode, UserError
from carryover.how_installed import OnPath, how_installed, on_path_here
from carryover.ingest.scan import roots_in_projects
from carryover.install.agent_settings import agents_here, review_of, settings_file, settings_of, to_review
from carryover.install.background import DaemonReport, bring_up, service_of_user
from carryover.install.detect import Detection, brings_handoff, newly_covered
from carryover.install.messages import Did, agent_lines, background_lines
from carryover.install.setup import plan_agents, plan_choices
from carryover.ledger.rows import Totals
from carryover.outside.apply import Edit, Text, apply, plan_edit
from carryover.outside.in_project import Pass
from carryover.past.context import project_root, state_dir
from carryover.paths import StateDir
from carryover.probe.git_command import git_trouble
from carryover.publish.project_files import withdraw_everywhere
from carryover.terminal.paths import short_path

__all__ = ["Detection", "Edit", "InstallAnswer", "Installed", "Pass", "Survey", "install", "survey"]
RESUME_MODES: Final[tuple[ResumeMode, ...]] = get_args(ResumeMode)
"""How a new session may learn about the last one."""
_OFFERED: Final[Pointers] = "shared"
"""The answer about projects that is offered first, and used if nothing is asked and none is recorded."""
_NAMED_WITHIN_S: Final = 3.0
"""How long to wait for the daemon to accept a project; it may still be reading everything else."""


class InstallAnswer(NamedTuple):
    """What the user answers: which agents, by id, and what is written into projects."""

    agents: tuple[str, ...]
    pointers: Pointers


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is on this machine before anything is asked or written.

    surveyed = survey(installing=True, dry_run=True)
    answer = surveyed.first_answer(agents=None, pointers="local")
    would = install(surveyed, answer, service=True)
    """

    installing: bool
    """Whether this is an install, and not a refresh."""
    dry_run: bool
    config: Config
    detections: tuple[Detection, ...]

    @property
    def offered(self) -> list[Detection]:
        """The agents to choose from, those on this machine first."""
        return sorted(self.detections, key=lambda agent: not agent.found)

    def is_declined_by(self, agents: Collection[str]) -> bool:
        """Whether no agent is given and none was ever chosen: then there is nothing to set up."""
        return not agents and self.config.agents.selected is None

    def first_answer(self, agents: tuple[str, ...] | None, pointers: Pointers | None) -> InstallAnswer:
        """Returns the answer that is offered first; what is given as not None is decided already.

        At an install, or the first time, agents on this machine are selected; otherwise those selected the last time
        and those that could not be selected then.
        """
        if agents is None:
            last = self.config.agents.selected
            before = (*(last or ()), *newly_covered(self.detections, self.config.agents))
            by_presence = self.installing or last is None
            ids = (agent.spec.id for agent in self.offered if (by_presence and agent.found) or agent.spec.id in before)
            agents = tuple(ids)
        return InstallAnswer(agents, pointers or self.config.publish.pointers or _OFFERED)

    def with_settings(self) -> tuple[Detection, ...]:
        """Returns the agents whose settings would be written if all on this machine were chosen."""
        return tuple(filter(settings_file, self.detections))


class AgentResult(NamedTuple):
    """An agent that Carryover knows, and what became of its hooks."""

    detection: Detection
    selected: bool
    """Whether it was selected on the screen or the command line, whether on this machine or not."""
    to_review: tuple[str, ...]
    """Events whose hooks the user has to review."""
    problem: str | None
    lines: tuple[str, ...]
    """What to say of it if it was selected."""

    @property
    def brings_handoff(self) -> bool:
        """Whether what is written into its settings gives a new session the handoff."""
        return brings_handoff(self.detection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Everything that an install or refresh did or, in a dry run, would do.

    installed = install(surveyed, answer, service=True)
    if installed.failed:
        print([edit.problem for edit in installed.edits], *installed.daemon_lines)
    """

    survey: Survey
    answer: InstallAnswer
    service: bool
    """Whether the daemon is to run in the background."""
    rule: tuple[str, ...]
    """What is written into projects, in sentences."""
    edits: tuple[Edit, ...]
    """The edits of settings as they were done; in a dry run, as they would be."""
    agents: tuple[AgentResult, ...] = ()
    background: DaemonReport | None = None
    """How the daemon runs now; None in a dry run."""
    read: ReadEnd | None = None
    """How the first read of the history ended; None if it was not watched."""
    held: Totals | None = None
    withdrawn: tuple[Pass, ...] = ()
    """Projects from which text was removed because the settings no longer allow it."""
    shell: OnPath
    """Whether a shell finds this installation by its name."""
    curl_missing: bool = False
    """Whether hooks were planned that can't reach the daemon, for want of curl."""
    git_trouble: str | None = None
    """Why git can't be run, as a clause; None if it can."""

    @property
    def installing(self) -> bool:
        """Whether this was an install, and not a refresh."""
        return self.survey.installing

    @property
    def is_dry(self) -> bool:
        """Whether nothing was done."""
        return self.survey.dry_run

    @property
    def is_running(self) -> bool:
        """Whether the daemon runs now."""
        return self.background is not None and self.background.pid is not None

    @property
    def in_trouble(self) -> bool:
        """Whether the daemon could not be started as wanted."""
        return self.background is not None and bool(self.background.trouble)

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        files = any(edit.changes for edit in self.edits)
        started = self.background is not None and self.background.changed
        return files or started or any(project.done for project in self.withdrawn)

    @property
    def failed(self) -> bool:
        """Whether any step failed."""
        return self.in_trouble or any(edit.problem for edit in self.edits)

    @property
    def daemon_lines(self) -> tuple[str, ...]:
        """How the daemon runs now, in sentences."""
        if self.background is None:
            return ()
        by_hooks = any(agent.selected and agent.detection.hook_set is not None for agent in self.agents)
        return tuple(background_lines(self.background, by_hooks=by_hooks))

    @property
    def other_settings(self) -> Iterator[Edit]:
        """The edits of other files than the selected agents' hooks: those of a deselected agent or in a former
        location, which our hooks were removed from; those with our MCP server; our own."""
        named = {agent.detection.config for agent in self.agents if agent.selected}
        for edit in self.edits:
            listed = edit.text.listed
            if listed is None or listed.is_server or edit.path not in named:
                yield edit


def survey(*, installing: bool, dry_run: bool) -> Survey:
    """Looks at settings and agents. Raises UserError if the settings or the journal can't be used."""
    state = state_dir()
    config = load_config(state.config)
    detections = agents_here(state, config.agents)
    return Survey(installing=installing, dry_run=dry_run, config=config, detections=detections)


def install(
    survey: Survey,
    answer: InstallAnswer,
    *,
    service: bool,
    mcp: bool | None = None,
    resume_mode: ResumeMode | None = None,
) -> Installed:
    """Plans and, unless it is a dry run, does what the user answered; shows on stderr how far the first read is.
    `service`: whether the daemon is to run in the background. None for `mcp` and `resume_mode` keeps what is there.

    Raises UserError (NOTHING_FOUND) if no agent was ever chosen.
    """
    state, config = state_dir(), survey.config
    detections = survey.detections
    selected = tuple(agent.spec.id for agent in detections if agent.spec.id in answer.agents)
    answer = answer._replace(agents=selected)
    settings = plan_agents(state, detections, selected, mcp=mcp)
    choices = plan_choices(
        state, detections, selected, config=config, resume_mode=resume_mode, pointers=answer.pointers
    )
    done = Installed(
        survey=survey,
        answer=answer,
        service=service,
        rule=rule_for(answer.pointers, selected, config),
        edits=(*settings, choices),
        shell=on_path_here(),
        curl_missing=any(map(_is_of_hooks, settings)) and shutil.which("curl") is None,
        git_trouble=git_trouble(),
    )
    if survey.is_declined_by(selected) and not settings:
        raise UserError(
            "No agent was found or chosen, so nothing is changed. Run `carryover install` again once you use one; "
            "`carryover agents` lists them.",
            ExitCode.NOTHING_FOUND,
        )
    if survey.dry_run:
        done = replace(done, edits=(*done.edits, *(_service_edits() if service else ())))
    else:
        done = _carried_out(done, service=service)
    return replace(done, agents=tuple(_agent(agent, done) for agent in detections))


def _is_of_hooks(edit: Edit) -> bool:
    return edit.text.listed is not None and bool(edit.text.listed.script)


def _service_edits() -> Iterator[Edit]:
    """Plans the edit of the service file, which the service manager writes itself, if one can be registered."""
    manager, program = service_of_user()
    file = manager.file(program) if manager.available() is None else None
    if file is not None:
        path, content = file
        yield plan_edit(Text(path=path, what=f"the {manager.kind} service", put=lambda _: content, remedy=""))


def _carried_out(planned: Installed, *, service: bool) -> Installed:
    state = state_dir()
    edits = apply(planned.edits, state)
    # The daemon does this too when it reads the settings; this way it is done before the command ends.
    withdrawn = withdraw_everywhere(state.root, load_config(state.config))
    if edits[-1].changes:
        with suppress(SettingsNotTaken):  # one that hangs is replaced
            reload_daemon(state)
    background = bring_up(state, service=service)
    done = replace(planned, edits=edits, background=background, withdrawn=withdrawn)
    if background.pid is None:
        return done
    _name_this_project(state, planned.answer.agents)
    read = watch_first_read(state)
    return replace(done, read=read, held=held_by(state))


def _name_this_project(state: StateDir, selected: Collection[str]) -> None:
    """Tells the daemon about the current project if that holds sources that nothing else leads to."""
    with suppress(UserError, TimeoutError):
        root = project_root(None)
        adapters = [agent for agent in agents.adapters().values() if agent.id in selected]
        if roots_in_projects(adapters, [Path(root)]):
            ask_daemon(state.socket, "POST", "/settle", {"root": root}, timeout_s=_NAMED_WITHIN_S)


def _agent(agent: Detection, done: Installed) -> AgentResult:
    edits = [edit for edit in done.edits if edit.path == agent.config]
    written = (edit for edit in edits if edit.reason is None)
    waiting = next((to_review(agent, edit.after, state_dir().hook_script, edit=edit) for edit in written), ())
    problems = (edit.problem for edit in edits)
    is_asked = agent.spec.id in done.answer.agents
    return AgentResult(
        agent,
        is_asked,
        to_review=waiting if is_asked else (),
        problem=next(filter(None, problems), agent.problem) or None,
        lines=_lines_about(agent, done, edits, waiting) if is_asked else (),
    )


def _lines_about(agent: Detection, done: Installed, edits: list[Edit], waiting: tuple[str, ...]) -> tuple[str, ...]:
    """Returns what to say of an agent. `edits`: those of its settings."""
    did: Did = "written" if edits and edits[0].outcome != "unchanged" else "in place"
    # A refresh that changed nothing does not ask again; `doctor` does.
    asks = done.installing or done.is_dry or did == "written"
    off = settings_of(agent, "off")
    return agent_lines(
        agent,
        update=how_installed().update,
        did="to be written" if done.is_dry and did == "written" else did,
        failure=(edits[0].problem or "") if edits else "",
        review=(review_of(agent) or "") if asks and waiting else "",
        off="" if off is None else f"`{off.by}` in {short_path(off.at)}",
        in_projects=agent.spec.id in {each.id for each in agents.adapters().values() if each.in_projects},
    )
