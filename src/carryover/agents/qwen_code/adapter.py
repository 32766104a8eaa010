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
from carryover.readers.jsonl import JsonlReader
from carryover.readers.layouts import Layout, source_at, sources_below
from carryover.records.rawjson import objects_in

_GROUP: Final = r"(?P<group>[^/]+)"
_SESSION: Final = r"(?P<session>(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))"
_LAYOUTS: Final = (
    Layout(globs=("*/chats/*.jsonl",), pattern=rf"{_GROUP}/chats/{_SESSION}\.jsonl"),
    Layout(globs=("*/chats/archive/*.jsonl",), pattern=rf"{_GROUP}/chats/archive/{_SESSION}\.jsonl"),
    Layout(
        globs=("*/subagents/*/agent-*.jsonl",),
        pattern=rf"{_GROUP}/subagents/{_SESSION}/agent-(?P<subagent_id>[\w-]+)\.jsonl",
    ),
)
"""The group is the start folder with all but letters and digits replaced, so it never names a project."""
_SOURCE_OF: Final = partial(source_at, SPEC.id, _LAYOUTS)
_LAYOUT_ROOT: Final = partial(root_above, source_of=_SOURCE_OF, names=("projects",))
_HEAD_RECORDS: Final = 20


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the transcript in a file anywhere on disk, recognised by its first records."""
    if not any(_is_own(record) for record in objects_in(head, most=_HEAD_RECORDS)):
        return None
    kept = (_SOURCE_OF(path, root) for root in reversed(path.parents[2:4]))
    return next((source for source in kept if source is not None), Source(agent=SPEC.id, path=str(path)))


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
        events=("SessionStart", "Stop", "StopFailure", "PreCompact", "SessionEnd"),
        read=ClaudeLikeHooks(layout_root=_LAYOUT_ROOT, actions=ACTIONS | {"stopfailure": "turn_end"}).read,
        answer=session_start_answer,
        layout_root=_LAYOUT_ROOT,
        forgets=True,  # it is part of the system message, which no transcript holds
    ),
    exported=_exported,
)
