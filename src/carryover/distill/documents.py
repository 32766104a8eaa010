"""Tracks in the digest which documents were read and edited, with their checkboxes: one of them may be the plan."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.digest import Digest, SeenDocument
from carryover.facts import Boxes
from carryover.model import Event, FileEdit, ToolResult
from carryover.records.documents import documents_read
from carryover.records.fields import with_drive
from carryover.text.boxes import boxes_after, is_document

_MOST: Final = 12


def after_result(digest: Digest, event: Event, body: ToolResult) -> Digest:
    """Returns the digest after a call that may have read documents."""
    for named, boxes in documents_read(body, body.folder):
        path = with_drive(named)
        former = _known(digest, path)
        if former is None:
            digest = _seen(digest, event, None, path, None, boxes)
        else:
            digest = _seen(digest, event, former, path, former.edited, boxes or former.boxes)
    return digest


def after_edit(digest: Digest, event: Event, body: FileEdit) -> Digest:
    """Returns the digest after an edit, which may change the boxes of a document."""
    former = _known(digest, body.old_path or body.path)
    if body.change == "delete" or not is_document(body.path):
        return replace(digest, documents=tuple(one for one in digest.documents if one is not former))
    boxes = former.boxes if former is not None else None
    is_same = body.change == "rename" and not body.diff
    return _seen(digest, event, former, body.path, digest.prompts, boxes if is_same else boxes_after(boxes, body.diff))


def _known(digest: Digest, path: str) -> SeenDocument | None:
    return next((one for one in digest.documents if one.path == path), None)


def _seen(
    digest: Digest, event: Event, former: SeenDocument | None, path: str, edited: int | None, boxes: Boxes | None
) -> Digest:
    turn = digest.prompts
    turns = former.turns + (former.turn != turn) if former is not None else 1
    document = SeenDocument(path=path, at_ms=event.at_ms, turn=turn, turns=turns, edited=edited, boxes=boxes)
    others = [one for one in digest.documents if one is not former and one.path != path]
    if len(others) >= _MOST:  # the one that is least likely to hold a plan
        others.remove(min(others, key=lambda one: (one.boxes is not None, one.edited is not None, one.turns)))
    return replace(digest, documents=(*others, document))
