"""Defines AGENT: how Codex's transcripts ("rollouts") are found, read and parsed, and its hooks understood.

Hooks seen in 0.125.0, 0.150.0 and 0.169.0. SessionStart comes with the first prompt, and again after each compaction.
Only Codex sends `null` for the transcript: the user asked for nothing to be written down (`--ephemeral`), so the hook
is answered and nothing is kept.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, HookProtocol, QuotedText, Source
from carryover.adapter.hooks import ACTIONS, ClaudeLikeHooks, Payload, root_above, session_start_answer
from carryover.adapter.lazily import lazily
from carryover.agents.codex.builder import Context
from carryover.agents.codex.flat import begins
from carryover.agents.codex.spec import SPEC
from carryover.model import AnyBody, AssistantMessage
from carryover.readers.jsonl import JsonlReader
from carryover.readers.layouts import Layout, source_at, sources_below
from carryover.records.rawjson import objects_in

_NAME: Final = (
    r"rollout-(?P<group>\d{4}-\d{2}-\d{2})T\d{2}-\d{2}-\d{2}-"
    r"(?P<session>(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))\.jsonl"
)
_LAYOUTS: Final = (
    Layout(root="sessions", globs=("[0-9]*/[0-9]*/[0-9]*/rollout-*.jsonl",), pattern=rf"\d+/\d+/\d+/{_NAME}"),
    Layout(root="archived_sessions", globs=("rollout-*.jsonl",), pattern=_NAME),
)
"""0.8 to 0.169; `.zst` is a compressed copy of a rollout that was read before it was compressed. A sub-agent's file is
named after its own thread; only the records show which session it belongs to."""
_SOURCE_OF: Final = partial(source_at, SPEC.id, _LAYOUTS)
_LAYOUT_ROOT: Final = partial(root_above, source_of=_SOURCE_OF)
_CUT_RECORD: Final = re.compile(rb'\{"timestamp":"[^"]{1,40}",(?:"ordinal":\d+,)?"type":"session_meta","payload":\{')
"""The beginning of the first record (0.32 to 0.169), which may be too long to be complete in the head of a file."""


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the rollout in a file anywhere on disk, recognised by its first record.

    A file name as Codex writes it contains the thread's id; otherwise the id comes from the records.
    """
    first = next(objects_in(head, most=1), {})
    if first.get("type") != "session_meta" and not _CUT_RECORD.match(head) and not begins(head):
        return None
    named = re.fullmatch(_NAME, path.name)
    session, group = named.group("session", "group") if named is not None else (None, "")
    return Source(agent=SPEC.id, path=str(path), session=session, group=group)


def _early(_event: str, given: Payload, _at_ms: int) -> AnyBody | None:
    """Returns the last message in Stop, which reports only turns that ended well (no limit, error or interrupt)."""
    return AssistantMessage(text=given.last_words, final=True) if given.last_words else None


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=Context,
    source_of=_SOURCE_OF,
    sources=partial(sources_below, SPEC.id, _LAYOUTS),
    parse=lazily("carryover.agents.codex.parse", "parse_record"),
    hooks=HookProtocol(
        events=("SessionStart", "PreCompact", "Stop", "SessionEnd"),
        read=ClaudeLikeHooks(layout_root=_LAYOUT_ROOT, actions=ACTIONS, early=_early, may_be_unwritten=True).read,
        # Plain text would do, unless it begins with a bracket: then it is read as JSON, and the hook fails (0.169.0).
        answer=session_start_answer,
        layout_root=_LAYOUT_ROOT,
    ),
    exported=_exported,
    quoted=QuotedText(
        prompt=lazily("carryover.agents.codex.parse", "read_prompt"),
        outcome=lazily("carryover.agents.codex.calls", "read_output"),
    ),
)
