"""`carryover to`: continues the work of a project in another agent, in this terminal."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from carryover.actions.context import project_root, state_dir
from carryover.agents import specs
from carryover.cli.agent_names import known_agent, listed
from carryover.cli.arguments import describe
from carryover.config import load_config
from carryover.errors import ExitCode

if TYPE_CHECKING:
    from carryover.publish.make import Refreshed

OTHER: Final = "-"
"""Stands for the agent that worked last in the project, apart from the one whose work is handed over."""

DESCRIPTION: Final = """\
Continues in another agent, for when yours is at its usage limit or you want
another one: puts the handoff into the project, shows the command that starts
the agent with it as the first prompt, and runs it in this terminal. Where there
is no terminal the command is only printed, as `carryover handoff --to` does."""

EXAMPLES: Final = """\
examples:
  carryover to codex             continue here in Codex
  carryover to -                 in the last other agent that worked here
  carryover to claude ~/code/shop
                                 in another project
  carryover to codex --session 3f2a
                                 with the work of that session
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    able = listed(spec for spec in specs() if spec.start is not None)
    parser.add_argument(
        "agent",
        metavar="AGENT",
        type=lambda text: text if text == OTHER else known_agent(text),
        help=f"the agent, by its id or another name: {able}; or `-` for the last other one that worked here",
    )
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    parser.add_argument(
        "--session",
        metavar="ID",
        help="begin with the work of session ID (a unique beginning, or `last`); if several are open and none is at a "
        "usage limit, you are asked",
    )


def run(args: argparse.Namespace) -> int:
    from carryover.terminal.output import can_ask

    return continue_in(args.agent, args.project, args.session, run=can_ask())


def continue_in(agent: str, project: str | None, session: str | None, *, run: bool) -> int:
    """Puts the handoff into the project, prints the command that starts `agent` with it and, with `run`, runs it."""
    from carryover.actions.project_handoff import handoff_of_project
    from carryover.actions.start_agent import (
        chosen_in_place,
        exec_here,
        handoff_in_place,
        last_other_agent,
        print_command,
        startable_agent,
    )

    state = state_dir()
    config = load_config(state.config)
    start = startable_agent(agent, config) if agent != OTHER else None
    made = handoff_of_project(project_root(project))
    start = start or startable_agent(last_other_agent(made, config), config)
    handoff = handoff_in_place(made, config, state)
    session = session or _asked_for(made)
    if session is not None:
        handoff = chosen_in_place(handoff_of_project(made.root, session))
    print_command(made.root, start.words(handoff))
    if run:
        exec_here(start.name, start.command.path, start.words(handoff), made.root)
    return ExitCode.OK


def _asked_for(made: Refreshed) -> str | None:
    """Returns the session that the user picks if several are open; None for the leading one, as always at a limit."""
    from carryover.cli.choose_session import pick_session
    from carryover.terminal.output import can_ask

    at_limit = made.handoff is not None and made.handoff.limit is not None
    return pick_session(state_dir(), made.root) if can_ask() and not at_limit else None
