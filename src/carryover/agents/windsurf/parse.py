"""Turns the records of a conversation into events. Format facts: FACTS.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import reemitted_after, usable_folder
from carryover.agents.windsurf import wire
from carryover.agents.windsurf.builder import Builder, Context
from carryover.model import AssistantMessage, ResultStatus, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import Change, Replacement, replaced, written
from carryover.records.fields import LATEST_MS
from carryover.records.lenient import Fields, number_of, text_of

_HEADING: Final = re.compile(r"^### (Planner Response|User Input)[ \t]*$", re.MULTILINE)
_ACTION: Final = re.compile(
    r"^\*(?:Viewed|Edited|Listed|Created|Deleted|Grep searched|Searched|Read|Ran|Checked|User (?:accepted|rejected))\b"
    r"[^\n]*\*[ \t]*$\n?",
    re.MULTILINE,
)
_CODE_LINK: Final = re.compile(r"\[([^\]\n]+)\]\(cci:\d+://[^)\n]*\)")
"""A link to a place in the code, which only this editor can follow."""


def said_in(response: str) -> tuple[str, ...]:
    """Returns the model's texts in a response, oldest first; a single one if it has no step headings."""
    first, *rest = _HEADING.split(response)
    parts = [text for heading, text in zip(rest[::2], rest[1::2], strict=True) if heading == "Planner Response"]
    texts = (_CODE_LINK.sub(r"\1", _ACTION.sub("", text)).strip() for text in (parts if rest else [first]))
    return tuple(text for text in texts if text)


_SAID: Final = ("", "done", "error")
"""States of a text that was shown. A cancelled or pending one does not count."""
_STATES: Final[dict[str, ResultStatus | None]] = {
    "": "unknown",
    "done": "ok",
    "error": "error",
    "canceled": "interrupted",
    wire.PENDING: None,
}


def parse_row(builder: Builder, record: wire.RowRecord) -> None:
    """Parses one row of a transcript."""
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


def _row_prompt(builder: Builder, data: Fields, status: str) -> None:
    text = text_of(data.get("user_response"))
    if text.strip() and status in _SAID:
        builder.add(UserPrompt(text=text), "prompt")


def _row_said(builder: Builder, data: Fields, status: str) -> None:
    text = text_of(data.get("response"))
    if text.strip() and status in _SAID:
        builder.add(AssistantMessage(text=text), "said")


def _row_write(builder: Builder, data: Fields, status: str) -> None:
    path = builder.absolute(wire.path_of(data.get("path")) or wire.path_of(data.get("file_path")))
    if path is None:
        builder.count_skipped(f"row/{wire.WRITE_ROW}", "no usable path")
        return
    # Whether the new content is the whole file or a part of it is not known, so nothing is counted.
    shown = written(path, text_of(data.get("new_content")))
    builder.ran("code_action", "edit", path, _STATES[status], changes=(Change(path, "modify", anchor=shown.anchor),))


def _row_command(builder: Builder, data: Fields, status: str) -> None:
    command = text_of(data.get("command_line")).strip()
    if not command:
        builder.count_skipped(f"row/{wire.COMMAND_ROW}", "no command")
        return
    folder = usable_folder(wire.path_of(data.get("cwd")))
    builder.learn_folder(folder)
    builder.cwd = folder or builder.cwd
    exit_code = number_of(data.get("exit_code"))
    ended = _STATES[status]
    if ended == "ok":
        ended = "unknown" if exit_code is None else "ok" if exit_code == 0 else "error"
    builder.ran("run_command", "shell", command, ended, text_of(data.get("output")), exit_code=exit_code)


def _row_view(builder: Builder, data: Fields, status: str) -> None:
    if (path := builder.absolute(wire.path_of(data.get("path")) or wire.path_of(data.get("file_path")))) is not None:
        builder.ran("view_file", "read", path, _STATES[status])


