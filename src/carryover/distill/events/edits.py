"""Files that were changed, and what that says of edits of them that had failed."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import MAX_EDITED_FILES, Digest, EditedFile, Failure
from carryover.distill.events.turns import at_work, with_turn
from carryover.distill.own_text import names_handoff
from carryover.distill.sections.files import file_name
from carryover.distill.tool_failures import is_edit_of, is_linting
from carryover.model import Event, FileEdit

_MOST_OF_TURN: Final = 12


def edit(digest: Digest, event: Event, body: FileEdit) -> Digest:
    """The file's newest edit takes the place of the one before; a file that is new stays new."""
    if names_handoff(body.path):
        return digest
    former = next((file for file in digest.touched if file.path == body.path), None)
    file = EditedFile(
        path=body.path,
        change="add" if former is not None and former.change == "add" and body.change == "modify" else body.change,
        at_ms=event.at_ms,
        edits=former.edits + 1 if former else 1,
        temporary=body.change == "delete" and former is not None and _was_temporary(former, digest),
        line=body.line,
        anchor=clip(body.anchor, chars=120) if body.anchor else None,
    )
    gone = {body.path, body.old_path}
    touched = (*(other for other in digest.touched if other.path not in gone), file)[-MAX_EDITED_FILES:]
    digest = at_work(digest, event)
    turn = digest.turn
    if turn is not None:
        paths = (*(path for path in turn.edited if path != body.path), body.path)[-_MOST_OF_TURN:]
        applied = turn.applied or (turn.end == "answered" and bool(turn.text))
        digest = with_turn(digest, edited=paths, applied=applied, last_ms=event.at_ms)
    return replace(digest, touched=touched, failures=_failures_after(digest.failures, body))


def _was_temporary(former: EditedFile, digest: Digest) -> bool:
    """Written for the work itself: new in this session, or first written in the turn that deletes it."""
    began = digest.turn.at_ms if digest.turn is not None else 0
    return former.change in ("add", "delete") or (former.edits == 1 and former.at_ms >= began)


def _failures_after(failures: tuple[Failure, ...], body: FileEdit) -> tuple[Failure, ...]:
    """Edits of this file that failed worked in the end. Where it was deleted, to be rewritten perhaps, they never
    will: that is another way, taken because the first one failed."""
    name = file_name(body.path)
    after = []
    for failure in failures:
        if not failure.mended and name in failure.why and is_linting(failure.tried):
            failure = replace(failure, mended=True)  # what a linter marks in a file is done with when that is edited
        if not failure.mended and is_edit_of(failure.signature, body.path):
            others = (f for f in failures if f.at_ms > failure.at_ms and f is not failure and name in f.tried)
            detours = sum(other.times for other in others)
            given_up = {"signature": f"given up:{failure.at_ms}"} if body.change == "delete" else {"mended": True}
            failure = replace(failure, detours=detours, **given_up)
        after.append(failure)
    return tuple(after)
