"""`carryover resume` continues a session in its own agent, `to` the work of a project in another one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.actions.context import now_ms, project_root, settings_to_print, state_dir
from carryover.adapter.spec import Starter
from carryover.agents import agent_name, specs
from carryover.cli.arguments import add_tokens_argument, describe, flag, known_agent, listed_agents
from carryover.config import Config, load_config
from carryover.errors import ExitCode, UserError
from carryover.facts import is_foreign
from carryover.fsio import is_folder
from carryover.model import conversation_of, id_in_command
from carryover.terminal.output import ago, can_ask, fitted, one_line, warn
from carryover.terminal.screen import drawing
from carryover.terminal.table import Column, table

if TYPE_CHECKING:
    import sqlite3

    from carryover.distill.view import SessionView
    from carryover.ledger.rows import SessionRow
    from carryover.publish.make import Refreshed

RESUME: Final = """\
Prints the command by which the agent of a session resumes it, in the folder
that the session began in; --run runs it in this terminal. That works only for
as long as the agent keeps the session. To carry on in another agent, or where
it is gone: `carryover to AGENT --session ID`."""

RESUME_EXAMPLES: Final = """\
  carryover resume last           the newest session of the project you are in
  carryover resume 3f2a           the session whose id begins with 3f2a
  carryover resume 3f2a --run     the same, and run it here"""


def resume_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, RESUME, RESUME_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("id", metavar="ID", help="session id, or as much of its beginning as is unique; or `last`")
    flag(parser, "--run", "run the command in this terminal")


def run_resume(args: argparse.Namespace) -> None:
    from carryover.actions.opened import opened_session
    from carryover.actions.start_agent import exec_here, print_command, require_terminal
    from carryover.install.machine import Machine, start_command

    config = settings_to_print(state_dir())
    with opened_session(args.id) as (_, session):
        start, following, folder = _resuming(session, config)
    spec = next(spec for spec in specs() if spec.id == session.agent)
    command = start_command(spec, Machine.here(config.agents.recorded_env()))
    words = (start.binary if command is None or command.on_path else str(command.path), *following)
    if args.run:
        require_terminal(spec.name, "--run")
    print_command(folder, words)
    missing = f"There is no `{start.binary}` command on PATH or in the usual places." if command is None else ""
    if note := " ".join(filter(None, (missing, start.not_resumed))):
        warn(note)
    if not args.run:
        return
    if command is None:
        raise UserError(f"{spec.name} can't be started: its command was not found.", ExitCode.NOTHING_FOUND)
    exec_here(spec.name, command.path, words, folder)


def _resuming(session: SessionRow, config: Config) -> tuple[Starter, Sequence[str], str]:
    """Returns how the session's agent starts, the arguments to resume it, and the folder. Raises UserError."""
    name, known_as = agent_name(session.agent), id_in_command(session.native_id)
    if session.machine:
        where = f"`carryover to AGENT --session {known_as}` carries on with its work here."
        if session.root is None or is_foreign(session.root):
            takes = f"takes {session.machine}'s work into the handoff."
            where = f"In a clone of its project here, `carryover sync allow` {takes}"
        raise UserError(
            f"Session {session.native_id} is on {session.machine}: only {name} there can resume it. {where}",
            ExitCode.REFUSED,
        )
    spec = next((spec for spec in specs() if spec.id == session.agent), None)
    otherwise = f"`carryover to AGENT --session {known_as}` carries on in another agent."
    if spec is None or spec.start is None or not spec.start.resume:
        raise UserError(f"{name} has no command that resumes a session by its id. {otherwise}", ExitCode.REFUSED)
    following = spec.start.resuming(conversation_of(session.native_id))
    if following is None:
        not_ours = f"The session's id, {session.native_id!r}, is not one that {name} gives"
        raise UserError(f"{not_ours}, so its command is not printed or run. {otherwise}", ExitCode.REFUSED)
    folder = _folder_of(session, config)
    if folder is None:
        raise UserError(f"The folder of session {session.native_id} is gone. {otherwise}", ExitCode.NOTHING_FOUND)
    return spec.start, following, folder


def _folder_of(session: SessionRow, config: Config) -> str | None:
    """Returns the session's first folder if its transcript still names one, else its project if that exists.

    Some clients look for a session only below the slug of the current folder, as Claude Code does (2.1.328).
    """
    from carryover.actions.from_disk import sources_on_disk
    from carryover.agents import adapters
    from carryover.ingest.scan import first_cwd

    conversation = conversation_of(session.native_id)
    began = None
    if session.native_id == conversation and not config.paused:
        for found in sources_on_disk(config):
            source = found.source
            if (source.agent, source.session, source.subagent_id) == (session.agent, conversation, None):
                began = began or first_cwd(adapters()[session.agent], source)
    return next((folder for folder in (began, session.root) if folder and is_folder(Path(folder))), None)


