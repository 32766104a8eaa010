"""What `carryover status` says of one agent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from carryover.cli.output import YELLOW, ago, harmless, paint, short_path

_DRIFT: Final = {
    "older": "older than the versions whose hooks are known",
    "newer": "newer than the versions that are known; their last hooks are used",
    "unreadable": "version not readable",
    "missing": "not on this machine",
}


def agent_lines(agent: dict[str, Any], home: Path, now_ms: int) -> Iterator[str]:
    """The lines on an agent that is covered; none for another."""
    if not agent["covered"]:
        return
    facts = [
        agent["version"] or "",
        _DRIFT.get(agent["state"], ""),
        "not selected" if agent["selected"] is False else "",
        f"last event {ago(agent['last_event_ms'], now_ms)}",
        f"last handoff {ago(agent['last_handoff_ms'], now_ms)}",
    ]
    yield f"{agent['name']:<16} {', '.join(harmless(fact) for fact in facts if fact)}"
    for root in agent["roots"]:
        there = "" if root["exists"] else " (not there yet; watched all the same)"
        yield _below(f"transcripts in {short_path(root['path'], home)}{there}")
    if agent["hooks"] is not None and agent["config"] is not None:
        yield _below(f"hooks in {short_path(agent['config'], home)}: {_hooks(agent['hooks'])}")


def _hooks(hooks: dict[str, Any]) -> str:
    if hooks["problem"]:
        return paint(hooks["problem"], YELLOW)
    parts = [
        f"{words} {', '.join(hooks[key])}"
        for key, words in (("present", "in place"), ("missing", "missing"), ("edited", "edited by hand"))
        if hooks[key]
    ]
    if hooks["switched_off"]:
        parts.append("all switched off in the agent's settings")
    text = "; ".join(parts)
    return text if list(hooks["present"]) and len(parts) == 1 else paint(text, YELLOW)


def _below(text: str) -> str:
    return f"{'':<16} {text}"
