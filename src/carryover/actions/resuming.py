"""Finds out how a session's own agent resumes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from carryover.adapter.spec import AgentSpec, Starter
from carryover.agents import agent_name, specs
from carryover.config import Config
from carryover.errors import ExitCode, UserError
from carryover.facts import is_foreign
from carryover.fsio import is_folder
from carryover.importing.declared import all_agents
from carryover.ingest.scan import first_cwd
from carryover.install.machine import Machine, start_command
from carryover.ledger.rows import SessionRow
from carryover.model import conversation_of, id_in_command
from carryover.past.context import settings_to_print
from carryover.past.from_disk import sources_on_disk
from carryover.past.session import opened_session
from carryover.terminal.paths import shell_word


class Resuming(msgspec.Struct, frozen=True):
    """The command that resumes a session, to be run in `folder`."""

    agent: str
    """The agent's full name."""
    folder: str
    words: tuple[str, ...]
    binary: str
    program: Path | None
    """None if the command is not on this machine."""
    not_resumed: str
    """What the agent does not bring back, as a sentence, if anything."""


def resuming(name: str) -> Resuming:
    """Returns how the session that a user calls `name` is resumed. Raises UserError if it can't be."""
    config = settings_to_print()
    with opened_session(name) as shown:
        session = shown.session
        _refuse_other_machines(session)
        spec, start = _agent_of(session)
        following = _arguments(session, start)
        folder = _folder_of(session, config)
        if folder is None:
            gone = f"The folder of session {session.native_id} is gone. {_otherwise(session)}"
            raise UserError(gone, ExitCode.NOTHING_FOUND)
    command = start_command(spec, Machine.here(config.agents.recorded_env()))
    first = spec.binaries[0] if command is None or command.on_path else str(command.path)
    program = command.path if command is not None else None
    return Resuming(spec.name, folder, (first, *following), spec.binaries[0], program, start.not_resumed)


def _refuse_other_machines(session: SessionRow) -> None:
    """Raises UserError if another machine recorded the session."""
    if not session.machine:
        return
    where = f"`carryover to AGENT --session {id_in_command(session.native_id)}` carries on with its work here."
    if session.root is None:
        where = "Its folder there is not known."
    elif is_foreign(session.root):
        takes = f"takes {session.machine}'s work into the handoff."
        where = f"In a clone of its project here, `carryover link {shell_word(session.root)} .` {takes}"
    there = f"only {agent_name(session.agent)} there can resume it"
    raise UserError(f"Session {session.native_id} is on {session.machine}: {there}. {where}", ExitCode.REFUSED)


def _agent_of(session: SessionRow) -> tuple[AgentSpec, Starter]:
    """Returns the session's agent, and how it starts. Raises UserError if it can't resume a session by its id."""
    spec = next((spec for spec in specs() if spec.id == session.agent), None)
    if spec is None or spec.start is None or not spec.start.resume:
        cannot = f"{agent_name(session.agent)} has no command that resumes a session by its id"
        raise UserError(f"{cannot}. {_otherwise(session)}", ExitCode.REFUSED)
    return spec, spec.start


def _arguments(session: SessionRow, start: Starter) -> Sequence[str]:
    """Returns the arguments that resume the session. Raises UserError if its id may be taken for something else."""
    following = start.resuming(conversation_of(session.native_id))
    if following is None:
        not_ours = f"The session's id, {session.native_id!r}, is not one that {agent_name(session.agent)} gives"
        raise UserError(f"{not_ours}, so its command is not printed or run. {_otherwise(session)}", ExitCode.REFUSED)
    return following


def _otherwise(session: SessionRow) -> str:
    return f"`carryover to AGENT --session {id_in_command(session.native_id)}` carries on in another agent."


def _folder_of(session: SessionRow, config: Config) -> str | None:
    """Returns the session's first folder if its transcript still names one, else its project if that exists.

    Some clients look for a session only below the slug of the current folder, as Claude Code does (2.1.328).
    """
    conversation = conversation_of(session.native_id)
    began = None
    if session.native_id == conversation and not config.paused:
        for item in sources_on_disk(config):
            source = item.source
            if (source.agent, source.session, source.subagent_id) == (session.agent, conversation, None):
                began = began or first_cwd(all_agents(config.sources)[session.agent], source)
    return next((folder for folder in (began, session.root) if folder and is_folder(Path(folder))), None)
