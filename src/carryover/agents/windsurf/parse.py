"""Turns the records of a conversation into events. Format facts: FACTS.md."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source, ToolOutcome
from carryover.adapter.event_builder import EventBuilder, OpenCall, reemitted_after, usable_folder
from carryover.agents.windsurf import wire
from carryover.agents.windsurf.wire import Context
from carryover.model import AnyBody, AssistantMessage, Op, ResultStatus, SessionInfo, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import Change, Replacement, as_edit, replaced, written
from carryover.records.fields import LATEST_MS, MAX_PATH_CHARS, SUBJECT_CHARS, bounded, resolved
from carryover.records.lenient import Fields, number_of, text_of
from carryover.records.text import names_own_folder


@dataclass(slots=True, kw_only=True)
class _Builder(EventBuilder[Context]):
    """Builds the events of one record. `ident` is the prefix of their keys; `cwd` is the folder in the record."""

    session: str
    ident: str
    cwd: str | None = None

    def place(self, own_ms: int, noted_ms: int = 0) -> None:
        """Dates the record: its own time, or else just after the record before, or when the file was written."""
        after = self.context.last_ms + 1 if self.context.last_ms else 0
        self.at_ms = min(own_ms if own_ms > 0 else max(after, noted_ms), LATEST_MS)
        self.change(last_ms=max(self.at_ms, self.context.last_ms))

    def learn_folder(self, cwd: str | None) -> None:
        """Remembers the conversation's folder, unless one is known."""
        if self.context.cwd is None and (folder := usable_folder(cwd)) is not None:
            self.change(cwd=folder)

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event for a part of the record, unless no time is known."""
        if self.at_ms:
            cwd = self.cwd or self.context.cwd
            self.append(f"{self.session}/{self.ident}:{part}", body, session=self.session, cwd=cwd)
        elif not self.skipped:
            self.count_skipped("record", "no time")

    def ran(self, name: str, op: Op, subject: str, outcome: ToolOutcome | None, *changes: Change) -> None:
        """Adds a tool call, how it ended if it has, and its changes if it succeeded."""
        ident = f"{self.session}/{self.ident}"
        subject = bounded(subject, SUBJECT_CHARS)
        call = OpenCall(ident, name, op, subject, handoff=names_own_folder(subject))
        self.add(call.as_event(), "call")
        if outcome is not None:
            self.add(call.ended(outcome), "result")
        if outcome is not None and outcome.status == "ok":
            for number, change in enumerate(changes):
                self.add(as_edit(change, call.id), f"edit{number}")

    def ran_command(self, data: Fields, outcome: ToolOutcome | None, kind: str) -> None:
        """Adds a command, in the folder that the record gives."""
        command = text_of(data.get("command_line")).strip()
        folder = usable_folder(wire.path_of(data.get("cwd")))
        if not command:
            self.count_skipped(kind, "no command")
            return
        self.learn_folder(folder)
        self.cwd = folder or self.cwd
        self.ran("run_command", "shell", command, outcome)

    def path_in(self, data: Fields) -> str | None:
        """Returns the file in the record as an absolute path without `..`; None if it can't be determined.

        Its folder becomes the conversation's if no better one is known.
        """
        path = wire.path_of(data.get("path")) or wire.path_of(data.get("file_path"))
        found = resolved(path, self.context.cwd) if 0 < len(path) <= MAX_PATH_CHARS else None
        if found is not None and found.startswith("/"):
            self.learn_folder(posixpath.dirname(found))
        return found


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    read = rawjson.read(wire.RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    if isinstance(read, wire.PassedByRecord):
        return context, Parsed(skipped=(rawjson.skipped(read.what, "could not be read", None),))
    session = source.session or PurePath(source.path).stem
    if isinstance(read, wire.BeginRecord):
        # Emitted again: the events after the last one, or all of them if anything before it changed.
        after = context.last if read.on else None
        if not read.on:
            context = Context(cwd=usable_folder(read.cwd), last_ms=min(max(read.at_ms - 1, 0), LATEST_MS))
        return context, Parsed(reemitted=reemitted_after(after, session=session, more=read.more))
    if isinstance(read, wire.RowRecord):
        builder = _Builder(context=context, session=session, ident=f"row{read.number}")
        _parse_row(builder, read)
    else:
        builder = _Builder(context=context, session=session, ident=read.id, cwd=usable_folder(read.cwd))
        _parse_call(builder, read)
    if builder.events:
        builder.change(last=builder.last_key)
    return builder.context, builder.built()


_SAID: Final = ("", "done", "error")
"""States of a text that was shown. A cancelled or pending one does not count."""
_STATES: Final[dict[str, ResultStatus | None]] = {
    "": "unknown",
    "done": "ok",
    "error": "error",
    "canceled": "interrupted",
    wire.PENDING: None,
}


def _parse_row(builder: _Builder, record: wire.RowRecord) -> None:
    fields = rawjson.part_of(record.row, dict[str, msgspec.Raw]) or {}
    kind = text_of(fields.get("type", rawjson.ABSENT))
    status = text_of(fields.get("status", rawjson.ABSENT))
    builder.place(wire.time_of(fields.get("timestamp", rawjson.ABSENT)) or record.at_ms, record.noted_ms)
    parse = _ROWS.get(kind)
    if parse is None:
        builder.count_skipped(f"row/{kind}", "unknown type")
    elif status not in _STATES:
        builder.count_skipped(f"row/{kind}", "unknown status")
    elif (data := rawjson.part_of(fields.get(kind, rawjson.ABSENT), Fields)) is None:
        builder.count_skipped(f"row/{kind}", "unexpected shape")
    else:
        parse(builder, data, status)


def _row_prompt(builder: _Builder, data: Fields, status: str) -> None:
    text = text_of(data.get("user_response"))
    if text.strip() and status in _SAID:
        builder.add(UserPrompt(text=text), "prompt")


def _row_said(builder: _Builder, data: Fields, status: str) -> None:
    text = text_of(data.get("response"))
    if text.strip() and status in _SAID:
        builder.add(AssistantMessage(text=text), "said")


def _ended(status: str) -> ToolOutcome | None:
    state = _STATES[status]
    return None if state is None else ToolOutcome(state)


def _row_write(builder: _Builder, data: Fields, status: str) -> None:
    path = builder.path_in(data)
    if path is None:
        builder.count_skipped(f"row/{wire.WRITE_ROW}", "no usable path")
        return
    # Whether the new content is the whole file or a part of it is not known, so nothing is counted.
    anchor = written(path, text_of(data.get("new_content"))).anchor
    builder.ran("code_action", "edit", path, _ended(status), Change(path, "modify", anchor=anchor))


def _row_command(builder: _Builder, data: Fields, status: str) -> None:
    exit_code = number_of(data.get("exit_code"))
    ended = _STATES[status]
    if ended == "ok" and exit_code is None:
        ended = "unknown"
    elif ended == "ok" and exit_code != 0:
        ended = "error"
    outcome = None if ended is None else ToolOutcome(ended, text_of(data.get("output")), exit_code)
    builder.ran_command(data, outcome, f"row/{wire.COMMAND_ROW}")


def _row_view(builder: _Builder, data: Fields, status: str) -> None:
    if (path := builder.path_in(data)) is not None:
        builder.ran("view_file", "read", path, _ended(status))


_ROWS: Final[dict[str, Callable[[_Builder, Fields, str], None]]] = {
    wire.USER_ROW: _row_prompt,
    wire.PLANNER_ROW: _row_said,
    wire.WRITE_ROW: _row_write,
    wire.COMMAND_ROW: _row_command,
    wire.VIEW_ROW: _row_view,
}


def _parse_call(builder: _Builder, record: wire.CallRecord) -> None:
    given = rawjson.part_of(record.payload, wire.Payload)
    info = rawjson.part_of(given.tool_info, Fields) if given is not None else None
    builder.learn_folder(builder.cwd)
    builder.place(record.at_ms)
    if record.event in wire.QUIET or record.event == wire.TRANSCRIPT:
        return
    if record.event not in _EVENTS:
        builder.count_skipped(record.event, "unknown event")
    elif given is None or info is None:
        builder.count_skipped(record.event, "unexpected shape")
    else:
        _EVENTS[record.event](builder, info)
        model = bounded(text_of(given.model_name), 200)
        if model and builder.events and model != builder.context.model:
            builder.change(model=model)
            builder.add(SessionInfo(model=model), "model")


def _prompt(builder: _Builder, info: Fields) -> None:
    text = text_of(info.get("user_prompt"))
    if text.strip():
        builder.add(UserPrompt(text=text), "prompt")


def _write(builder: _Builder, info: Fields) -> None:
    path = builder.path_in(info)
    if path is None:
        builder.count_skipped(wire.WRITE, "no usable path")
        return
    edits = rawjson.part_of(info.get("edits", rawjson.ABSENT), list[Replacement]) or []
    change = replaced(path, edits, counted=True)
    if len(edits) == 1 and not edits[0].old_string:  # it replaces no text, so it made the file
        change = msgspec.structs.replace(written(path, edits[0].new_string), change="add")
    builder.ran("write_code", "edit", path, ToolOutcome("ok"), change)


def _command(builder: _Builder, info: Fields) -> None:
    # The payload has neither the output nor the exit code.
    builder.ran_command(info, ToolOutcome("unknown"), wire.COMMAND)


_HEADING: Final = re.compile(r"^### (Planner Response|User Input)[ \t]*$", re.MULTILINE)
_ACTION: Final = re.compile(
    r"^\*(?:Viewed|Edited|Listed|Created|Deleted|Grep searched|Searched|Read|Ran|Checked|User (?:accepted|rejected))\b"
    r"[^\n]*\*[ \t]*$\n?",
    re.MULTILINE,
)
_CODE_LINK: Final = re.compile(r"\[([^\]\n]+)\]\(cci:\d+://[^)\n]*\)")
"""A link to a place in the code, which only this editor can follow."""


def _response(builder: _Builder, info: Fields) -> None:
    """Adds the model's texts in the Markdown of a whole turn; a single one if it has no step headings."""
    first, *rest = _HEADING.split(text_of(info.get("response")))
    parts = [text for heading, text in zip(rest[::2], rest[1::2], strict=True) if heading == "Planner Response"]
    said = (_CODE_LINK.sub(r"\1", _ACTION.sub("", text)).strip() for text in (parts if rest else [first]))
    texts = [text for text in said if text]
    for number, text in enumerate(texts, 1):
        builder.add(AssistantMessage(text=text, final=number == len(texts)), f"said{number}")


def _worktree(builder: _Builder, info: Fields) -> None:
    builder.learn_folder(wire.path_of(info.get("root_workspace_path")))


_EVENTS: Final[dict[str, Callable[[_Builder, Fields], None]]] = {
    wire.PROMPT: _prompt,
    wire.WRITE: _write,
    wire.COMMAND: _command,
    wire.RESPONSE: _response,
    wire.WORKTREE: _worktree,
}
