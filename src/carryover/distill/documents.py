"""Folds which documents were read and edited, with their boxes: a plan lies in one of them."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from carryover.distill.digest import Digest, Document
from carryover.facts import Boxes
from carryover.model import Event, FileEdit, ToolResult
from carryover.records.fields import resolved
from carryover.text.boxes import boxes_after, boxes_in, is_document

_MOST: Final = 12
_MOST_NAMED: Final = 3
_PATH_CHARS: Final = 300
_NAMED: Final = re.compile(r"(?<![^\s'\"=])[\w./~-]{1,200}\.[A-Za-z]{2,8}(?![^\s'\";|&)])")
_PRINTS: Final = re.compile(r"(?:cat|nl|bat|type|gc|get-content)\s[^|;&\n]+", re.I)
"""A command that prints a whole file."""


def after_result(digest: Digest, event: Event, body: ToolResult) -> Digest:
    """Returns the digest after a call that may have read documents."""
    if body.status != "ok" or body.op not in ("read", "shell"):
        return digest
    named = [body.subject] if body.op == "read" else _NAMED.findall(body.subject)
    paths = [path for name in named[:_MOST_NAMED] if is_document(name) and (path := resolved(name, event.cwd))]
    whole = not body.dropped and len(named) == 1 and (body.op == "read" or _PRINTS.fullmatch(body.subject.strip()))
    for path in paths:
        digest = _seen(digest, event, path, boxes=boxes_in(body.output.splitlines()) if whole else None)
    return digest


def after_edit(digest: Digest, event: Event, body: FileEdit) -> Digest:
    """Returns the digest after an edit, which may change the boxes of a document."""
    former = _known(digest, body.old_path or body.path)
    if former is not None and body.change in ("delete", "rename"):
        digest = replace(digest, documents=tuple(one for one in digest.documents if one is not former))
    if body.change == "delete" or not is_document(body.path):
        return digest
    boxes = former.boxes if former is not None else None
    if body.diff or body.change != "rename":
        boxes = boxes_after(boxes, body.diff)
    return _seen(digest, event, body.path, boxes=boxes, former=former, edited=True)


def _known(digest: Digest, path: str) -> Document | None:
    return next((one for one in digest.documents if one.path == path), None)


def _seen(
    digest: Digest,
    event: Event,
    path: str,
    *,
    boxes: Boxes | None,
    former: Document | None = None,
    edited: bool = False,
) -> Digest:
    former = former or _known(digest, path)
    turn = digest.prompts
    if former is not None and not edited and boxes is None:
        boxes = former.boxes
    document = Document(
        path=path,
        at_ms=event.at_ms,
        turn=turn,
        turns=former.turns + (former.turn != turn) if former is not None else 1,
        edited=turn if edited else former.edited if former is not None else None,
        boxes=boxes,
    )
    others = [one for one in digest.documents if one.path not in (path, former.path if former is not None else path)]
    if len(others) >= _MOST:  # the one that is least likely to hold a plan
        others.remove(min(others, key=lambda one: (one.boxes is not None, one.edited is not None, one.turns, one.at_ms)))
    return replace(digest, documents=(*others, document))
