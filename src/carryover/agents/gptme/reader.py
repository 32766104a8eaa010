"""Reads a conversation: messages, one per line, appended or, after `/undo` and the like, rewritten.

Before the messages comes a record with `$begin`: facts from gptme's own hidden messages, which are not records
themselves, and from the settings beside the conversation. After the last message comes one with `$end`.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import FileStat
from carryover.readers.files import read_small
from carryover.readers.rewritten import OnlyConversation
from carryover.records.fields import digest
from carryover.records.lenient import fields_of, is_true, text_of

MAX_BYTES: Final = 128 << 20
_MAX_SETTINGS: Final = 1 << 20
_FOLDER: Final = re.compile(r"^(?:\*\*Working Directory:\*\* |<working-directory>)(/[^\n<]+)", re.MULTILINE)
_VERSION: Final = re.compile(r"^You are \S+ v(\d{1,9}\.\d{1,9}\.\d{1,9})", re.MULTILINE)
_BRANCH: Final = re.compile(r"^\*\*Branch:\*\* `([^`\n]+)`", re.MULTILINE)


class Begin(msgspec.Struct, frozen=True, omit_defaults=True):
    """The header that the reader puts before the messages. `on`: they follow those that were read before."""

    on: bool = False
    folder: str | None = None
    version: str | None = None
    branch: str | None = None
    title: str | None = None


class _Chat(msgspec.Struct):
    workspace: str = ""
    name: str | None = None


class _Settings(msgspec.Struct):
    chat: _Chat = msgspec.field(default_factory=_Chat)


class Conversation(OnlyConversation):
    """A conversation as it is now. Its pieces are the messages that are not hidden."""

    ident = "conversation"

    def __init__(self, lines: Sequence[bytes], chat: _Chat) -> None:
        read = [(line, fields_of(line)) for line in lines]
        hidden = "\n".join(text_of(message.get("content")) for _, message in read if is_true(message.get("hide")))
        self._lines = [line for line, message in read if not is_true(message.get("hide"))]
        # A user who has replaced the system prompt may have left the folder out of it.
        folder = _first(_FOLDER, hidden) or (str(Path(chat.workspace).expanduser()) if chat.workspace else None)
        version, branch = _first(_VERSION, hidden), _first(_BRANCH, hidden)
        self._begin = Begin(folder=folder, version=version, branch=branch, title=chat.name)
        self.pieces = [(str(number), digest(line)) for number, line in enumerate(self._lines)]

    def begin(self, *, on: bool, more: bool) -> bytes | None:  # noqa: ARG002
        return msgspec.json.encode({"$begin": msgspec.structs.replace(self._begin, on=on)})

    def piece(self, number: int) -> bytes | None:
        return self._lines[number]

    def end(self, emitted: int) -> bytes | None:  # noqa: ARG002
        return b'{"$end": true}'


def conversation_in(path: Path, stat: FileStat) -> Conversation:  # noqa: ARG001
    """Takes the snapshot of a conversation. A last line that is not complete yet is left out."""
    data = read_small(path, limit=MAX_BYTES)
    if data is None:
        raise OSError(errno.EFBIG, "too large", str(path))
    *lines, last = data.split(b"\n")
    complete = [*lines, last] if fields_of(last) else lines
    return Conversation([line for line in complete if line.strip()], _chat(path.with_name("config.toml")))


def _chat(settings: Path) -> _Chat:
    try:
        return msgspec.toml.decode(read_small(settings, limit=_MAX_SETTINGS) or b"", type=_Settings).chat
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return _Chat()


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[1] if found is not None else None
