"""Gemini CLI's hooks: what their payloads contain, and how text is put into a session.

Seen in 0.26.0, 0.44.0 and 0.61.0. AfterAgent's text is not used: the transcript already has it, with the model's own
spacing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import HookAction, HookProtocol
from carryover.adapter.hooks import ClaudeLikeHooks, root_above, session_start_output
from carryover.agents.gemini_cli import locate

_ACTIONS: Final[dict[str, HookAction]] = {
    "sessionstart": "session_start",
    "beforeagent": "prompt",
    "afteragent": "turn_end",
    "sessionend": "flush",
}


def _answer(text: str) -> bytes:
    # Anything that is not JSON would be shown to the user as a message of the hook (0.61.0). The event's name does
    # not matter; what a prompt gets is put right after its last letter (0.26.0).
    return msgspec.json.encode({"hookSpecificOutput": session_start_output(f"\n\n{text}")})


def _layout_root(transcript: Path) -> Path | None:
    return root_above(transcript, locate.source_of, ("tmp",))


HOOKS: Final = HookProtocol(
    events=("SessionStart", "BeforeAgent", "AfterAgent", "SessionEnd"),
    read=ClaudeLikeHooks(layout_root=_layout_root, actions=_ACTIONS).read,
    answer=_answer,
    layout_root=_layout_root,
    drops=frozenset(("clear",)),  # 0.26.0, 0.61.0
    forgets=True,  # and with `-p` the first prompt, which is in the same message (0.61.0)
)
