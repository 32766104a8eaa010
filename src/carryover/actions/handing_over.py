"""Makes the current handoff of a project: from the ledger, brought up to date first, or straight from disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from carryover.actions.context import agents_own, now_ms, refuse_excluded, root_of, settings_to_print, state_dir
from carryover.actions.opened import LAST, Want, opened
from carryover.config import Config
from carryover.distill.entry import Entry
from carryover.distill.handoff import Handoff
from carryover.distill.render import lay_out
from carryover.errors import ExitCode, UserError, visible
from carryover.facts import ProjectRoot, is_foreign
from carryover.fsio import is_folder
from carryover.ledger.queries import reading, session_by_prefix, whereabouts, work_sessions
from carryover.model import id_in_command
from carryover.paths import StateDir
from carryover.projects.moved_folders import roots_that_may_be_here
from carryover.publish.make import Refreshed, made_handoff
from carryover.publish.open_to_git import open_to_git
from carryover.terminal.output import warn
from carryover.terminal.paths import quoted

MOST_SUGGESTED: Final = 3


class MadeHandoff(msgspec.Struct, frozen=True, kw_only=True):
    """The handoff of the project at `root`; `text` is the part that fits into its budget."""

    root: str
    handoff: Handoff
    text: str

    @property
    def sections(self) -> list[tuple[str, list[tuple[str, Entry]]]]:
        """The sections that are printed: the title, and the lines with what they are made of."""
        return lay_out(self.handoff)


def handoff_of_project(root: str, session: str | None = None, tokens: int | None = None) -> Refreshed:
    """Returns the current handoff of the project at `root`, with its text; nothing is written into the project.

    The work of `session` (an id, a unique prefix of one, or `last`) leads, or else the newest. `tokens` is its budget
    if that is another than the file's. While Carryover is paused, nothing is read. Raises UserError: NOTHING_FOUND if
    there is nothing to hand over, REFUSED if the project is excluded, or if Carryover was paused before anything was
    recorded.
    """
    state = state_dir()
    config = settings_to_print(state)
    refuse_excluded(root, config)
    paused = state.paused.exists()
    wanted = _Wanted(root, config, session, tokens)
    made = _made_of(root, wanted)
    if made is not None and paused:
        warn("Carryover is paused; this is what it recorded before. `carryover unpause` ends that.")
    if made is None and (main_root := root_of(root).main_root) is not None:
        made = _made_of(main_root, wanted, ProjectRoot(root, main_root))
    link = _how_to_link(state, root, by_name=made is None)
    if made is None:
        raise _nothing_found(root, link)
    if link is not None:
        warn(link)
    if (reason := open_to_git(Path(root), made.settings)) is not None:
        warn(f"Nothing is written into {root}: {reason}.")
    return made


def copied_handoff(root: str, session: str | None, tokens: int | None) -> tuple[str, str]:
    """Puts the handoff on the clipboard; returns the root, and what took it. Raises UserError, as when none is made."""
    from carryover.actions.clipboard import copy_here

    made = handoff_of_project(root, session, tokens)
    return made.root, copy_here(made.text or "")


class _Wanted(NamedTuple):
    root: str
    config: Config
    session: str | None
    tokens: int | None


def _made_of(root: str, wanted: _Wanted, here: ProjectRoot | None = None) -> Refreshed | None:
    """Makes the handoff of the project at `root`; None if nothing is recorded of it. `here`: its worktree that the work
    is handed over to, if any."""
    with opened(Want.FRESH, root) as (ledger, project):
        return _made(ledger, project.id, wanted, here) if project is not None else None


def _made(ledger: sqlite3.Connection, project: int, wanted: _Wanted, here: ProjectRoot | None) -> Refreshed:
    root, config, session, tokens = wanted
    own, to = _session_of(ledger, project, session) if session is not None else None, here or project
    folders = agents_own(config.agents)
    found = made_handoff(ledger, to, config, now_ms=now_ms(), agents_own=folders, own=own)
    if tokens is not None:
        from carryover.publish.dialed import dialed_handoff

        found = dialed_handoff(ledger, to, found, tokens, agents_own=folders, own=own)
    if own is not None and found.text is None:
        raise UserError(
            f"Session {own} has nothing to hand over, or is too old for it. "
            f"`carryover show {id_in_command(own)}` prints it.",
            ExitCode.NOTHING_FOUND,
        )
    if found.handoff is None or found.text is None:
        raise UserError(
            f"Agents have worked in {root}, but no session there has anything to hand over yet. "
            f"`carryover sessions {quoted(root)}` lists them.",
            ExitCode.NOTHING_FOUND,
        )
    return found


def _session_of(ledger: sqlite3.Connection, project_id: int, name: str) -> str:
    if name == LAST:
        return work_sessions(ledger, project_id, limit=1)[0].native_id
    found = session_by_prefix(ledger, name)
    if found.project_id != project_id:
        if found.machine and found.root and is_foreign(found.root):
            raise UserError(
                f"Session {found.native_id} is on {found.machine}, in {found.root}, which is not part of a project "
                "here. `carryover sync allow` joins it with a clone of its project.",
                ExitCode.REFUSED,
            )
        where = f"{found.root}; name that project" if found.root else "no project"
        raise UserError(f"Session {found.native_id} belongs to {where}.", ExitCode.NOTHING_FOUND)
    return found.native_id


def _nothing_found(root: str, how_to_link: str | None) -> UserError:
    from carryover.agents import adapters
    from carryover.ingest.scan import others_sources

    if how_to_link is None:
        how_to_link = "If it was moved or renamed, `carryover link OLD NEW` brings along what was recorded before."
    inside = (agent for agent in adapters().values() if agent.in_projects)
    found = (row for agent in inside for row in others_sources(agent, Path(root)))
    unread = "".join(f"{Path(source.path).name} there is not read: {reason}. " for source, reason in found)
    return UserError(
        f"No agent's work is recorded for {root}. {unread}"
        "`carryover sessions --all` lists the projects that are known; "
        f"`carryover status` says which agents are watched, and where. {how_to_link}",
        ExitCode.NOTHING_FOUND,
    )


def _how_to_link(state: StateDir, root: str, *, by_name: bool) -> str | None:
    """Returns a sentence that says how to join a project of this repository (or, `by_name`, folder name), if any."""
    if not state.ledger.exists() or not is_folder(Path(root)):
        return None
    with reading(state.ledger) as db:
        known = whereabouts(db)
    if any(is_foreign(row.root) for row in known):
        from carryover.sync.clones import same_projects

        if same := [row.root for row in same_projects(root, known) if not row.not_moved]:
            where = ", ".join(map(visible, same[:MOST_SUGGESTED]))
            return f"Agents worked on this project in {where} too. `carryover sync allow` takes that into its handoff."
    found = roots_that_may_be_here(known, root, by_name=by_name)[:MOST_SUGGESTED]
    if not found:
        return None
    commands = " or ".join(f"`carryover link {quoted(old)} {quoted(root)}`" for old in found)
    return f"If this project was moved here, {commands} brings along what was recorded."
