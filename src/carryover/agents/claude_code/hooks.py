"""Claude Code's hooks: what its payloads say, and how a session takes text in. Seen in 2.1.328 unless said otherwise.

Other programs run the hooks of `~/.claude/settings.json` too and send payloads of their own: Cursor (`cursor_version`,
`workspace_roots`), VS Code and Copilot (no transcript of this layout), Devin (no `transcript_path` at all). Such a
session has its own record elsewhere, so it is told apart here and not counted twice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from carryover.agents.claude_code import transcripts
from carryover.agents.contract import HookMeaning, HookReading, StartReason
from carryover.model import AssistantMessage, Event, Skipped, TurnEnd

_MEANINGS: Final[dict[str, HookMeaning]] = {
    "sessionstart": "start",
    "precompact": "save",
    "sessionend": "save",
    "stop": "ended",
    "stopfailure": "ended",
}
_REASONS: Final[dict[str, StartReason]] = {
    "startup": "startup",
    "clear": "clear",
    "compact": "compact",
    "resume": "resume",
    "fork": "fork",
}


class Payload(msgspec.Struct, frozen=True):
    """What stands on the hook's stdin, as far as we rely on it."""

    session_id: str
    transcript_path: str | None = None
    cwd: str | None = None
    hook_event_name: str | None = None
    source: str | None = None
    """SessionStart: why."""
    seconds_since_last_response: float | None = None
    """SessionStart of `resume` and `fork`."""
    last_assistant_message: str | None = None
    """Stop (since 2.1.47) and StopFailure: 40-75 ms before the transcript has it."""
    error: str | None = None
    """StopFailure: `rate_limit`, `authentication_failed`, ..."""
    agent_id: str | None = None
    """Set inside a sub-agent."""
    cursor_version: msgspec.Raw | None = None
    workspace_roots: msgspec.Raw | None = None


class ClaudeCodeHooks:
    """See `carryover.agents.contract.HookForm`."""

    events: tuple[str, ...] = ("SessionStart", "PreCompact", "Stop", "StopFailure", "SessionEnd")

    def read(self, event: str, payload: bytes, *, at_ms: int) -> HookReading | Skipped:
        kind = f"hook/{event}"
        try:
            given = msgspec.json.decode(payload, type=Payload)
        except msgspec.ValidationError:
            return Skipped(kind, "unexpected shape")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Skipped(kind, "not JSON")
        if foreign := self._foreign(given):
            return Skipped(kind, foreign)
        meaning = _MEANINGS.get(event.lower(), "nudge")
        reason = _REASONS.get(given.source or "") if meaning == "start" else None
        if meaning == "start" and reason is None:
            return Skipped(kind, "unknown start reason")
        return HookReading(
            meaning=meaning,
            session=given.session_id,
            cwd=given.cwd,
            transcript=given.transcript_path,
            reason=reason,
            idle_s=given.seconds_since_last_response,
            provisional=_told_early(event.lower(), given, at_ms),
        )

    def answer(self, text: str) -> bytes:
        # Plain text on stdout is what SessionStart takes in, in every version that has it (1.0.62 and later).
        return text.encode("utf-8", "replace")

    def layout_root(self, transcript: Path) -> Path | None:
        root = transcript.parent.parent
        is_ours = root.name == "projects" and transcripts.source_of(transcript, root) is not None
        return root if is_ours else None

    def _foreign(self, given: Payload) -> str | None:
        """Why this is another program's payload; None where it is Claude Code's own."""
        if given.cursor_version is not None or given.workspace_roots is not None:
            return "another agent's payload"
        if given.transcript_path is None or self.layout_root(Path(given.transcript_path)) is None:
            return "another agent's payload"
        return None


def _told_early(event: str, given: Payload, at_ms: int) -> tuple[Event, ...]:
    text = (given.last_assistant_message or "").strip()
    if not text or given.agent_id is not None:
        return ()
    if event == "stop":
        body: AssistantMessage | TurnEnd = AssistantMessage(text=text, final=True)
    elif event == "stopfailure":
        body = TurnEnd(reason="limit" if given.error == "rate_limit" else "error", message=text)
    else:
        return ()
    key = f"hook/{given.session_id}/{event}/{at_ms}"
    return (Event(key=key, session=given.session_id, at_ms=at_ms, body=body, cwd=given.cwd),)
