"""Changes of files in chats of VS Code: what an edit group, a file operation or an edit by another program says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from carryover.agents.copilot.vscode_tools import local_path
from carryover.records.changes import Change
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, items_of, number_of, text_of
from carryover.records.text import HANDOFF_FILE

MAX_EDITS: Final = 5_000
"""Of one file in one answer."""
MAX_FILES: Final = 100

_EXTERNAL: Final[dict[str, Literal["add", "modify", "delete", "rename"]]] = {
    "create": "add",
    "edit": "modify",
    "delete": "delete",
    "rename": "rename",
}


def changes_in(kind: str, part: Fields) -> list[Change]:
    """The changes that a part of an answer reports; none where it names no file of this machine."""
    match kind:
        case "textEditGroup":
            found = _grouped(part)
        case "notebookEditGroup":
            path = local_path(part.get("uri"))
            found = iter([Change(path=path, change="modify")] if path and items_of(part.get("edits")) else [])
        case "externalEdit":
            found = _external(part)
        case "workspaceEdit":
            found = (change for raw in items_of(part.get("edits"))[:MAX_FILES] for change in _moved(fields_of(raw)))
        case _:
            found = iter(())
    return [change for change in found if not change.path.endswith(HANDOFF_FILE)]


def _grouped(part: Fields) -> Iterator[Change]:
    """An edit group holds batches of edits: a range that is replaced, in lines and columns from 1, and its text."""
    path = local_path(part.get("uri"))
    edits = [fields_of(raw) for batch in items_of(part.get("edits"))[:MAX_EDITS] for raw in items_of(batch)]
    if path is None or not edits:
        return
    added = sum(len(text_of(edit.get("text")).splitlines()) for edit in edits[:MAX_EDITS])
    removed = sum(_lines_in(fields_of(edit.get("range"))) for edit in edits[:MAX_EDITS])
    line, anchor = _first(edits)
    yield Change(path=path, change="modify", added=added, removed=removed, line=line, anchor=anchor)


def _first(edits: list[Fields]) -> tuple[int | None, str | None]:
    """Number and text of the first line with text that an edit puts in, or else the first line that changed."""
    for edit in edits[:MAX_EDITS]:
        start = number_of(fields_of(edit.get("range")).get("startLineNumber"))
        for number, text in enumerate(text_of(edit.get("text")).splitlines()):
            if text.strip():
                line = start + number if start is not None and start > 0 else None
                return line, bounded(text, SHORT_CHARS)
    start = number_of(fields_of(edits[0].get("range")).get("startLineNumber"))
    return (start if start is not None and start > 0 else None), None


def _lines_in(place: Fields) -> int:
    """How many lines a range takes; none where it is a place between two characters."""
    names = ("startLineNumber", "startColumn", "endLineNumber", "endColumn")
    start, start_column, end, end_column = (number_of(place.get(name)) or 0 for name in names)
    if (start, start_column) == (end, end_column) or not 0 < start <= end:
        return 0
    return end - start + (end_column > 1)


def _external(part: Fields) -> Iterator[Change]:
    path, old_path = local_path(part.get("uri")), local_path(part.get("originalUri"))
    change = _EXTERNAL.get(text_of(part.get("editKind")))
    if path is None or change is None:
        return
    counts = fields_of(part.get("diff"))
    added, removed = (number_of(counts.get(name)) for name in ("added", "removed"))
    if change != "rename" or old_path is None:
        change, old_path = "modify" if change == "rename" else change, None
    yield Change(path=path, change=change, old_path=old_path, added=added, removed=removed)


def _moved(edit: Fields) -> Iterator[Change]:
    old_path, path = local_path(edit.get("oldResource")), local_path(edit.get("newResource"))
    if old_path and path:
        yield Change(path=path, change="rename", old_path=old_path)
    elif path:
        yield Change(path=path, change="add")
    elif old_path:
        yield Change(path=old_path, change="delete")
