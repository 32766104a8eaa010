"""What is written to a bubble after it was given out.

The conversation's row may reach the database before the rows of its last bubbles, and a state of theirs that nobody
knows may not be their last.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from carryover.agents.cursor.editor.wire import Bubble, ToolData
from carryover.records import rawjson

MAX_LATE: Final = 8
"""Of a conversation, so many of the bubbles given out last are looked at again when they are written again."""

NOTHING: Final = b""
"""Stands for a bubble that had no row, or none that can be read."""


def content_mark(bubble: Bubble) -> bytes:
    """A digest of what the fold makes use of, in 6 bytes."""
    tool = rawjson.part_of(bubble.tool_former_data, ToolData)
    told = msgspec.structs.replace(bubble, created_at=rawjson.ABSENT, tool_former_data=rawjson.ABSENT)
    return hashlib.blake2b(msgspec.json.encode((told, tool)), digest_size=6).digest()
