"""Reads the one-document form of a session (0.0.340, autumn 2025): its timeline, as records of the later log.

    {"sessionId", "startTime", "chatMessages": [...], "timeline": [...], "selectedModel"?}

`timeline` is what the user saw, with times; `chatMessages` is what the model was sent, with the whole output of each
call. The client rewrites the file with each entry. No field holds the working folder.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.adapter.event_builder import usable_folder
from carryover.agents.copilot.calls import ENDED, editor_command
from carryover.agents.copilot.log_reader import NOTED, Note
from carryover.readers.files import read_document
from carryover.readers.rewritten import OnlyConversation, SnapshotReader
from carryover.readers.stat_cache import utc_now_ms
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, text_of

SETTLED_MS: Final = 5_000
"""A document that can't be read this long after its last write is damaged, not half written."""
_CANCELLED: Final = "Operation cancelled by user"
_FOLDER: Final = re.compile(
    r"(?:Current working directory: |Changed working directory to: |Folder )(.+?)"
    r"(?: has been added to trusted folders\.)?"
)
"""What the client says of the folder it works in."""
_RATE_LIMITED: Final = '"code":"rate_limited"'
_ERRORS: Final = {"rejected": "rejected", "denied": "denied"}


class DocumentReader(SnapshotReader["_Document"]):
    """Reads the document of one session; see `carryover.adapter.contract.Reader`."""

    def __init__(self) -> None:
        super().__init__(_taken)

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Reads what changed, as records numbered by their entries in the timeline."""
        batch = super().read(path, cursor)
        numbered = (_numbered(record) for record in batch.records)
        return msgspec.structs.replace(batch, records=tuple(record for found in numbered for record in found))


def _taken(path: Path, stat: FileStat) -> _Document:
    data = read_document(path).removeprefix(b"\xef\xbb\xbf").strip()
    document = fields_of(data)
    if "sessionId" not in document or "timeline" not in document:
        half_written = utc_now_ms() - stat.mtime_ns // 1_000_000 < SETTLED_MS
        raise OSError(errno.EAGAIN if half_written else errno.EINVAL, "not a session", str(path))
    return _Document(document)


def _numbered(record: Record) -> Iterator[Record]:
    """Yields the records of one piece, each under the number of its entry; the beginning is the reader's own."""
    piece = msgspec.json.decode(record.data, type=_Piece)
    for line in piece.lines:
        yield Record(number=piece.number, data=bytes(line))


class _Piece(msgspec.Struct, frozen=True):
    number: int
    lines: tuple[msgspec.Raw, ...]


class _Document(OnlyConversation):
    """A document. Its pieces are what began the session and the entries of the timeline."""

    ident = "document"

    def __init__(self, document: Fields) -> None:
        self._printed = {
            text_of(message.get("tool_call_id")): text_of(message.get("content"))
            for message in map(fields_of, items_of(document.get("chatMessages")))
            if text_of(message.get("role")) == "tool"
        }
        entries = [fields_of(raw) for raw in items_of(document.get("timeline"))]
        shown = [entry for entry in entries if not is_true(entry.get("isStreaming"))]
        start = {
            "context": {"cwd": _folder_in(shown)},
            "selectedModel": text_of(document.get("selectedModel")),
        }
        first = {"type": "session.start", "timestamp": text_of(document.get("startTime")), "data": start}
        pieces = [[first], *([*self._lines(entry)] for entry in shown)]
        self._pieces = [
            msgspec.json.encode({"number": number, "lines": lines}) for number, lines in enumerate(pieces, 1)
        ]
        self.pieces = [(str(number), digest(data)) for number, data in enumerate(self._pieces)]

    def begin(self, *, on: bool, more: bool) -> bytes | None:  # noqa: ARG002
        return None if on else msgspec.json.encode({"number": NOTED, "lines": [Note()]})

    def piece(self, number: int) -> bytes | None:
        return self._pieces[number]

    def _lines(self, entry: Fields) -> Iterator[dict[str, Any]]:
        """Yields an entry as records of a log."""
        common = {"id": text_of(entry.get("id")), "timestamp": text_of(entry.get("timestamp"))}
        text = text_of(entry.get("text"))
        match text_of(entry.get("type")):
            case "user":
                yield {**common, "type": "user.message", "data": {"content": text}}
            case "copilot":
                yield {**common, "type": "assistant.message", "data": {"content": text}}
            case "error":
                limit = {"errorType": "rate_limit"} if _RATE_LIMITED in text else {}
                yield {**common, "type": "session.error", "data": {"message": text, **limit}}
            case "info" if text == _CANCELLED:
                yield {**common, "type": "abort", "data": {}}
            case "tool_call_requested" | "tool_call_completed" as kind:
                call = text_of(entry.get("callId"))
                about = {"toolCallId": call, "toolName": text_of(entry.get("name"))}
                given = {**about, "arguments": entry.get("arguments")}
                yield {**common, "type": "tool.execution_start", "data": given}
                if kind == "tool_call_completed":
                    yield {**common, "type": "tool.execution_complete", "data": {**about, **self._ended(entry, call)}}

    def _ended(self, entry: Fields, call: str) -> dict[str, Any]:
        result = fields_of(entry.get("result"))
        kind = text_of(result.get("type"))
        text = self._printed.get(call) or text_of(result.get("log"))
        # A command that failed with an exit code has run.
        if kind == "success" or (kind == "failure" and ENDED.search(text)):
            return {"success": True, "result": {"content": text}}
        return {"success": False, "error": {"code": _ERRORS.get(kind, "failure"), "message": text}}


def _folder_in(entries: list[Fields]) -> str | None:
    """Returns the folder that the client names or else that of the first file which a call changes."""
    for entry in entries:
        said = _FOLDER.fullmatch(text_of(entry.get("text"))) if text_of(entry.get("type")) == "info" else None
        if said is not None and (folder := usable_folder(said[1])):
            return folder
    for entry in entries:
        given = fields_of(entry.get("arguments"))
        changes = editor_command(text_of(entry.get("name")), given) in ("create", "edit")
        if changes and (path := usable_folder(first_text(given, "path"))):
            return str(Path(path).parent)
    return None
