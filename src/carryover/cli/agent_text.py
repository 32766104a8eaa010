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

_STATES: Final = (
    ("present", "in place"),
    ("missing", "missing"),
    ("edited", "edited by hand"),
)


def agent_lines(agent: dict[str, Any], home: Path, now_ms: int) -> Iterator[str]:
    """The lines on an agent that is covered; none for another."""
    if not agent["covered"]:
        return
    facts = [
        agent["version"] or "",
        _DRIFT.get(agent["state"], ""),
        "not selected" if agent["selected"] is False else "",
        *_last(agent, now_ms),
    ]
    yield f"{agent['name']:<16} {', '.join(harmless(fact) for fact in facts if fact)}"
    if agent["roots"]:
        yield _below(f"transcripts in {_roots(agent['roots'], home)}")
    if agent["lost_folder"] is not None:
        where = short_path(agent["lost_folder"], home)
        yield _below(paint(f"its folder {where} is not there; it does not start so", YELLOW))
    if agent["hooks"] is not None and agent["config"] is not None:
        yield _below(f"hooks in {short_path(agent['config'], home)}: {_hooks(agent['hooks'], agent['config'])}")


def _last(agent: dict[str, Any], now_ms: int) -> Iterator[str]:
    if agent["last_event_ms"] is None:
        yield "nothing recorded yet"
        return
    yield f"last event {ago(agent['last_event_ms'], now_ms)}"
    if agent["last_handoff_ms"] is not None:  # None: later work of another agent leads the handoffs it is told of in
        yield f"last handoff {ago(agent['last_handoff_ms'], now_ms)}"


def _roots(roots: list[dict[str, Any]], home: Path) -> str:
    """The folders that are there; where none is, the usual one."""
    there = [short_path(root["path"], home) for root in roots if root["exists"]]
    return ", ".join(there) or f"{short_path(roots[0]['path'], home)} (not there yet; watched all the same)"


def _hooks(hooks: dict[str, Any], config: str) -> str:
    if hooks["problem"]:
        return paint(hooks["problem"].removeprefix(f"{config} "), YELLOW)
    parts = [f"{words} {', '.join(hooks[key])}" for key, words in _STATES if hooks[key]]
    if hooks["to_review"]:
        all_of_them = set(hooks["to_review"]) == {*hooks["present"], *hooks["edited"]}
        parts.append("not reviewed yet" + ("" if all_of_them else f" {', '.join(hooks['to_review'])}"))
    if hooks["switched_off"]:
        parts.append("all switched off in the agent's settings")
    text = "; ".join(parts) + (" (reviewed)" if hooks["reviewed"] else "")
    return text if list(hooks["present"]) and len(parts) == 1 else paint(text, YELLOW)


def _below(text: str) -> str:
    return f"{'':<16} {text}"
