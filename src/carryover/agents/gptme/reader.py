"""Takes snapshots of a conversation, whose messages are lines that are appended or, after `/undo`, rewritten.

gptme's own hidden messages are no pieces: the facts in them are in the header.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Final

from carryover.adapter.contract import FileStat
from carryover.readers.rewritten import Lines, complete_lines
from carryover.records.lenient import fields_of, is_true, text_of

_STATED: Final = {
    "folder": re.compile(r"^\*\*Working Directory:\*\* (/.+)", re.MULTILINE),
    "agent_version": re.compile(r"^You are \S+ v(\d{1,9}\.\d{1,9}\.\d{1,9})", re.MULTILINE),
    "branch": re.compile(r"^\*\*Branch:\*\* `([^`\n]+)`", re.MULTILINE),
}


def conversation_in(path: Path, stat: FileStat) -> Lines:  # noqa: ARG001
    """Takes the snapshot of a conversation. Raises OSError if it cannot be read."""
    read = [(line, fields_of(line)) for line in complete_lines(path)]
    if not any("role" in message for _, message in read):
        raise OSError(errno.EINVAL, "not a conversation", str(path))
    hidden = "\n".join(text_of(message.get("content")) for _, message in read if is_true(message.get("hide")))
    stated = {name: found[1] for name, pattern in _STATED.items() if (found := pattern.search(hidden))}
    return Lines([line for line, message in read if not is_true(message.get("hide"))], stated)
