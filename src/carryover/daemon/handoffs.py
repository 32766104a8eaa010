"""Makes the handoff that a command prints, in the daemon or, where none answers, in the command itself. Blocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, NamedTuple

from carryover.config import AgentsConfig, Config, refuse_excluded, settings_or_defaults
from carryover.daemon.handed_over import HandedOver, Line, Origin, Section, Wanted
from carryover.distill.entry import Entry
from carryover.distill.handoff import Handoff
from carryover.distill.render import lay_out
from carryover.errors import ExitCode, UserError, visible
from carryover.facts import FindRoot, ProjectRoot, is_foreign
from carryover.fsio import is_folder
from carryover.ledger.queries import reading, session_by_prefix, whereabouts, work_sessions
from carryover.ledger.rows import ProjectRow
from carryover.model import LAST, id_in_command
from carryover.paths import StateDir
from carryover.projects.moved_folders import roots_that_may_be_here
from carryover.projects.root import AgentFolders
from carryover.publish.make import Refreshed, made_handoff
from carryover.publish.open_to_git import open_to_git
from carryover.terminal.paths import quoted

MOST_SUGGESTED: Final = 3


class Place(NamedTuple):
    """Where handoffs are made: the daemon, or a command."""

    state: StateDir
    opened: Callable[[str], AbstractContextManager[tuple[sqlite3.Connection, ProjectRow | None]]]
    """Opens what is recorded of the project at a root, what is new there included."""
    root_of: FindRoot
    agents_own: Callable[[AgentsConfig], AgentFolders]
    note: Callable[[str], object]
    """Gets what a person should be told first, in sentences."""
    now_ms: Callable[[], int]


def hand_over(wanted: Wanted, place: Place) -> Refreshed | None:
    """Returns the handoff that is wanted, with its text; None if nothing is recorded of its project, nor, for a
    worktree, of the main checkout's. Nothing is written into the project. Raises UserError (NOTHING_FOUND, REFUSED) if
    there is none.
    """
    root = wanted.root
    config, trouble = settings_or_defaults(place.state)
    if trouble is not None:
        place.note(trouble)
    refuse_excluded(root, config)
    made = _made_of(root, wanted, config, place)
    if made is not None and place.state.paused.exists():
        place.note("Carryover is paused; this is what it recorded before. `carryover unpause` ends that.")
    if made is None and (main_root := place.root_of(root).main_root) is not None:
        made = _made_of(main_root, wanted, config, place)
    if made is not None:
        for note in _notes_on(made, root, place.state.ledger):
            place.note(note)
    return made


def _made_of(root: str, wanted: Wanted, config: Config, place: Place) -> Refreshed | None:
    """Returns the handoff of the project at `root`, for its worktree if another root is wanted."""
    with place.opened(root) as (ledger, project):
        if project is None:
            return None
        to = project.id if root == wanted.root else ProjectRoot(wanted.root, root)
        own = _session_of(ledger, project, wanted.session) if wanted.session is not None else None
        folders = place.agents_own(config.agents)
        found = made_handoff(ledger, to, config, now_ms=place.now_ms(), agents_own=folders, own=own)
        if wanted.tokens is not None:
            from carryover.publish.dialed import dialed_handoff

            found = dialed_handoff(ledger, to, found, wanted.tokens, agents_own=folders, own=own)
    if own is not None and found.text is None:
        raise UserError(
            f"Session {own} has nothing to hand over, or is too old for it. "
            f"`carryover show {id_in_command(own)}` prints it.",
            ExitCode.NOTHING_FOUND,
        )
    if found.handoff is None or found.text is None:
        raise UserError(
            f"Agents have worked in {wanted.root}, but no session there has anything to hand over yet. "
            f"`carryover sessions {quoted(wanted.root)}` lists them.",
            ExitCode.NOTHING_FOUND,
        )
    return found


def _session_of(ledger: sqlite3.Connection, project: ProjectRow, name: str) -> str:
    if name == LAST:
        return work_sessions(ledger, project.id, limit=1)[0].native_id
    found = session_by_prefix(ledger, name)
    if found.project_id != project.id:
        if found.machine and found.root and is_foreign(found.root):
            raise UserError(
                f"Session {found.native_id} is on {found.machine}, in {found.root}, which is not part of a project "
                "here. `carryover sync allow` joins it with a clone of its project.",
                ExitCode.REFUSED,
            )
        where = f"{found.root}; name that project" if found.root else "no project"
        raise UserError(f"Session {found.native_id} belongs to {where}.", ExitCode.NOTHING_FOUND)
    return found.native_id


def _notes_on(made: Refreshed, root: str, ledger: Path) -> Iterator[str]:
    link = how_to_link(ledger, root, by_name=False)
    if link is not None:
        yield link
    refusal = open_to_git(Path(root), made.settings)
    if refusal is not None:
        yield f"Nothing is written into {root}: {refusal}."


def how_to_link(path: Path, root: str, *, by_name: bool) -> str | None:
    """Returns a sentence that says how to join a project of this repository (or, `by_name`, folder name), if any.

    `path` is that of the ledger, which need not exist.
    """
    if not path.exists() or not is_folder(Path(root)):
        return None
    with reading(path) as db:
        known = whereabouts(db)
    if any(is_foreign(row.root) for row in known):
        from carryover.sync.clones import same_projects

        same = [row.root for row in same_projects(root, known) if not row.not_moved]
        if same:
            where = ", ".join(map(visible, same[:MOST_SUGGESTED]))
            return f"Agents worked on this project in {where} too. `carryover sync allow` takes that into its handoff."
    found = roots_that_may_be_here(known, root, by_name=by_name)[:MOST_SUGGESTED]
    if not found:
        return None
    commands = " or ".join(f"`carryover link {quoted(old)} {quoted(root)}`" for old in found)
    return f"If this project was moved here, {commands} brings along what was recorded."


def printed(made: Refreshed) -> HandedOver:
    """Returns a handoff that `hand_over` made as commands print it."""
    assert made.handoff is not None and made.text is not None, "else it was raised that there is none"
    return as_printed(made.root, made.handoff, made.text)


def as_printed(root: str, handoff: Handoff, text: str) -> HandedOver:
    """Returns the handoff as commands print it: `text`, and the lines that fit into its budget."""
    return HandedOver(
        root=root,
        updated_ms=handoff.updated_ms,
        agent_id=handoff.agent_id,
        agent=handoff.agent,
        resume=handoff.resume,
        session=handoff.session,
        head=handoff.head,
        sections=tuple(_section(title, lines) for title, lines in lay_out(handoff)),
        text=text,
    )


def _section(title: str, lines: list[tuple[str, Entry]]) -> Section:
    return Section(title, tuple(Line(text, entry.kind, _origins(entry)) for text, entry in lines))


def _origins(entry: Entry) -> tuple[Origin, ...]:
    return tuple(Origin(one.kind, one.agent, one.session, one.turn, one.at_ms) for one in entry.sources)
