"""What an edit changed: from the patch in its result, or from its input where the result has none."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.records import rawjson
from carryover.records.changes import Change, Hunk, Replacement, patched, replaced, written
from carryover.records.fields import MAX_PATH_CHARS, resolved

_OWN_NOTES: Final = re.compile(r"/\.claude/(?:plans|projects)/")
"""Plans and memory that the client keeps for itself (2.0.28, 2.1.328): not work, and outside every project."""


class EditInput(msgspec.Struct, frozen=True):
    """Input of Edit, Write, MultiEdit and NotebookEdit (2.0.65, 2.1.328)."""

    file_path: str | None = None
    notebook_path: str | None = None
    old_string: str | None = None
    new_string: str | None = None
    replace_all: bool | None = None
    content: str | None = None
    edits: list[Replacement] | None = None


class EditResult(msgspec.Struct, frozen=True, rename="camel"):
    """`toolUseResult` of the same tools; absent in sub-agents' files (2.1.328)."""

    file_path: str | None = None
    type: str | None = None
    structured_patch: list[Hunk] | None = None


def planned(raw: msgspec.Raw, cwd: str | None) -> Change | None:
    """The change an edit call asks for, as far as its input says; None when it names no file."""
    given = rawjson.part_of(raw, EditInput)
    if given is None:
        return None
    path = resolved(given.file_path or given.notebook_path or "", cwd)
    if path is None or not (given.file_path or given.notebook_path) or len(path) > MAX_PATH_CHARS:
        return None
    if _OWN_NOTES.search(path):
        return None
    if given.content is not None:
        return written(path, given.content)
    pairs = given.edits or ()
    if given.old_string is not None or given.new_string is not None:
        pairs = [Replacement(old_string=given.old_string or "", new_string=given.new_string or "")]
    return replaced(path, pairs, counted=bool(pairs) and not given.replace_all)


def applied(change: Change, result: EditResult | None, output: str) -> Change:
    """`change` as it was made: distinguishes a created file from an overwritten one; a patch gives the lines."""
    if result is not None and result.type == "create":
        return msgspec.structs.replace(change, change="add")
    if result is not None and result.structured_patch:
        return patched(change, result.structured_patch)
    # In sub-agents' files the text of the result says so (2.0.65, 2.1.328).
    if output.startswith("File created successfully"):
        return msgspec.structs.replace(change, change="add")
    if change.line is None:
        return change
    # The input of Write says how long the file is, which is not what changed in one that existed.
    return msgspec.structs.replace(change, added=None, removed=None, line=None)
