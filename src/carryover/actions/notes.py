"""Records texts from outside in a project: what a web chat answered, what another person shared."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from carryover.actions.context import now_ms
from carryover.errors import UserError
from carryover.fsio import private_dir, scratch_folder
from carryover.importing.note import Note, encoded, note_id
from carryover.ledger.queries import connect_read_only, project_of_session
from carryover.model import NOTE
from carryover.paths import StateDir


def record_note(state: StateDir, root: str, source: str, title: str, texts: Sequence[str]) -> tuple[str, bool]:
    """Records a note of one or several texts; returns its id and whether it is new to the ledger."""
    from carryover.actions.importing import Asked, store_document
    from carryover.importing.document import open_document

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
        done = store_document(state, open_document(path), Asked(path))
    if done.problem is not None or not done.new_events:
        raise UserError(f"The note was not recorded: {done.problem or 'the ledger did not take it'}.")
    return session, True


def is_recorded(state: StateDir, session: str) -> bool:
    """Whether the ledger has the note with this id."""
    if not state.ledger.exists():
        return False
    with closing(connect_read_only(state.ledger)) as db:
        return project_of_session(db, NOTE, session) is not None