_ROWS: Final[dict[str, Callable[[Builder, Fields, str], None]]] = {
    wire.USER_ROW: _row_prompt,
    wire.PLANNER_ROW: _row_said,
    wire.WRITE_ROW: _row_write,
    wire.COMMAND_ROW: _row_command,
    wire.VIEW_ROW: _row_view,
}


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record. Never raises: what is not understood is counted in `skipped`."""
    read = rawjson.read(wire.RECORD, record.data)
    if isinstance(read, str):
        return context, Parsed(skipped=(rawjson.skipped(None, read, None),))
    if isinstance(read, wire.PassedByRecord):
        return context, Parsed(skipped=(rawjson.skipped(read.what, "could not be read", None),))
    session = source.session or PurePath(source.path).stem
    if isinstance(read, wire.BeginRecord):
        return _begin(session, context, read)
    if isinstance(read, wire.RowRecord):
        builder = Builder(context=context, session=session, ident=f"row{read.number}")
        parse_row(builder, read)
    else:
        builder = Builder(context=context, session=session, ident=read.id, cwd=usable_folder(read.cwd))
        _parse_call(builder, read)
    return builder.parsed()


def _begin(session: str, context: Context, record: wire.BeginRecord) -> tuple[Context, Parsed]:
    """Marks what is emitted again: the events after the last one, or all of them if anything before it changed."""
    after = context.last if record.on else None
    if not record.on:
        context = Context(cwd=usable_folder(record.cwd), last_ms=min(max(record.at_ms - 1, 0), LATEST_MS))
    return context, Parsed(reemitted=reemitted_after(after, session=session, more=record.more))


def _parse_call(builder: Builder, record: wire.CallRecord) -> None:
    given = rawjson.part_of(record.payload, wire.Payload)
    info = rawjson.part_of(given.tool_info, Fields) if given is not None else None
    builder.learn_folder(builder.cwd)
    builder.place(record.at_ms)
    parse = _EVENTS.get(record.event)
    if parse is None:
        if record.event not in _QUIET:
            builder.count_skipped(record.event, "unknown event")
    elif given is None or info is None:
        builder.count_skipped(record.event, "unexpected shape")
    else:
        parse(builder, info)
        if builder.events:
            builder.learn_model(text_of(given.model_name))


def _prompt(builder: Builder, info: Fields) -> None:
    text = text_of(info.get("user_prompt"))
    if text.strip():
        builder.add(UserPrompt(text=text), "prompt")


def _write(builder: Builder, info: Fields) -> None:
    path = builder.absolute(wire.path_of(info.get("file_path")))
    if path is None:
        builder.count_skipped(wire.WRITE, "no usable path")
        return
    edits = rawjson.part_of(info.get("edits", rawjson.ABSENT), list[Replacement]) or []
    builder.ran("write_code", "edit", path, "ok", changes=(_change(path, edits),))


def _change(path: str, edits: list[Replacement]) -> Change:
    """Returns the change that edits make. Edits that replace no text create the file."""
    if len(edits) == 1 and not edits[0].old_string:
        return msgspec.structs.replace(written(path, edits[0].new_string), change="add")
    return replaced(path, edits, counted=True)


def _command(builder: Builder, info: Fields) -> None:
    command = text_of(info.get("command_line")).strip()
    if not command:
        builder.count_skipped(wire.COMMAND, "no command")
        return
    folder = usable_folder(wire.path_of(info.get("cwd")))
    builder.learn_folder(folder)
    builder.cwd = folder or builder.cwd
    # The payload has neither the output nor the exit code.
    builder.ran("run_command", "shell", command, "unknown")


def _read(builder: Builder, info: Fields) -> None:
    if (path := builder.absolute(wire.path_of(info.get("file_path")))) is not None:
        builder.ran("read_code", "read", path, "ok")


def _mcp(builder: Builder, info: Fields) -> None:
    server, tool = text_of(info.get("mcp_server_name")), text_of(info.get("mcp_tool_name"))
    if subject := "/".join(filter(None, (server, tool))):
        builder.ran("mcp_tool_use", "other", subject, "ok", text_of(info.get("mcp_result")))


def _response(builder: Builder, info: Fields) -> None:
    texts = said_in(text_of(info.get("response")))
    for number, text in enumerate(texts, 1):
        builder.add(AssistantMessage(text=text, final=number == len(texts)), f"said{number}")


def _worktree(builder: Builder, info: Fields) -> None:
    builder.learn_folder(wire.path_of(info.get("root_workspace_path")))


_EVENTS: Final[dict[str, Callable[[Builder, Fields], None]]] = {
    wire.PROMPT: _prompt,
    wire.WRITE: _write,
    wire.COMMAND: _command,
    wire.READ: _read,
    wire.MCP: _mcp,
    wire.RESPONSE: _response,
    wire.WORKTREE: _worktree,
}
_QUIET: Final = wire.BEFORE | {wire.TRANSCRIPT}
