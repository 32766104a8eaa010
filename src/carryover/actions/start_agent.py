"""Continues in another agent: prints or runs the command that starts it in a project with the handoff."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from carryover.adapter.spec import AgentSpec, Starter
from carryover.agents import agent_name, specs
from carryover.clock import utc_now_ms
from carryover.config import Config, load_config
from carryover.distill.own_text import go_on_prompt
from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import is_there, private_dir
from carryover.install.machine import FoundCommand, Machine, start_command, startable_here
from carryover.ledger.connect import reading
from carryover.outside.journal import write_down
from carryover.outside.listed import handoff_folder
from carryover.past.context import root_of, state_dir
from carryover.past.handoff import WantedHandoff, handoff_here
from carryover.past.opened import Want, opened
from carryover.paths import STORE, StateDir
from carryover.projects.handoff_file import CHOSEN, IN_PROJECT, handoffs_elsewhere, write_handoff
from carryover.projects.policy import POINTERS_OFF
from carryover.projects.root import StatePaths
from carryover.publish.limits import limited_projects
from carryover.publish.make import MadeHandoff
from carryover.publish.publish import publish_handoff
from carryover.publish.second_page import write_second_page
from carryover.publish.store import ignore_itself
from carryover.terminal.output import can_ask, say
from carryover.terminal.paths import shell_word
from carryover.terminal.streams import flush
from carryover.text.reset_times import LASTS_MS


class TakeOver(msgspec.Struct, frozen=True):
    """A handoff that is in its project, and the agent that is to take over.

    going = put_handoff("codex", "/srv/shop")
    words = going.words(going.handoff)
    exec_here(going.name, going.command.path, words, going.root)
    """

    name: str
    """The agent's name."""
    starter: Starter
    command: FoundCommand
    made: MadeHandoff
    handoff: str
    """The path of the handoff in the project."""

    @property
    def root(self) -> str:
        """The project's root."""
        return self.made.root

    def words(self, handoff: str) -> tuple[str, ...]:
        """Returns the command line, with the command as the user's shell finds it."""
        shown = self.command.path.name if self.command.on_path else str(self.command.path)
        return (shown, *self.starter.arguments(go_on_prompt(handoff), handoff))


def put_handoff(agent_id: str | None, root: str) -> TakeOver:
    """Puts the handoff into the project at `root` for the agent; None is the last other one that worked there.

    Raises UserError if there is nothing to hand over, it may not be put there, or the agent can't be started.
    """
    state = state_dir()
    config = load_config(state.config)
    start = startable_agent(agent_id, config, root) if agent_id is not None else None
    made = handoff_here(WantedHandoff(root=root), to_put=True)
    start = start or startable_agent(last_other_agent(made, config), config, root)
    return TakeOver(*start, made, handoff_in_place(made, config, state))


def agents_to_start(root: str) -> list[tuple[AgentSpec, bool]]:
    """Returns the agents that can be started in the project at `root`, and whether each is at a usage limit, in any
    project: those are last. Raises UserError (NOTHING_FOUND) if there is none."""
    config = load_config(state_dir().config)
    startable = startable_here(config.agents.selected, Machine.here(config.agents.recorded_env()))
    if not startable:
        raise _none_here(root)
    limited = _limited_agents(state_dir())
    found = [(agent, agent.id in limited) for agent in specs() if agent.id in startable]
    return sorted(found, key=lambda each: each[1])


def _limited_agents(state: StateDir) -> set[str]:
    try:
        with reading(state.ledger) as db:
            limits = limited_projects(db, (), since_ms=utc_now_ms() - LASTS_MS, now_ms=utc_now_ms())
    except UserError:  # none, a damaged one, or of an earlier version: the handoff is then made from the disk
        return set()
    return {limit.agent for limit in limits.values()}


def startable_agent(agent_id: str, config: Config, root: str) -> tuple[str, Starter, FoundCommand]:
    """Returns the agent's name, how it starts, and its command. Raises UserError, which says how the handoff of the
    project at `root` gets there else: REFUSED if it takes no prompt, NOTHING_FOUND if missing."""
    spec = next((spec for spec in specs() if spec.id == agent_id), None)
    name, machine = agent_name(agent_id), Machine.here(config.agents.recorded_env())
    if spec is None or spec.start is None:
        cannot = f"Carryover can't start {name} with a first prompt."
        raise UserError(f"{cannot} {_offer(config, machine)}{_by_hand(root)}", ExitCode.REFUSED)
    command = start_command(spec, machine)
    if command is None:
        raise UserError(
            f"There is no `{spec.binaries[0]}` command on PATH or in the usual places, so {name} can't be started. "
            f"Install it, or put its folder on PATH. {_offer(config, machine)}{_by_hand(root)}",
            ExitCode.NOTHING_FOUND,
        )
    return name, spec.start, command


def _by_hand(root: str) -> str:
    """Returns how an agent gets the handoff that Carryover can't start, such as one in an editor."""
    in_editor = f'In an editor say "read {IN_PROJECT}". ' if is_there(Path(root, IN_PROJECT)) else ""
    return f"{in_editor}{_by_copy(root)}"


def _by_copy(root: str) -> str:
    """Names the project too, since it may be another one than that of the current folder."""
    copy = f"carryover handoff --copy {shell_word(root)}"
    return f"`{copy}` puts the handoff on the clipboard instead: paste it as the first prompt."


