"""What a request to the Responses API tells the model, and which tools it offers."""

from __future__ import annotations

from typing import Any


def told(body: dict[str, Any]) -> str:
    """Everything in it that the model reads: instructions, messages, calls and their outputs."""
    return "\n".join([body.get("instructions") or "", *(_text(item) for item in body["input"])])


def said_by(body: dict[str, Any], role: str) -> list[str]:
    """The messages of one role, oldest first: "user" (AGENTS.md too), "developer" (hooks too), "assistant"."""
    return [_text(item) for item in body["input"] if item.get("type", "message") == "message" and item["role"] == role]


def outputs(body: dict[str, Any]) -> list[str]:
    """What the tools that ran gave back, oldest first."""
    return [_text(item) for item in body["input"] if str(item.get("type")).endswith("_call_output")]


def tools(body: dict[str, Any]) -> dict[str, str]:
    """The tools offered, by name, with their kind ("function", "custom"). In code mode they come as an input item."""
    items = [item for item in body["input"] if item.get("type") == "additional_tools"]
    offered = [tool for part in (body, *items) for tool in part.get("tools") or []]
    flat = [inner for tool in offered for inner in (tool.get("tools", []) if tool["type"] == "namespace" else [tool])]
    return {str(tool.get("name", tool["type"])): str(tool["type"]) for tool in flat}


def _text(item: dict[str, Any]) -> str:
    parts = [item.get(name) for name in ("content", "arguments", "input", "output")]
    return "\n".join(_joined(part) for part in parts if part is not None)


def _joined(part: Any) -> str:
    if isinstance(part, str):
        return part
    return "\n".join(str(piece.get("text", "")) for piece in part)
