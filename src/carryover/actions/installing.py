"""Sets Carryover up for the chosen agents: looks, plans, writes, starts the daemon and waits for its first read."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple, get_args
from urllib.parse import urlencode

import msgspec

from carryover import agents
from carryover.actions.first_read import (
    DRY_RUN_LIMIT_S,
    SEARCH_LIMIT_S,
    Active,
    active_projects,
    held_by,
    watch_first_read,
)
from carryover.actions.install_result import Installed, Work, result
from carryover.actions.project_rules import Rule, planned_in, rule_for
from carryover.config import Config, Pointers, ResumeMode, load_config
from carryover.daemon.client import ask_daemon, reload_daemon
from carryover.edits.apply import Applied
from carryover.errors import ExitCode, UserError
from carryover.how_installed import require_mcp
from carryover.ingest.scan import roots_in_projects
from carryover.install.agent_settings import plan_mcp_servers
from carryover.install.background import bring_up, look_ahead, service_of_user
from carryover.install.detect import Detection, detect_all, newly_covered
from carryover.install.machine import Machine
from carryover.install.setup import Setup, carry_out, plan_setup, settings_here
from carryover.past.context import project_root, state_dir
from carryover.paths import StateDir
from carryover.publish.withdrawal import withdraw

RESUME_MODES: Final[tuple[ResumeMode, ...]] = get_args(ResumeMode)
"""How a new session may learn about the last one."""
_OFFERED: Final[Pointers] = "shared"
"""The answer about projects that is offered first, and used if nothing is asked and none is recorded."""
_NAMED_WITHIN_S: Final = 3.0
"""How long to wait for the daemon to accept a project; it may still be reading everything else."""


class Answer(NamedTuple):
    """What the user answers: which agents, and what is written into projects."""

    agents: tuple[str, ...]
    pointers: Pointers


class Option(NamedTuple):
    """An entry in the list of agents to choose from."""

    id: str
    name: str
    presence: str
    ticked: bool
    """Whether it is initially selected."""


class AgentFile(NamedTuple):
    """The settings file of an agent that is written if the agent is chosen: hooks, or else an entry."""

    agent: str
    path: Path
    has_hooks: bool


@dataclass(frozen=True, slots=True)
class Survey:
    """What is on this machine before anything is asked or written."""

    config: Config
    detections: tuple[Detection, ...]
    projects: Active
    """The projects with recent work."""

    def rule(self, answer: Answer) -> Rule:
        """Describes what an answer allows to be written into projects."""
        return rule_for(answer.pointers, answer.agents, self.config, self.projects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How to install. None for `mcp` and `resume_mode` keeps what is there."""

    installing: bool
    """Whether this is an install, and not a refresh."""
    service: bool
    """Whether the daemon is to run in the background."""
    dry_run: bool = False
    mcp: bool | None = None
    resume_mode: ResumeMode | None = None


def survey(wishes: Wishes) -> Survey:
    """Looks at agents and projects. Raises UserError if the settings can't be used, or the SDK for MCP is missing."""
    if wishes.mcp:
        require_mcp()
    state = state_dir()
    config = load_config(state.config)
    machine = Machine.here(config.agents.recorded_env())
    detections = detect_all(agents.specs(), machine, config.agents.recorded_versions())
    agents_here = tuple(found.spec.id for found in detections if found.found)
    limit_s = DRY_RUN_LIMIT_S if wishes.dry_run else SEARCH_LIMIT_S
    return Survey(config, detections, active_projects(state, config, agents_here, limit_s=limit_s))


def options(seen: Survey, *, installing: bool) -> tuple[Option, ...]:
    """Returns the list of agents, those on this machine first.

    With `installing`, or the first time, agents on this machine are preselected; otherwise those selected the last time
    and those that could not be selected then.
    """
    last = seen.config.agents.selected
    by_presence = installing or last is None
    before = (*(last or ()), *newly_covered(seen.detections, seen.config.agents))
    return tuple(
        Option(
            id=found.spec.id,
            name=found.spec.name,
            presence="detected" if found.found else "not detected",
            ticked=(by_presence and found.found) or found.spec.id in before,
        )
        for found in sorted(seen.detections, key=lambda found: not found.found)
    )


