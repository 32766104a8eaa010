"""Defines AGENT: how Claude Code's transcripts are found, read and parsed, and its hooks understood.

Hooks seen in 2.1.328 unless stated otherwise. Other programs run the hooks of `~/.claude/settings.json` too and send
their own payloads: Cursor (`cursor_version`, `conversation_id`, `workspace_roots`), VS Code and Copilot (`sessionId`,
no transcript of this layout), Devin (no `transcript_path` at all). Such a session has its own record elsewhere, so it
is recognised here and not counted twice.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any, Final

from carryover.adapter.contract import Agent, HookProtocol, QuotedText, Source
from carryover.adapter.hooks import ACTIONS, ClaudeLikeHooks, Payload, root_above
from carryover.agents.claude_code.builder import Context
from carryover.agents.claude_code.parse import NO_ANSWER, parse_record, read_prompt
from carryover.agents.claude_code.spec import SPEC
from carryover.agents.claude_code.tools import read_outcome
from carryover.families.claude_hooks import EVENTS
from carryover.families.claude_store import GROUP, SESSION, SUBAGENT, copied
from carryover.model import AnyBody, AssistantMessage
from carryover.readers.jsonl import JsonlReader
from carryover.readers.layouts import Layout, source_at, sources_below
from carryover.records import rawjson
from carryover.records.rawjson import objects_in
from carryover.records.resets import failed_turn

_LAYOUTS: Final = (
    Layout(globs=("*/*.jsonl",), pattern=rf"{GROUP}/{SESSION}\.jsonl"),
    # A sub-agent whose session only its records name (2.0.65).
    Layout(globs=(), pattern=rf"{GROUP}/{SUBAGENT}"),
    # 2.1.111, 2.1.328
    Layout(
        globs=("*/*[0-9a-fA-F]/subagents/agent-*.jsonl",),
        pattern=rf"{GROUP}/{SESSION}/subagents/{SUBAGENT}",
    ),
)
_SOURCE_OF: Final = partial(source_at, SPEC.id, _LAYOUTS)
_LAYOUT_ROOT: Final = partial(root_above, source_of=_SOURCE_OF, names=("projects",))
_HEAD_RECORDS: Final = 200
_CUT_RECORD: Final = re.compile(
    rb'^\{(?:"parentUuid":(?:null|"[0-9a-f-]{36}"),"(?:isSidechain|logicalParentUuid)":'
    rb'|"type":"queue-operation","operation":"\w{1,20}","timestamp":"[^"]{1,40}","sessionId":")',
    re.MULTILINE,
)
"""The beginning of a message or queued prompt (2.0.28 to 2.1.328) that is too long to be complete in the head of a
file."""


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the transcript in a file anywhere on disk, recognised by its first records (2.0.28 to 2.1.328)."""
    if not (_CUT_RECORD.search(head) or any(_is_own(record) for record in objects_in(head, most=_HEAD_RECORDS))):
        return None
    return copied(SPEC.id, path, _SOURCE_OF, reversed(path.parents[1:4:2]))


def _is_own(record: dict[str, Any]) -> bool:
    """Whether a record is a Claude Code message, with session, id and role. Other early lines prove nothing, and
    messages of relatives have no content."""
    message = record.get("message")
    role = message.get("role") if isinstance(message, dict) and "content" in message else None
    named = isinstance(record.get("sessionId"), str) and isinstance(record.get("uuid"), str)
    return named and role in ("user", "assistant") and record.get("type") == role


def _early(event: str, given: Payload, at_ms: int) -> AnyBody | None:
    """Returns the last message in Stop (since 2.1.47) or StopFailure, 40 to 75 ms before the transcript has it."""
    text = given.last_words
    if text in NO_ANSWER:
        return None
    if event == "stopfailure":
        return failed_turn(text, at_ms, limited=rawjson.string_of(given.error) == "rate_limit")
    return AssistantMessage(text=text, final=True)


AGENT: Final = Agent(
    spec=SPEC,
    reader=JsonlReader(),
    context_type=Context,
    source_of=_SOURCE_OF,
    sources=partial(sources_below, SPEC.id, _LAYOUTS),
    parse=parse_record,
    hooks=HookProtocol(
        events=EVENTS,
        read=ClaudeLikeHooks(
            layout_root=_LAYOUT_ROOT,
            actions=ACTIONS,
            cwd_moves=True,  # `cwd` is where the session is now, not where it was started
            early=_early,
        ).read,
        # SessionStart accepts plain text on stdout in every version that has it (1.0.62 and later).
        answer=lambda text: text.encode("utf-8", "replace"),
        layout_root=_LAYOUT_ROOT,
    ),
    exported=_exported,
    quoted=QuotedText(prompt=read_prompt, outcome=read_outcome),
)
