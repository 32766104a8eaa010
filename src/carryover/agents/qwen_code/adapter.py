"""Defines AGENT: how Qwen Code's transcripts are found, read and parsed, and its hooks understood.

Hooks seen in 0.24.4. Stop's text is not used: the transcript has it earlier.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

from carryover.adapter.contract import Agent, HookProtocol, Source
from carryover.adapter.hooks import ACTIONS, ClaudeLikeHooks, root_above, session_start_answer
from carryover.adapter.lazily import lazily
from carryover.agents.qwen_code.builder import Context
from carryover.agents.qwen_code.spec import SPEC
from carryover.families.claude_hooks import EVENTS
from carryover.families.claude_store import GROUP, SESSION, SUBAGENT, copied
from carryover.readers.jsonl import JsonlReader
from carryover.readers.layouts import Layout, source_at, sources_below
from carryover.records.rawjson import objects_in

_LAYOUTS: Final = (
    Layout(globs=("*/chats/*.jsonl",), pattern=rf"{GROUP}/chats/{SESSION}\.jsonl"),
    Layout(globs=("*/chats/archive/*.jsonl",), pattern=rf"{GROUP}/chats/archive/{SESSION}\.jsonl"),
    Layout(
        globs=("*/subagents/*/agent-*.jsonl",),
        pattern=rf"{GROUP}/subagents/{SESSION}/{SUBAGENT}",
    ),
)
_SOURCE_OF: Final = partial(source_at, SPEC.id, _LAYOUTS)
_LAYOUT_ROOT: Final = partial(root_above, source_of=_SOURCE_OF, names=("projects",))
_HEAD_RECORDS: Final = 20


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the transcript in a file anywhere on disk, recognised by its first records."""
    if not any(_is_own(record) for record in objects_in(head, most=_HEAD_RECORDS)):
        return None
    return copied(SPEC.id, path, _SOURCE_OF, reversed(path.parents[2:4]))


def _is_own(record: dict[str, Any]) -> bool:
    """Whether a record is a message of Qwen Code's, with session and id: its text is in parts."""
    message = record.get("message")
    named = isinstance(record.get("sessionId"), str) and isinstance(record.get("uuid"), str)
    return named and isinstance(message, dict) and isinstance(message.get("parts"), list)


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=Context,
    source_of=_SOURCE_OF,
    sources=partial(sources_below, SPEC.id, _LAYOUTS),
    parse=lazily("carryover.agents.qwen_code.parse", "parse_record"),
    hooks=HookProtocol(
        events=EVENTS,
        read=ClaudeLikeHooks(layout_root=_LAYOUT_ROOT, actions=ACTIONS).read,
        answer=session_start_answer,
        layout_root=_LAYOUT_ROOT,
        forgets=True,  # it is part of the system message, which no transcript holds
        reads_page="read `{page}` in parts of 60 lines",  # it cuts off after 25,000 characters (0.24.4)
    ),
    exported=_exported,
)