def _none_here(root: str) -> UserError:
    return UserError(f"No agent that takes a first prompt is here. {_by_hand(root)}", ExitCode.NOTHING_FOUND)


def last_other_agent(made: MadeHandoff, config: Config) -> str:
    """Returns the id of the agent that worked last in the project, apart from the one of the newest session.

    That one may only have answered since the work that leads the handoff. Agents that stopped at a usage limit do not
    count. If no other worked there, it is the only other one that can be started here; raises UserError
    (NOTHING_FOUND) if there are several.
    """
    assert made.handoff is not None, "else it was raised that there is none"
    limit, machine = made.handoff.limit, Machine.here(config.agents.recorded_env())
    others = {*startable_here(config.agents.selected, machine)} - {*made.agents[:1]}
    others -= _limited_agents(state_dir())
    if limit is not None:
        others -= {limit.agent, *limit.spent}
    worked = [agent for agent in made.agents if agent in others]
    if not worked and len(others) != 1:
        offer = _offer(config, machine)
        if not offer:
            raise _none_here(made.root)
        raise UserError(
            f"No other agent that can be started now has worked in {made.root} lately. {offer}"
            f"Name one: `carryover to AGENT`. {_by_copy(made.root)}",
            ExitCode.NOTHING_FOUND,
        )
    return worked[0] if worked else others.pop()


def _offer(config: Config, machine: Machine) -> str:
    startable = startable_here(config.agents.selected, machine)
    return f"These can be started here: {', '.join(startable)}. " if startable else ""


def handoff_in_place(made: MadeHandoff, config: Config, state: StateDir) -> str:
    """Writes the handoff into the project, or where settings allow no file there, to one in the state folder; returns
    its path for an agent there. Raises UserError (REFUSED) if forbidden."""
    if state.paused.exists():
        raise UserError(
            f"Carryover is paused, so no handoff is put into {made.root}. `carryover unpause` ends that. "
            f"{_by_copy(made.root)}",
            ExitCode.REFUSED,
        )
    paths = StatePaths(state, Path.home(), config.agents)
    published = publish_handoff(made, config, paths).published
    if published.refusal == POINTERS_OFF:
        return _chosen_elsewhere(made, state)
    if published.refusal is not None:
        refused = f"No handoff is put into {made.root}: {published.refusal}. {_by_copy(made.root)}"
        raise UserError(refused, ExitCode.REFUSED)
    made = msgspec.structs.replace(made, published=published)
    with contextlib.suppress(OSError), opened(Want.AS_IT_IS, made.root) as (ledger, project):
        to = project.id if project is not None else root_of(made.root)
        write_second_page(ledger, to, made, config)
    return IN_PROJECT


def chosen_in_place(root: str, session: str | None, tokens: int | None) -> str:
    """Writes the handoff of a chosen session or size to a separate file and returns its path, since others need the
    project's."""
    made = handoff_here(WantedHandoff(root=root, session=session, tokens=tokens))
    assert made.text is not None, "else it was raised that there is none"
    if not made.settings.is_inside:
        return _chosen_elsewhere(made, state_dir())
    try:
        write_handoff(Path(made.root, STORE), made.text, CHOSEN)
    except OSError as error:
        raise UserError(f"No handoff is put into {made.root}: {os_reason(error)}. {_by_copy(root)}") from error
    return f"{STORE}/{CHOSEN}"


def _chosen_elsewhere(made: MadeHandoff, state: StateDir) -> str:
    """Writes a handoff that goes into no project to the state folder, for the agent that is started; returns its
    path."""
    assert made.text is not None, "else it was raised that there is none"
    folder = handoffs_elsewhere(Path(made.root), state.root)
    try:
        private_dir(folder)
        write_down(state.root, handoff_folder(folder, made.root))
        ignore_itself(folder)
        write_handoff(folder, made.text, CHOSEN)
    except OSError as error:
        raise UserError(f"{folder} can't be written: {os_reason(error)}. {_by_copy(made.root)}") from error
    return str(folder / CHOSEN)


def print_command(folder: str, words: Sequence[str]) -> None:
    """Prints only the command line that starts an agent in a folder."""
    say(f"cd {shell_word(folder)} && {shlex.join(words)}", fits=True)


def require_terminal(name: str) -> None:
    """Raises UserError (REFUSED) if there is no terminal on which the agent could talk with the user."""
    if not can_ask():
        raise UserError(
            f"--run starts {name} in this terminal, but there is no terminal here. "
            "Without --run its command is printed.",
            ExitCode.REFUSED,
        )


def exec_here(name: str, program: Path, words: Sequence[str], folder: str) -> NoReturn:
    """Replaces this process with `program`, run in `folder`. Raises UserError, about the agent `name`, if it fails."""
    flush()
    try:
        os.chdir(folder)
        # Python ignores these, and ignored signals stay ignored in the program that replaces this one.
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(ignored, signal.SIG_DFL)
        os.execve(program, list(words), {**os.environ, "PWD": folder})
    except OSError as error:
        failed = f"{name} could not be started in {folder}: {error.strerror}."
        raise UserError(f"{failed} {_by_copy(folder)}") from error
