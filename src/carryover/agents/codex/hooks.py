"""Codex's hooks: what their payloads contain, and how text is put into a session.

Seen in 0.125.0, 0.150.0 and 0.169.0. SessionStart comes with the first prompt, and again after each compaction. Only
Codex sends `null` for the transcript: the user asked for nothing to be written down (`--ephemeral`), so the hook is
answered and nothing is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import HookProtocol
from carryover.adapter.hooks import ACTIONS, ClaudeLikeHooks, Payload, root_above, session_start_output
from carryover.agents.codex import locate
from carryover.model import AnyBody, AssistantMessage


def _answer(text: str) -> bytes:
    # Plain text would do, unless it begins with a bracket: then it is read as JSON, and the hook fails (0.169.0).
    return msgspec.json.encode({"hookSpecificOutput": session_start_output(text)})


def _layout_root(transcript: Path) -> Path | None:
    return root_above(transcript, locate.source_of, ("sessions", "archived_sessions"))


def _early(_event: str, given: Payload, _at_ms: int) -> AnyBody | None:
    """Returns the last message in Stop, which reports only turns that ended well (no limit, error or interrupt)."""
    return AssistantMessage(text=given.last_words, final=True) if given.last_words else None


HOOKS: Final = HookProtocol(
    events=("SessionStart", "PreCompact", "Stop", "SessionEnd"),
    read=ClaudeLikeHooks(layout_root=_layout_root, actions=ACTIONS, early=_early, may_be_unwritten=True).read,
    answer=_answer,
    layout_root=_layout_root,
)
