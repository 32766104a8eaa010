"""Finds out how a session's own agent resumes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from carryover.adapter.spec import Starter
from carryover.agents import agent_name, specs
from carryover.config import Config
from carryover.errors import ExitCode, UserError
from carryover.facts import is_foreign
from carryover.fsio import is_folder
from carryover.importing.declared import all_agents
from carryover.ingest.scan import first_cwd
from carryover.install.machine import Machine, start_command
from carryover.ledger.queries import project_by_root, sessions
from carryover.ledger.rows import SessionRow
from carryover.model import conversation_of, id_in_command
from carryover.past.context import settings_to_print, state_dir
from carryover.past.from_disk import sources_on_disk
from carryover.past.opened import Want, opened, opened_session
from carryover.past.sessions import listed
from carryover.past.types import Session


class Resuming(NamedTuple):
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
    config = settings_to_print(state_dir())
    with opened_session(name) as (_, session):
        start, following, folder = _resuming(session, config)
    spec = next(spec for spec in specs() if spec.id == session.agent)
    command = start_command(spec, Machine.here(config.agents.recorded_env()))
    first = start.binary if command is None or command.on_path else str(command.path)
    program = command.path if command is not None else None
    return Resuming(spec.name, folder, (first, *following), start.binary, program, start.not_resumed)


def resumable_sessions(root: str, *, limit: int) -> list[Session]:
    """Returns the newest sessions of the project at `root` whose agent can resume one by its id; newest first."""
    able = [spec.id for spec in specs() if spec.start is not None and spec.start.resume]
    with opened(Want.LISTED, root) as (ledger, _):
        project = project_by_root(ledger, root)
        return listed(ledger, sessions(ledger, project.id, limit=limit, here_by=able)) if project is not None else []


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
    conversation = conversation_of(session.native_id)
    began = None
    if session.native_id == conversation and not config.paused:
        for found in sources_on_disk(config):
            source = found.source
            if (source.agent, source.session, source.subagent_id) == (session.agent, conversation, None):
                began = began or first_cwd(all_agents(config.sources)[session.agent], source)
    return next((folder for folder in (began, session.root) if folder and is_folder(Path(folder))), None)
