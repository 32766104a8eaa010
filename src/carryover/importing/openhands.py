"""Makes messages of the events that OpenHands exports as a trajectory (2025 and 2026). Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, first_text, inside, is_true, number_of, text_of

_SAYS: Final = ("message", "finish")
_NO_CALLS: Final = ("system", "recall", "change_agent_state", "condensation", "condensation_request", "think")
"""Actions of the program around the agent, and thoughts. What it recalls for a prompt has the user's source."""
_NOT_FAILED: Final = (0, -1, 130)
"""Exit codes of a command that did not fail, still runs, or was stopped by Ctrl+C."""


def as_message(event: Fields) -> Fields:
    """Returns an event of OpenHands as a message with `role`, `content` and `tool_calls`; anything else unchanged. What
    a call returned names the event of the call as its cause."""
    action, observed = (text_of(event.get(name)) for name in ("action", "observation"))
    source = text_of(event.get("source"))
    is_theirs = "extras" in event if observed else action != "" and "args" in event
    if not source or not is_theirs or "role" in event:  # other chats have sources and actions, too
        return event
    given = fields_of(event.get("args"))
    fields: dict[str, Any]
    if observed:
        fields = {
            "role": "tool",
            "tool_call_id": str(number_of(event.get("cause"))),
            "content": event.get("content", ""),
            "is_error": observed == "error" or _exit_code(event) not in _NOT_FAILED,
        }
    elif action in _SAYS:
        said = first_text(given, "final_thought", "content") or text_of(event.get("message"))
        fields = {"role": source, "content": said}
    elif source != "agent" or action in _NO_CALLS:
        fields = {"role": "system", "content": ""}
    else:
        name = "write_stdin" if is_true(given.get("is_input")) else action
        call = {"id": str(number_of(event.get("id"))), "name": name, "arguments": given}
        fields = {"role": source, "content": text_of(given.get("thought")), "tool_calls": [call]}
    read = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    return {"timestamp": event.get("timestamp", rawjson.ABSENT), **read}


def _exit_code(event: Fields) -> int:
    extras = event.get("extras")
    found = (number_of(inside(extras, *path)) for path in (("metadata", "exit_code"), ("exit_code",)))
    return next((code for code in found if code is not None), 0)
