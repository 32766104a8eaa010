"""What a request to the Messages API tells the model."""

from __future__ import annotations

from typing import Any


def told(body: dict[str, Any]) -> str:
    """Everything in it that the model reads: system prompt and messages, tool results included."""
    return "\n".join([_text(body.get("system")), *(_text(message["content"]) for message in body["messages"])])


def _text(content: Any) -> str:
    """The text of a system prompt or of one message."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = [part.get("text") or _text(part.get("content")) for part in content]
    return "\n".join(parts)
