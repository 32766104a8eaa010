"""Files that were changed, and what that says of edits of them that had failed."""

from __future__ import annotations

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.commands import is_edit_of
from carryover.distill.digest import MOST_EDITED_FILES, Digest, EditedFile
from carryover.distill.events.turns import at_work, with_turn
from carryover.distill.own_text import names_handoff
from carryover.model import Event, FileEdit


def edit(digest: Digest, event: Event, body: FileEdit) -> Digest:
    """The file's newest edit takes the place of the one before; a file that is new stays new."""
    if names_handoff(body.path):
        return digest
    former = next((file for file in digest.touched if file.path == body.path), None)
    file = EditedFile(
        path=body.path,
        change="add" if former is not None and former.change == "add" and body.change == "modify" else body.change,
        at_ms=event.at_ms,
        turn=digest.prompts,
        session=event.session,
        edits=former.edits + 1 if former else 1,
        temporary=body.change == "delete" and former is not None and former.change in ("add", "delete"),
        line=body.line,
        anchor=clip(body.anchor, chars=120) if body.anchor else None,
    )
    gone = {body.path, body.old_path}
    touched = (*(other for other in digest.touched if other.path not in gone), file)[-MOST_EDITED_FILES:]
    failures = tuple(
        replace(failure, solved=True) if is_edit_of(failure.signature, body.path) else failure
        for failure in digest.failures
    )
    digest = replace(at_work(digest, event), touched=touched, failures=failures)
    turn = digest.turns[-1]
    return with_turn(digest, changes=max(1, turn.changes), last_ms=event.at_ms)
