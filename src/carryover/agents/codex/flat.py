"""Reads rollouts without an envelope, as clients up to 0.29 wrote them: 0.8.0, 0.20.0, 0.22.0, 0.29.0.

    {"id", "timestamp", "instructions", "git"?}     the header, which has the only time of the file
    {"record_type": "state", ...}                   nothing for us
    {"type": "message", ...}                        what later clients put into a `response_item`

No record says how a turn ended, and prompts and answers are only in messages.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.event_builder import usable_folder
from carryover.agents.codex.builder import Builder, Context, Line
from carryover.model import Skipped
from carryover.records import rawjson
from carryover.records.lenient import fields_of, text_of
from carryover.records.text import tagged

HEADER: Final = "header"
"""The type under which the first line, which has none, is handled."""
ENVIRONMENT: Final = "environment_context"
_STATE: Final = "state"
_FOLDER_IN_WORDS: Final = re.compile(r"^Current working directory: (.+)$", re.MULTILINE)
"""As 0.22 and 0.23 write it; later clients mark it with `<cwd>`."""
_CUT_HEADER: Final = re.compile(rb'\{"id":"[0-9a-fA-F-]{36}","timestamp":"[^"]{1,40}","instructions":"')
"""The beginning of a header that is too long to be complete in the head of a file."""


def read_line(decoder: msgspec.json.Decoder[Line], data: bytes, context: Context) -> Line | Skipped | None:
    """Returns the record in a line of either form; None for a line that is known to be empty of events."""
    line = rawjson.read_line(decoder, data, version=context.facts.agent_version)
    if isinstance(line, Line):
        is_bare = context.family == "flat" and line.payload is rawjson.ABSENT
        return Line("response_item", payload=msgspec.Raw(data)) if is_bare else line
    fields = fields_of(data)
    if text_of(fields.get("record_type")) == _STATE:  # some files of later clients have it too
        return None
    if context.thread is None and text_of(fields.get("id")) and text_of(fields.get("timestamp")):
        return Line(HEADER, timestamp=text_of(fields.get("timestamp")), payload=msgspec.Raw(data))
    return line


def begins(head: bytes) -> bool:
    """Whether a file that begins with `head` is such a rollout."""
    first = next(rawjson.objects_in(head, most=1), {})
    has_names = all(isinstance(first.get(name), str) for name in ("id", "timestamp"))
    return (has_names and "instructions" in first and "type" not in first) or _CUT_HEADER.match(head) is not None


def folder_in(text: str) -> str | None:
    """Returns the folder that the client names to the model; None if the text is anything else."""
    if not text.startswith(f"<{ENVIRONMENT}>"):
        return None
    told = tagged(text, ENVIRONMENT) or ""
    worded = _FOLDER_IN_WORDS.search(told)
    return usable_folder(tagged(told, "cwd") or (worded[1].strip() if worded is not None else None))


def images_in(builder: Builder) -> int:
    """Returns the number of images in a message."""
    parts = rawjson.part_of(builder.data.get("content", rawjson.ABSENT), list[rawjson.TextPart]) or []
    return sum(part.type == "input_image" for part in parts)
