"""`carryover resume` continues a session in its own agent, `to` the work of a project in another one."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import (
    add_session_argument,
    add_tokens_argument,
    describe,
    flag,
    recorded_agent,
    startable_agents,
)
from carryover.past.context import project_root
from carryover.terminal.output import USUAL_WIDTH, can_ask, terminal_width, warn
from carryover.terminal.screen import ask_on_screen, drawing, keys_of
from carryover.terminal.table import Column, table

RESUME: Final = """\
Prints the command by which the agent of a session resumes it, in the folder
that the session began in; --run runs it in this terminal. That works only for
as long as the agent keeps the session. To carry on in another agent, or where
it is gone: `carryover to AGENT --session ID`."""

RESUME_EXAMPLES: Final = """\
  carryover resume                the newest session of the project you are in
  carryover resume 3f2a           the session whose id begins with 3f2a
  carryover resume 3f2a --run     the same, and run it here"""


def resume_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, RESUME, RESUME_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add_session_argument(parser)
    flag(parser, "--run", "run the command in this terminal")


def run_resume(args: argparse.Namespace) -> None:
    from carryover.actions.resuming import resuming
    from carryover.actions.start_agent import exec_here, print_command, require_terminal

    command = resuming(args.id)
    if args.run:
        require_terminal(command.agent)
    print_command(command.folder, command.words)
    missing = (
        f"There is no `{command.binary}` command on PATH or in the usual places." if command.program is None else ""
    )
    if note := " ".join(filter(None, (missing, command.not_resumed))):
        warn(note)
    if not args.run:
        return
    if command.program is None:
        what = f"{command.agent} can't be started: its command was not found. Install it, or put its folder on PATH."
        raise UserError(what, ExitCode.NOTHING_FOUND)
    exec_here(command.agent, command.program, command.words, command.folder)


OTHER: Final = "-"
"""Stands for the agent that worked last in the project, apart from the one whose work is handed over."""
_KEYS: Final = "(arrows, enter; esc leaves)"
_POINTER: Final = 4
"""Columns that questionary needs beside a row."""
_AT_LIMIT: Final = "at its usage limit"
_QUESTION: Final = "In which agent do you want to continue?"

TO: Final = """\
Continues in another agent, for when yours is at its usage limit or you want
another one: puts the handoff into the project, shows the command that starts
the agent with it as the first prompt, and runs it in this terminal, at the
project's root. Where there is no terminal, as in a pipe, the command is only
printed. Without an AGENT those that can be started here are offered."""

TO_EXAMPLES: Final = """\
  carryover to codex             continue here in Codex
  carryover to -                 in the last other agent that worked here
  carryover to claude ~/code/shop
                                 in another project
  carryover to codex --session 3f2a
                                 with the work of that session
  carryover to codex --tokens 8000
                                 with more of the conversation"""


def to_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, TO, TO_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add = parser.add_argument
    able = startable_agents()
    add(
        "agent",
        metavar="AGENT",
        nargs="?",
        type=_agent_named,
        help=f"the agent, by its id or another name: {able}; or `-` for the last other one that worked here (default: "
        "those that can be started are offered)",
    )
    add("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    add(
        "--session",
        metavar="ID",
        help="begin with the work of session ID (a unique beginning, or `last`)",
    )
    add_tokens_argument(parser)


def _agent_named(text: str) -> str | None:
    """Returns the agent's id, or `OTHER`; None for the word that a handoff has where it knows no other agent here."""
    if text == "AGENT":
        return None
    return text if text == OTHER else recorded_agent(text)


def run_to(args: argparse.Namespace) -> None:
    continue_in(args.agent or _agent_to_start(args.project), args, run=can_ask())


def continue_in(agent: str, args: argparse.Namespace, *, run: bool) -> None:
    """Puts the handoff into the project, prints the command that starts the agent with it and, with `run`, runs it."""
    from carryover.actions import start_agent

    going = start_agent.put_handoff(agent if agent != OTHER else None, project_root(args.project))
    handoff = going.handoff
    if args.session is not None or args.tokens is not None:
        handoff = start_agent.chosen_in_place(going.root, args.session, args.tokens)
    words = going.words(handoff)
    start_agent.print_command(going.root, words)
    if run:
        start_agent.exec_here(going.name, going.command.path, words, going.root)


def _agent_to_start(project: str | None) -> str:
    """Returns the agent that the user picks from those that can be started here.

    Raises UserError: USAGE, which names them, if there is no terminal to ask on, NOTHING_FOUND if there is none,
    INTERRUPTED if the user leaves.
    """
    from carryover.actions.start_agent import agents_to_start

    agents = agents_to_start(project_root(project))
    if not can_ask():
        listed = ", ".join(f"{agent.id} ({_AT_LIMIT})" if limited else agent.id for agent, limited in agents)
        raise UserError(f"Name the agent. These can be started here: {listed}.", ExitCode.USAGE)
    import questionary  # takes longer to import than everything else

    rows = [(agent.name, agent.id, _AT_LIMIT if limited else "") for agent, limited in agents]
    width = (terminal_width() or USUAL_WIDTH) - _POINTER
    lines = table([Column("", least=16), Column(""), Column("")], rows, width)[1:]
    choices = [questionary.Choice(line, value=agent.id) for line, (agent, _) in zip(lines, agents, strict=True)]
    with drawing():
        picked = ask_on_screen(questionary.select(_QUESTION, choices, qmark="", instruction=keys_of(_QUESTION, _KEYS)))
    if picked is None:
        raise UserError("No agent was started.", ExitCode.INTERRUPTED)
    return str(picked)
