"""Tool calls and edits in VS Code chats: what a call is about, how it ended, and which files changed."""

from __future__ import annotations

import posixpath
import re
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.agents.copilot.tools import subject_in
from carryover.agents.copilot.vscode_wire import CANCELLED, COMPLETE, is_given
from carryover.model import Op
from carryover.records import rawjson
from carryover.records.changes import Change
from carryover.records.fields import MAX_PATH_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded
from carryover.records.lenient import Fields, fields_of, first_text, items_of, number_of, text_of
from carryover.records.text import HANDOFF_FILE, names_own_folder, without_ansi
from carryover.records.uris import path_of

_MAX_EDITS: Final = 5_000
"""Most edits kept of one file in one answer."""
_DENIED, _SKIPPED = 0, 5
"""Types of `isConfirmed`."""
_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)\s]*)\)")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*")
_HERE: Final = ("file", "vscode-remote", "vscode-notebook-cell")
"""URI schemes for paths on this machine; chats about folders on another machine are not read."""


def local_path(uri: msgspec.Raw | None) -> str | None:
    """Returns the absolute path in a URI, given as an object or as text; None for any scheme but `file`."""
    given = fields_of(uri)
    if given:
        path, scheme = text_of(given.get("path")), text_of(given.get("scheme")) or "file"
        if scheme not in _HERE or (text_of(given.get("authority")) and scheme == "file"):
            return None
        found = (text_of(given.get("fsPath")) or path) if scheme == "file" else path
    else:
        found = path_of(text_of(uri)) or ""
    if not found.startswith("/") or "\0" in found or len(found) > MAX_PATH_CHARS:
        return None
    return posixpath.normpath(found)


def subject_of(op: Op, tool: Fields) -> str:
    """Returns the subject of a call, bounded: the command, the file, the query, or the text that the chat shows."""
    data, message = fields_of(tool.get("toolSpecificData")), tool.get("invocationMessage")
    found = (
        _command_in(data),
        text_of(data.get("description")),
        next(filter(None, map(local_path, _uris_in(message))), ""),
        subject_in(op, fields_of(data.get("rawInput"))),
        text_of(data.get("input")),
        _shown(message),
    )
    return bounded(next(filter(None, found), ""), SUBJECT_CHARS)


def is_about_handoff(op: Op, tool: Fields) -> bool:
    """Whether a call reads or writes Carryover's own files, whose text must not be read as news."""
    return names_own_folder(f"{subject_of(op, tool)} {_markdown(tool.get('invocationMessage'))}")


def has_result(tool: Fields) -> bool:
    """Whether a call has ended, by its own record."""
    state = fields_of(tool.get("toolSpecificData")).get("terminalCommandState")
    return _is_denied(tool) or any(map(is_given, (tool.get("resultDetails"), tool.get("resultError"), state)))


def outcome_of(op: Op, tool: Fields, state: int) -> ToolOutcome | None:
    """Determines how a call ended; None if nothing shows that it did. `state`: the state of its turn."""
    data, details = fields_of(tool.get("toolSpecificData")), fields_of(tool.get("resultDetails"))
    if _is_denied(tool):
        return ToolOutcome("denied", never_ran=True)
    if text_of(data.get("kind")) == "terminal":
        return _terminal_outcome(data, state)
    output = without_ansi(_output(data, details) or text_of(tool.get("resultError")))
    if is_given(tool.get("resultError")) or is_given(details.get("isError")):
        return ToolOutcome("error", output)
    if state == CANCELLED:
        return ToolOutcome("interrupted", output)
    if state != COMPLETE:
        return None
    if op == "shell":
        # A test run has no exit code, but the chat shows how many tests passed.
        return ToolOutcome("unknown", output or _shown(tool.get("pastTenseMessage")))
    return ToolOutcome("ok", output)


def paths_in(tool: Fields) -> list[str]:
    """Returns a command's folder and the files that the chat shows with a call."""
    cwd = fields_of(tool.get("toolSpecificData")).get("cwd")
    return list(filter(None, map(local_path, (cwd, *_uris_in(tool.get("invocationMessage"))))))


