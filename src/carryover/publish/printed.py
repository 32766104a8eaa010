"""Makes the handoff that a command prints, in the daemon as in the command itself: of an open ledger in which what is
new has been read. Blocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from os.path import lexists
from pathlib import Path

from msgspec.structs import replace

from carryover.config import Config, refuse_excluded
from carryover.distill.entry import Entry
from carryover.distill.handoff import MAX_TOKENS, Handoff
from carryover.distill.render import Printed, names_page, rendered
from carryover.errors import ExitCode, UserError
from carryover.facts import ProjectRoot, is_foreign
from carryover.ledger.queries import newest_session, project_by_root, session_by_prefix
from carryover.ledger.rows import ProjectRow, Whereabouts
from carryover.model import LAST, id_in_command
from carryover.projects.handoff_file import IN_PROJECT
from carryover.projects.moved_folders import how_to_link
from carryover.publish.handoff_json import LineRecord, PrintedHandoff, PrintedSection, WantedHandoff
from carryover.publish.make import MadeHandoff, made_handoff
from carryover.records.fields import iso_utc
from carryover.terminal.paths import shell_word


def hand_over(
    wanted: WantedHandoff, ledger: sqlite3.Connection, root: str, config: Config, *, now_ms: int, to_put: bool = False
) -> MadeHandoff | None:
    """Returns the handoff of what is recorded at `root`, with its text. For a worktree without work, `root` is that of
    its main checkout, whose work is handed over to it. None if nothing is. Nothing is written into the project.

    `to_put`: it is put into the project next, so it does not count why none was written last.

    Raises UserError (NOTHING_FOUND, REFUSED) if there is nothing to hand over, or if that checkout is excluded.
    """
    project = project_by_root(ledger, root)
    if project is None:
        return None
    session = _session_of(ledger, project, wanted.session) if wanted.session is not None else None
    tokens = MAX_TOKENS if wanted.tokens is None else wanted.tokens
    to = project.id if project.root == wanted.root else ProjectRoot(wanted.root, project.root)
    recorded = project.refusal if project.root == wanted.root and not to_put else None
    made = made_handoff(ledger, to, config, now_ms=now_ms, tokens=tokens, led_by=session, recorded=recorded)
    if made.settings.excluded is not None:
        refuse_excluded(project.main_root or project.root, config)
    if made.handoff is None or made.text is None:
        if newest_session(ledger, project.id) is None:  # all were forgotten, or belong to where the folder was moved
            return None
        raise _nothing_in(wanted.root, session)
    return made


def _session_of(ledger: sqlite3.Connection, project: ProjectRow, name: str) -> str | None:
    """Returns the id of the session that is meant; None for the last one of a project in which none is recorded yet."""
    if name == LAST:
        newest = newest_session(ledger, project.id)
        return newest.native_id if newest is not None else None
    session = session_by_prefix(ledger, name)
    if session.project_id == project.id:
        return session.native_id
    if session.machine and session.root and is_foreign(session.root):
        raise UserError(
            f"Session {session.native_id} is on {session.machine}, in {session.root}, which is not part of a project "
            f"here. In a clone of its project, `carryover link {shell_word(session.root)} .` joins the two.",
            ExitCode.REFUSED,
        )
    where = f"{session.root}; name that project" if session.root else "no project"
    raise UserError(f"Session {session.native_id} belongs to {where}.", ExitCode.NOTHING_FOUND)


def _nothing_in(root: str, session: str | None) -> UserError:
    if session is not None:
        why = f"Session {session} has nothing to hand over, or is too old for it. "
        return UserError(f"{why}`carryover show {id_in_command(session)}` prints it.", ExitCode.NOTHING_FOUND)
    return UserError(
        f"Agents have worked in {root}, but no session there has anything to hand over yet. "
        f"`carryover sessions {shell_word(root)}` lists them.",
        ExitCode.NOTHING_FOUND,
    )


def notes_on(made: MadeHandoff, known: Sequence[Whereabouts]) -> Iterator[str]:
    """Yields what a person should know about a handoff, in sentences: what may be missing, and if it is kept out of
    the project. `known`: all projects in the ledger."""
    link = how_to_link(known, made.root, has_work=True)
    if link is not None:
        yield link
    if made.why_open is not None:
        yield f"Nothing is written into {made.root}: {made.why_open}."


def printed(made: MadeHandoff) -> PrintedHandoff:
    """Returns a handoff that `hand_over` made as commands print it: as in its file, or, if nothing is written there,
    with a command in place of the second page."""
    assert made.handoff is not None and made.text is not None, "else it was raised that there is none"
    handoff, text, sections = made.handoff, made.text, made.sections
    if names_page(handoff, text) and not lexists(Path(made.root, IN_PROJECT)):
        handoff = replace(handoff, page=None)
        text, sections = rendered(handoff)
    return as_printed(made.root, handoff, text, sections)


def as_printed(root: str, handoff: Handoff, text: str, sections: Iterable[Printed]) -> PrintedHandoff:
    """Returns a handoff as commands print it: its text, and the sections in that."""
    return PrintedHandoff(
        project=root,
        updated=iso_utc(handoff.updated_ms),
        updated_ms=handoff.updated_ms,
        agent=handoff.agent_id,
        agent_name=handoff.agent,
        resume_protocol=handoff.resume,
        session=handoff.session,
        head=handoff.head,
        sections=tuple(_section(title, lines) for title, lines in sections),
        text=text,
    )


def _section(title: str, lines: list[tuple[str, Entry]]) -> PrintedSection:
    return PrintedSection(
        title=title,
        lines=tuple(text.removeprefix("- ") for text, _ in lines),
        sources=tuple(tuple(map(_origin, entry.sources)) for _, entry in lines),
    )


def _origin(source: Entry) -> LineRecord:
    return LineRecord(
        kind=source.kind,
        agent=source.agent or None,
        session=source.session or None,
        turn=source.turn,
        at=iso_utc(source.at_ms) if source.at_ms else None,
        at_ms=source.at_ms or None,
    )
