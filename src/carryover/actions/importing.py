"""Imports a file that the user names, or a text from outside as a note: through the daemon or in this process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec

from carryover.actions.context import now_ms, root_of
from carryover.actions.opened import written
from carryover.config import load_config
from carryover.errors import ExitCode, UserError
from carryover.fsio import private_dir, scratch_folder
from carryover.ledger.queries import connect_read_only, project_by_id, project_of_session, projects, reading
from carryover.ledger.tombstones import forgotten_ms
from carryover.model import NOTE
from carryover.paths import StateDir, is_utf8

if TYPE_CHECKING:
    from carryover.importing.document import Imported
    from carryover.importing.turns import Document
    from carryover.ledger.store import Ledger
    from carryover.projects.root import StatePaths

ANSWER_S: Final = 3600.0
"""Time limit for the daemon's answer; it reads the whole document first."""


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a file and the result of importing it. Times are UTC ms."""

    file: str
    agent: str | None = None
    form: str | None = None
    sessions: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    prompts: int = 0
    events: int = 0
    new_events: int | None = None
    """Number of events added to the ledger; None if nothing was stored."""
    forgotten: int = 0
    forgotten_ms: int | None = None
    first_ms: int | None = None
    last_ms: int | None = None
    skipped: int = 0
    oversized: int = 0
    torn: bool = False
    problem: str | None = None


class Asked(msgspec.Struct, frozen=True):
    """An import request. `agent`: the id, for a file that names none. `again`: import forgotten events too."""

    path: Path
    project: str | None = None
    agent: str | None = None
    again: bool = False
    in_folder: bool = False
    """Whether only its folder was named, which may hold anything: a chat that only its roles show is left alone."""


def import_file(state: StateDir, asked: Asked, *, store: bool) -> FileReport:
    """Reads a file and, with `store`, imports its sessions. Raises UserError if it can't; nothing is then imported."""
    from carryover.importing.document import open_document, survey
    from carryover.importing.recognition import counts, look

    path = asked.path
    document = open_document(path, project=asked.project, agent_id=asked.agent, any_chat=not asked.in_folder)
    try:
        found = survey(document)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged"
        raise UserError(f"{path} can't be read: {why}. Nothing was imported from it.") from error
    folders = dict.fromkeys(folder for folder in found.folders.values() if folder is not None)
    facts = {name: value for name, value in msgspec.structs.asdict(found).items() if value and name != "folders"}
    report = FileReport(
        file=str(path),
        agent=document.agent.id,
        form=document.form,
        sessions=tuple(found.folders),
        projects=tuple(dict.fromkeys(root_of(folder).root for folder in folders)),
        **facts,
    )
    if not found.events:
        raise UserError(
            f"{path} holds no conversation that can be read as one of {report.form}: "
            f"{counts(look(document.agent, path))}. It may be cut off. Nothing was imported from it.",
            ExitCode.NOTHING_FOUND,
        )
    if not report.projects:
        raise UserError(
            f"{path} does not say in which project its sessions were. Nothing was imported from it. "
            "Name the project with --project DIR.",
            ExitCode.REFUSED,
        )
    if not is_utf8(path):
        raise UserError(f"The name of {path} is not UTF-8. Rename the file or copy it, then import that.")
    if not store:
        return report
    return _stored(state, document, asked, report)


def _stored(state: StateDir, document: Document, asked: Asked, report: FileReport) -> FileReport:
    done = _store(state, document, asked)
    with reading(state.ledger) as db:
        ids = (project_of_session(db, report.agent or "", session) for session in report.sessions)
        rows = [project_by_id(db, project) for project in dict.fromkeys(ids) if project is not None]
        until_ms = forgotten_ms(db, report.agent or "", report.sessions, report.projects) if done.forgotten else None
    # A session that is already in the ledger stays in its project.
    roots = tuple(row.root for row in rows if row is not None) or report.projects
    return msgspec.structs.replace(report, projects=roots, **msgspec.structs.asdict(done), forgotten_ms=until_ms)


def _store(state: StateDir, document: Document, asked: Asked) -> Imported:
    """Imports the document into the ledger. Raises UserError if another process holds the ledger."""
    from carryover.importing.document import Imported

    which = {"path": str(asked.path), "project": asked.project or "", "agent": asked.agent or ""}
    query = urlencode({**which, **({"again": 1} if asked.again else {})}, errors="strict")
    private_dir(state.root)
    here, unchanged = partial(_store_here, document, asked.again), "Nothing was imported."
    return written(f"/import?{query}", Imported, here, timeout_s=ANSWER_S, otherwise=unchanged)


async def _store_here(document: Document, again: bool, ledger: Ledger, paths: StatePaths) -> Imported:
    """Imports the document in this process, and publishes the handoffs of projects with recent activity."""
    from carryover.importing.document import Imported, take_in
    from carryover.ingest.scan import MS_PER_DAY
    from carryover.publish.forgetting import publish_here

    config = load_config(StateDir(paths.state).config)
    done = await take_in(ledger, document, again=again, root_of=paths.root_of, now_ms=now_ms)
    since_ms = now_ms() - config.publish.active_days * MS_PER_DAY
    with closing(connect_read_only(paths.ledger)) as db:
        recent = [row.id for row in projects(db) if row.id in done.projects and row.last_event_ms >= since_ms]
    problems = await publish_here(ledger, paths, config, recent, ())
    problem = done.error or next(iter(problems), None)
    return Imported(new_events=done.new_events, forgotten=done.forgotten, problem=problem)


def record_note(state: StateDir, root: str, source: str, title: str, texts: Sequence[str]) -> tuple[str, bool]:
    """Records a text from outside in its parts, such as a web chat's answer; returns its id and whether it is new."""
    from carryover.importing.document import Note, encoded, note_id, open_document

    session = note_id(root, source, "".join(texts))
    if is_recorded(state, session):
        return session, False
    private_dir(state.root)
    at_ms = now_ms()
    parts = (
        Note(session=session, at_ms=at_ms, root=root, title=title, text=text, part=part)
        for part, text in enumerate(texts)
    )
    # Goes through a file, since only a running daemon may write the ledger.
    with scratch_folder(state.root) as folder:
        path = folder / "note.json"
        path.write_bytes(b"".join(map(encoded, parts)))
        done = _store(state, open_document(path, own_folder=state.root), Asked(path))
    if done.problem is not None or not done.new_events:
        raise UserError(f"The note was not recorded: {done.problem or 'the ledger did not take it'}.")
    return session, True


def is_recorded(state: StateDir, session: str) -> bool:
    """Whether the ledger has the note with this id."""
    if not state.ledger.exists():
        return False
    with reading(state.ledger) as db:
        return project_of_session(db, NOTE, session) is not None