def first_answer(seen: Survey, agents: Collection[str], pointers: Pointers | None) -> Answer:
    """Returns the answer for these agents; with None for `pointers`, with what is recorded about projects."""
    return Answer(tuple(agents), pointers or seen.config.publish.pointers or _OFFERED)


def agent_files(seen: Survey) -> tuple[AgentFile, ...]:
    """Returns the settings files that would be written if all agents on this machine were chosen."""
    wanted = settings_here(state_dir(), seen.detections)
    return tuple(AgentFile(each.spec.id, each.config, bool(each.hooks)) for each in wanted)


def install(seen: Survey, answer: Answer, wishes: Wishes) -> Installed:
    """Plans and, unless it is a dry run, does what the user answered; shows on stderr how far the first read is.

    Raises UserError (NOTHING_FOUND) if no agent was ever chosen.
    """
    setup = _planned(seen, answer, wishes)
    projects = planned_in(seen.projects, _decided(seen.config, setup), with_diffs=wishes.dry_run)
    would = tuple(Applied(edit, "changed" if edit.changes else "unchanged", edit.problem) for edit in setup.shown)
    work = Work(setup=setup, asked=answer.agents, installing=wishes.installing, applied=would)
    if wishes.dry_run:
        changes = setup.service is not None and setup.service.changes
        work = replace(work, ahead=look_ahead(state_dir(), service=wishes.service, changes=changes))
    else:
        if not setup.selected and not setup.hooks and seen.config.agents.selected is None:
            raise UserError(
                "No agent was chosen, so nothing was changed. Run `carryover install` again once you use one.",
                ExitCode.NOTHING_FOUND,
            )
        work = _carried_out(work, service=wishes.service)
    return result(
        work,
        rule=seen.rule(answer._replace(agents=setup.selected)).full,
        projects=projects,
        projects_cut=seen.projects.cut,
        into_projects=answer.pointers != "off" and seen.config.publish.folder is None,
        changed_rule=answer.pointers != seen.config.publish.pointers,
    )


def _planned(seen: Survey, answer: Answer, wishes: Wishes) -> Setup:
    state = state_dir()
    manager, program = service_of_user()
    setup = plan_setup(
        state,
        seen.detections,
        answer.agents,
        config=seen.config,
        resume_mode=wishes.resume_mode,
        pointers=answer.pointers,
        service=(manager, program) if wishes.service and manager.available() is None else None,
    )
    return replace(setup, servers=plan_mcp_servers(setup.detections, setup.selected, state, wanted=wishes.mcp))


def _decided(config: Config, setup: Setup) -> Config:
    after = tomllib.loads((setup.config.after or b"").decode("utf-8-sig", "replace"))
    since = after.get("publish", {}).get("shared_since")
    publish = msgspec.structs.replace(config.publish, pointers=setup.pointers, shared_since=since)
    agents = msgspec.structs.replace(config.agents, selected=setup.selected)
    return msgspec.structs.replace(config, publish=publish, agents=agents)


def _carried_out(plan: Work, *, service: bool) -> Work:
    state = state_dir()
    applied = carry_out(plan.setup, state)
    # The daemon does this too when it reads the settings; this way it is done before the command ends.
    withdrawn = withdraw(state.root, load_config(state.config))
    if applied[-1].outcome not in ("unchanged", "left alone"):
        reload_daemon(state)
    background = bring_up(state, service=service)
    done = replace(plan, applied=applied, background=background, withdrawn=withdrawn)
    if background.pid is None:
        return done
    _name_this_project(state, plan.setup)
    read = watch_first_read(state)
    return replace(done, read=read, held=held_by(state))


def _name_this_project(state: StateDir, setup: Setup) -> None:
    """Tells the daemon about the current project if that holds sources that nothing else leads to."""
    with suppress(UserError, TimeoutError):
        root = project_root(None)
        selected = [agent for agent in agents.adapters().values() if agent.id in setup.selected]
        if roots_in_projects(selected, [Path(root)]):
            ask_daemon(state.socket, "POST", f"/settle?{urlencode({'root': root})}", timeout_s=_NAMED_WITHIN_S)