def change_in(part: Fields) -> Change | None:
    """Returns the change of a file that batches of edits made, each a range and its new text; None without edits."""
    path = local_path(part.get("uri"))
    if path is None or path.endswith(HANDOFF_FILE):
        return None
    batches = items_of(part.get("edits"))[:_MAX_EDITS]
    edits = [fields_of(raw) for batch in batches for raw in items_of(batch)][:_MAX_EDITS]
    if not edits:
        return None
    texts = [text_of(edit.get("text")).splitlines() for edit in edits]
    ranges = [rawjson.part_of(edit.get("range", rawjson.ABSENT), _Range) or _Range() for edit in edits]
    places = ((place, n, line) for place, text in zip(ranges, texts, strict=True) for n, line in enumerate(text))
    place, below, anchor = next(((at, n, line) for at, n, line in places if line.strip()), (ranges[0], 0, ""))
    return Change(
        path=path,
        change="modify",
        added=sum(map(len, texts)),
        removed=sum(place.lines for place in ranges),
        line=place.start_line_number + below if place.start_line_number > 0 else None,
        anchor=bounded(anchor, SHORT_CHARS) or None,
    )


def _is_denied(tool: Fields) -> bool:
    """Whether the user rejected or skipped a call."""
    return number_of(fields_of(tool.get("isConfirmed")).get("type")) in (_DENIED, _SKIPPED)


def _command_in(data: Fields) -> str:
    """Returns the command line that ran, as changed by the user or the tool, without what only a sandbox needs."""
    line = fields_of(data.get("commandLine"))
    changed = ("original", "toolEdited") if is_given(line.get("isSandboxWrapped")) else ("toolEdited", "original")
    return first_text(line, "userEdited", *changed) or first_text(data, "command", "commandLine")


def _terminal_outcome(data: Fields, state: int) -> ToolOutcome | None:
    output = without_ansi(text_of(fields_of(data.get("terminalCommandOutput")).get("text")))
    ended = fields_of(data.get("terminalCommandState"))
    code = number_of(ended.get("exitCode"))
    if code is not None:
        return ToolOutcome("error" if code else "ok", output, exit_code=code)
    if state == CANCELLED and not ended:
        return ToolOutcome("interrupted", output)
    return ToolOutcome("unknown", output) if ended or state == COMPLETE else None


def _output(data: Fields, details: Fields) -> str:
    """Returns a call's output: a text, or the texts among its parts."""
    listed = map(fields_of, items_of(details.get("output")))
    parts = [text_of(part.get("value")) for part in listed if is_given(part.get("isText", msgspec.Raw(b"true")))]
    return first_text(data, "output", "result") or "\n".join(filter(None, parts)) or text_of(details.get("output"))


def _uris_in(message: msgspec.Raw | None) -> list[msgspec.Raw]:
    """Returns the URIs that a message in the chat links to, in order."""
    listed = list(fields_of(fields_of(message).get("uris")).values())
    linked = [found[2] for found in _LINK.finditer(_markdown(message)) if "://" in found[2]]
    return listed or [msgspec.Raw(msgspec.json.encode(uri.partition("#")[0])) for uri in linked]


def _markdown(message: msgspec.Raw | None) -> str:
    return text_of(message) or text_of(fields_of(message).get("value"))


def _shown(message: msgspec.Raw | None) -> str:
    """Returns a message in the chat as text, with links replaced by their names."""
    plain = _LINK.sub(lambda found: found[1] or posixpath.basename(found[2]), _markdown(message))
    return _URI.sub("", plain).strip()


class _Range(msgspec.Struct, frozen=True, rename="camel"):
    """A range of a text; lines and columns are counted from 1."""

    start_line_number: int = 0
    start_column: int = 0
    end_line_number: int = 0
    end_column: int = 0

    @property
    def lines(self) -> int:
        """The number of lines in it; 0 for a position between two characters."""
        start, end = (self.start_line_number, self.start_column), (self.end_line_number, self.end_column)
        return end[0] - start[0] + (end[1] > 1) if start != end and 0 < start[0] <= end[0] else 0
