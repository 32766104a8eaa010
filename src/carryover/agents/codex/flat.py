"""Transcripts without an envelope, as clients up to 0.29 wrote them (recordings: 0.8.0, 0.20.0, 0.22.0, 0.29.0).

    {"id", "timestamp", "instructions", "git"?}     the header, which holds the only time of the file
    {"record_type": "state", ...}                   nothing for us
    {"type": "message", ...}                        what the model saw and produced, as later clients put in envelopes

Their lines are brought into the form of later records. No line says how a turn ended, and prompts and answers are
only where later clients repeat them.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.agents.codex import messages, wire
from carryover.agents.codex.builder import Builder
from carryover.agents.codex.context import Context
from carryover.agents.codex.session import parse_session
from carryover.model import Skipped
from carryover.records import rawjson

HEADER: Final = "(header)"
"""Stands for the type of the first line, which has none."""
_STATE: Final = "state"
_ENVIRONMENT: Final = "<environment_context>"
_INSTRUCTIONS: Final = "<user_instructions>"
_FOLDER_IN_WORDS: Final = re.compile(r"^Current working directory: (.+)$", re.MULTILINE)
_IMAGE: Final = "input_image"


class Header(msgspec.Struct, frozen=True):
    """The first line, as far as it takes to know it."""

    id: str
    timestamp: str


class Marker(msgspec.Struct, frozen=True):
    """A `record_type` line, which comes between the items (0.8 to 0.29)."""

    record_type: str


class Message(msgspec.Struct, frozen=True):
    """A `message`: what was typed, what the client added to it, or what the model answered."""

    role: str
    content: list[wire.ContentPart]


def read_line(data: bytes, context: Context) -> wire.Line | Skipped | None:
    """The record in `data`, whichever form it has; None for a line that holds nothing."""
    line = wire.read_line(data, context.facts.agent_version)
    if isinstance(line, wire.Line):
        is_bare = context.family == "flat" and line.payload is rawjson.ABSENT
        return wire.Line("response_item", payload=msgspec.Raw(data)) if is_bare else line
    raw = msgspec.Raw(data)
    marker = rawjson.part_of(raw, Marker)
    if marker is not None and marker.record_type == _STATE:  # in some files of later clients too (read about)
        return None
    header = rawjson.part_of(raw, Header) if context.thread is None else None
    return wire.Line(HEADER, timestamp=header.timestamp, payload=raw) if header is not None else line


def parse_header(builder: Builder, payload: msgspec.Raw) -> None:
    """The header says no more than a `session_meta` does; of the folder it says nothing."""
    parse_session(builder, payload)
    builder.change(family="flat")


def parse_message(builder: Builder, payload: msgspec.Raw) -> None:
    """A `message`: a prompt, an answer, or the folder that the client gives the model (0.22.0 and later)."""
    message = rawjson.part_of(payload, Message)
    if message is None:
        builder.skip("response_item/message", "unexpected shape")
        return
    text = "\n".join(part.text for part in message.content if part.text)
    if message.role == "assistant":
        messages.parse_answer(builder, text, None)
    elif message.role == "user" and text.startswith(_ENVIRONMENT):
        builder.move_to(messages.environment_folder(payload) or _folder_in_words(text))
    elif message.role == "user" and not text.startswith(_INSTRUCTIONS):
        messages.parse_prompt(builder, text, sum(part.type == _IMAGE for part in message.content))


def _folder_in_words(text: str) -> str | None:
    """As 0.22.0 and 0.23.0 write it; later clients mark it."""
    found = _FOLDER_IN_WORDS.search(text)
    return found[1].strip() if found is not None else None