OTHER: Final = "-"
"""Stands for the agent that worked last in the project, apart from the one whose work is handed over."""
RECENT_MS: Final = 3 * 86_400_000
"""Work untouched for longer than this is not offered."""
TASK_LIMIT: Final = 52
QUESTION: Final = "Which work do you want to continue?"

TO: Final = """\
Continues in another agent, for when yours is at its usage limit or you want
another one: puts the handoff into the project, shows the command that starts
the agent with it as the first prompt, and runs it in this terminal. Where there
is no terminal the command is only printed, as `carryover handoff --to` does."""

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
    able = listed_agents(startable=True)
    add(
        "agent",
        metavar="AGENT",
        type=lambda text: text if text == OTHER else known_agent(text),
        help=f"the agent, by its id or another name: {able}; or `-` for the last other one that worked here",
    )
    add("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    add(
        "--session",
        metavar="ID",
        help="begin with the work of session ID (a unique beginning, or `last`); if several are open and none is at a "
        "usage limit, you are asked",
    )
    add_tokens_argument(parser)


def run_to(args: argparse.Namespace) -> None:
    continue_in(args.agent, args.project, args.session, tokens=args.tokens, run=can_ask())


def continue_in(agent: str, project: str | None, session: str | None, *, tokens: int | None, run: bool) -> None:
    """Puts the handoff into the project, prints the command that starts `agent` with it and, with `run`, runs it."""
    from carryover.actions import start_agent
    from carryover.actions.handing_over import handoff_of_project

    state = state_dir()
    config = load_config(state.config)
    start = start_agent.startable_agent(agent, config) if agent != OTHER else None
    made = handoff_of_project(project_root(project))
    start = start or start_agent.startable_agent(start_agent.last_other_agent(made, config), config)
    handoff = start_agent.handoff_in_place(made, config, state)
    session = session or _asked_for(made)
    if session is not None or tokens is not None:
        handoff = start_agent.chosen_in_place(handoff_of_project(made.root, session, tokens))
    start_agent.print_command(made.root, start.words(handoff))
    if run:
        start_agent.exec_here(start.name, start.command.path, start.words(handoff), made.root)


def _asked_for(made: Refreshed) -> str | None:
    """Returns the session that the user picks if several are open; None for the leading one, as always at a limit.

    Raises KeyboardInterrupt on Ctrl-C.
    """
    from carryover.actions.opened import Want, opened

    state = state_dir()
    at_limit = made.handoff is not None and made.handoff.limit is not None
    if at_limit or not can_ask() or not state.ledger.exists():
        return None
    with opened(Want.AS_IT_IS, made.root) as (ledger, project):
        found = _open_work(ledger, project.id) if project is not None else []
    if len(found) < 2:
        return None
    import questionary  # takes longer to import than everything else

    from carryover.distill.trail import task_of

    rows = []
    for work in found:
        task = fitted(one_line(task_of(work.digest) or "", TASK_LIMIT), TASK_LIMIT)
        rows.append((task, agent_name(work.agent) + work.where, ago(work.newest_ms, now_ms())))
    lines = table((Column("TASK"), Column("AGENT"), Column("LAST")), rows, None)[1:]
    choices = [questionary.Choice(line, value=work.session) for line, work in zip(lines, found, strict=True)]
    with drawing():
        picked = questionary.select(QUESTION, choices, qmark="", instruction="(arrows, enter)").unsafe_ask()
    return str(picked) if picked != found[0].session else None


def _open_work(ledger: sqlite3.Connection, project_id: int) -> list[SessionView]:
    """Returns the newest session of each piece of recent work: the one that leads the handoff, then newest first."""
    from carryover.distill.trail import did_something, leading_step, steps_of
    from carryover.publish.project_view import project_view

    view = project_view(ledger, project_id)
    steps = steps_of(view)
    if not steps:
        return []
    lead, since_ms = leading_step(steps).view, now_ms() - RECENT_MS
    sessions = sorted(view.sessions, key=lambda session: (session is not lead, -session.newest_ms, session.session))
    return [one for one in sessions if one is lead or (one.newest_ms >= since_ms and did_something(one.digest))]
