"""Claude Code's hooks: what their payloads contain, and how text is put into a session.

Seen in 2.1.328 unless stated otherwise. Other programs run the hooks of `~/.claude/settings.json` too and send their
own payloads: Cursor (`cursor_version`, `conversation_id`, `workspace_roots`), VS Code and Copilot (`sessionId`, no
transcript of this layout), Devin (no `transcript_path` at all). Such a session has its own record elsewhere, so it is
recognised here and not counted twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter.contract import HookProtocol
from carryover.adapter.hooks import ACTIONS, ClaudeLikeHooks, Payload, root_above
from carryover.agents.claude_code import locate
from carryover.agents.claude_code.parse import NO_ANSWER
from carryover.model import AnyBody, AssistantMessage
from carryover.records import rawjson
from carryover.records.resets import failed_turn


def _answer(text: str) -> bytes:
    # SessionStart accepts plain text on stdout in every version that has it (1.0.62 and later).
    return text.encode("utf-8", "replace")


def _layout_root(transcript: Path) -> Path | None:
    return root_above(transcript, locate.source_of, ("projects",))


def _early(event: str, given: Payload, at_ms: int) -> AnyBody | None:
    """Returns the last message in Stop (since 2.1.47) or StopFailure, 40 to 75 ms before the transcript has it."""
    text = given.last_words
    if text in NO_ANSWER:
        return None
    if event == "stopfailure":
        return failed_turn(text, at_ms, limited=rawjson.string_of(given.error) == "rate_limit")
    return AssistantMessage(text=text, final=True)


HOOKS: Final = HookProtocol(
    events=("SessionStart", "PreCompact", "Stop", "StopFailure", "SessionEnd"),
    read=ClaudeLikeHooks(
        layout_root=_layout_root,
        actions=ACTIONS | {"stopfailure": "turn_end"},
        cwd_moves=True,  # `cwd` is where the session is now, not where it was started
        early=_early,
    ).read,
    answer=_answer,
    layout_root=_layout_root,
)
