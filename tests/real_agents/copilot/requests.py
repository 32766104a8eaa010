"""What a request to the chat completions API tells the model."""

from __future__ import annotations

from typing import Any, Final

SUMMARY_ORDER: Final = "Please create a detailed summary of the conversation so far"
"""How the client asks for the summary of a compaction (1.0.48, 1.0.102)."""


def told(body: dict[str, Any]) -> str:
    """Everything in it that the model reads: instructions, messages, calls and their outputs."""
    return "\n".join(_text(message) for message in body["messages"])


def said_by(body: dict[str, Any], role: str) -> list[str]:
    """The messages of one role, oldest first: "system", "user" (hooks too), "assistant", "tool"."""
    return [_text(message) for message in body["messages"] if message["role"] == role]


def asks_for_summary(body: dict[str, Any]) -> bool:
    """Whether the client is compacting."""
    users = said_by(body, "user")
    return bool(users) and users[-1].lstrip().startswith(SUMMARY_ORDER)


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    text = content if isinstance(content, str) else "\n".join(str(part.get("text", "")) for part in content)
    calls = [call["function"]["arguments"] for call in message.get("tool_calls") or []]
    return "\n".join([text, *calls])
