"""`carryover resume`: continues a recorded session in its own agent, with that agent's own command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from carryover.actions.context import settings_to_print, state_dir
from carryover.actions.recorded import ledger_with_session
from carryover.adapter.spec import Starter
from carryover.agents import agent_names, specs
from carryover.cli.arguments import describe
from carryover.config import Config
from carryover.errors import ExitCode, UserError
from carryover.facts import is_foreign
from carryover.fsio import is_folder
from carryover.ledger.rows import SessionRow
from carryover.model import conversation_of, id_in_command

DESCRIPTION: Final = """\
Prints the command by which the agent of a session resumes it, in the folder
that the session began in; --run runs it in this terminal. That works only for
as long as the agent keeps the session. To carry on in another agent, or where
it is gone: `carryover to AGENT --session ID`."""

EXAMPLES: Final = """\
examples:
  carryover resume last           the newest session of the project you are in
  carryover resume 3f2a           the session whose id begins with 3f2a
  carryover resume 3f2a --run     the same, and run it here
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("id", metavar="ID", help="session id, or as much of its beginning as is unique; or `last`")
    parser.add_argument("--run", action="store_true", help="run the command in this terminal")


def run(args: argparse.Namespace) -> int:
    from carryover.actions.start_agent import exec_here, print_command, require_terminal
    from carryover.install.machine import Machine, start_command

    config = settings_to_print(state_dir())
    with ledger_with_session(args.id) as (_, session):
        start, following, folder = _resuming(session, config)
    spec = next(spec for spec in specs() if spec.id == session.agent)
    command = start_command(spec, Machine.here(config.agents.recorded_env()))
    words = (start.binary if command is None or command.on_path else str(command.path), *following)
    if args.run:
        require_terminal(spec.name, "--run")
    print_command(folder, words)
    missing = f"There is no `{start.binary}` command on PATH or in the usual places." if command is None else ""
    if note := " ".join(filter(None, (missing, start.not_resumed))):
        print(note, file=sys.stderr)
    if args.run and command is None:
        raise UserError(f"{spec.name} can't be started: its command was not found.", ExitCode.NOTHING_FOUND)
    if args.run and command is not None:
        exec_here(spec.name, command.path, words, folder)
    return ExitCode.OK


def _resuming(session: SessionRow, config: Config) -> tuple[Starter, Sequence[str], str]:
    """Returns how the session's agent starts, the arguments that resume `session`, and the folder to do it in.

    Raises UserError: REFUSED if it is on another machine, or if its agent can't resume a session by its id;
    NOTHING_FOUND if its folder no longer exists.
    """
    name = agent_names().get(session.agent, session.agent)
    if session.machine:
        raise _elsewhere(name, session)
    spec = next((spec for spec in specs() if spec.id == session.agent), None)
    known_as = id_in_command(session.native_id)
    otherwise = f"`carryover to AGENT --session {known_as}` carries on in another agent."
    if spec is None or spec.start is None or not spec.start.resume:
        raise UserError(f"{name} has no command that resumes a session by its id. {otherwise}", ExitCode.REFUSED)
    following = spec.start.resuming(conversation_of(session.native_id))
    if following is None:
        raise UserError(
            f"The session's id, {session.native_id!r}, is not one that {name} gives, so its command is not printed or "
            f"run. {otherwise}",
            ExitCode.REFUSED,
        )
    folder = _folder_of(session, config)
    if folder is None:
        raise UserError(f"The folder of session {session.native_id} is gone. {otherwise}", ExitCode.NOTHING_FOUND)
    return spec.start, following, folder


def _elsewhere(name: str, session: SessionRow) -> UserError:
    of_project = session.root is not None and not is_foreign(session.root)
    instead = (
        f"`carryover to AGENT --session {id_in_command(session.native_id)}` carries on with its work here."
        if of_project
        else f"In a clone of its project here, `carryover sync allow` takes {session.machine}'s work into the handoff."
    )
    return UserError(
        f"Session {session.native_id} is on {session.machine}: only {name} there can resume it. {instead}",
        ExitCode.REFUSED,
    )


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
