"""What a request to the Gemini API tells the model, and which tools it offers."""

from __future__ import annotations

from typing import Any


def told(body: dict[str, Any]) -> str:
    """Everything in it that the model reads: instructions, messages, calls and their results."""
    instructions = body.get("systemInstruction") or {}
    contents = [instructions, *body.get("contents", [])]
    return "\n".join(_text(part) for content in contents for part in content.get("parts", []))


def said_by_user(body: dict[str, Any]) -> list[str]:
    """The texts of the user's role, oldest first: what the client and hooks add among them."""
    contents = [content for content in body.get("contents", []) if content.get("role") == "user"]
    return [part["text"] for content in contents for part in content.get("parts", []) if "text" in part]


def outputs(body: dict[str, Any]) -> list[str]:
    """What the tools that ran gave back, oldest first."""
    parts = [part for content in body.get("contents", []) for part in content.get("parts", [])]
    return [_text(part) for part in parts if "functionResponse" in part]


def tools(body: dict[str, Any]) -> list[str]:
    """The names of the tools offered."""
    return [one["name"] for tool in body.get("tools", []) for one in tool.get("functionDeclarations", [])]


def _text(part: dict[str, Any]) -> str:
    if "text" in part:
        return str(part["text"])
    response = part.get("functionResponse", {}).get("response", {})
    return "\n".join(str(value) for value in response.values())
