"""From a row of a transcript to events: one step of the conversation, with its data under the name of its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from carryover.adapter.event_builder import usable_folder
from carryover.agents.windsurf import wire
from carryover.agents.windsurf.builder import Builder
from carryover.model import AssistantMessage, ResultStatus, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import Change, written
from carryover.records.lenient import Fields, number_of, text_of

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
    """Parses one row."""
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


def _prompt(builder: Builder, data: Fields, status: str) -> None:
    text = text_of(data.get("user_response"))
    if text.strip() and status in _SAID:
        builder.add(UserPrompt(text=text), "prompt")


def _said(builder: Builder, data: Fields, status: str) -> None:
    text = text_of(data.get("response"))
    if text.strip() and status in _SAID:
        builder.add(AssistantMessage(text=text), "said")


def _write(builder: Builder, data: Fields, status: str) -> None:
    path = builder.absolute(wire.path_of(data.get("path")) or wire.path_of(data.get("file_path")))
    if path is None:
        builder.count_skipped(f"row/{wire.WRITE_ROW}", "no usable path")
        return
    # Whether the new content is the whole file or a part of it is not known, so nothing is counted.
    shown = written(path, text_of(data.get("new_content")))
    builder.ran("code_action", "edit", path, _STATES[status], changes=(Change(path, "modify", anchor=shown.anchor),))


def _command(builder: Builder, data: Fields, status: str) -> None:
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


def _view(builder: Builder, data: Fields, status: str) -> None:
    if (path := builder.absolute(wire.path_of(data.get("path")) or wire.path_of(data.get("file_path")))) is not None:
        builder.ran("view_file", "read", path, _STATES[status])


_ROWS: Final[dict[str, Callable[[Builder, Fields, str], None]]] = {
    wire.USER_ROW: _prompt,
    wire.PLANNER_ROW: _said,
    wire.WRITE_ROW: _write,
    wire.COMMAND_ROW: _command,
    wire.VIEW_ROW: _view,
}
