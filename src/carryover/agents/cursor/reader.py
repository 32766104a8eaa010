"""Each kind of source has its reader; the path tells which."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from carryover.adapter.contract import Batch, Reader, Stamp
from carryover.agents.cursor.transcripts import Kind, kind_of


class CursorReader:
    """Hands each source to the reader of its kind (see `carryover.adapter.contract.Reader`)."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        return _of(path).read(path, cursor)

    def stamp(self, path: Path) -> Stamp:
        return _of(path).stamp(path)


def _of(path: Path) -> Reader:
    kind = kind_of(path)
    if kind is None:
        raise OSError(errno.EINVAL, "not a source", str(path))
    return _readers()[kind]


@cache
def _readers() -> Mapping[Kind, Reader]:
    # Commands that only ask where transcripts lie need not pay for SQLite.
    from carryover.agents.cursor.chat.reader import ChatReader
    from carryover.agents.cursor.editor.old_chats import OldChatsReader
    from carryover.agents.cursor.editor.reader import EditorReader
    from carryover.agents.cursor.sparing import SparingReader
    from carryover.agents.cursor.transcript.lines import LinesReader
    from carryover.agents.cursor.transcript.text_reader import TextReader

    return {
        "ide": SparingReader(EditorReader()),
        "workspace": SparingReader(OldChatsReader()),
        "chat": SparingReader(ChatReader()),
        "transcript": LinesReader(),
        "text": TextReader(),
    }
