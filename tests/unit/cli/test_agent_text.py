from __future__ import annotations

from pathlib import Path
from typing import Any

from carryover.cli.agent_text import agent_lines

NOW_MS = 1_800_000_000_000
MINUTE_MS = 60_000
HOOKS = {
    "present": ["SessionStart", "Stop"],
    "missing": [],
    "edited": [],
    "to_review": [],
    "reviewed": False,
    "switched_off": False,
    "problem": None,
}
AGENT: dict[str, Any] = {
    "id": "claude-code",
    "name": "Claude Code",
    "covered": True,
    "selected": True,
    "state": "ok",
    "version": "2.1.328",
    "binary": "/home/dev/bin/claude",
    "config": "/home/dev/.claude/settings.json",
    "lost_folder": None,
    "hooks": HOOKS,
    "roots": [{"path": "/home/dev/.claude/projects", "exists": True}],
    "sessions": 2,
    "last_event_ms": NOW_MS - 3 * MINUTE_MS,
    "last_handoff_ms": NOW_MS - MINUTE_MS,
}


def lines(**more: object) -> list[str]:
    return list(agent_lines({**AGENT, **more}, Path("/home/dev"), NOW_MS))


def hooks_line(**more: object) -> str:
    return lines(hooks={**HOOKS, **more})[-1].strip()


def test_an_agent_is_told_with_version_paths_and_times() -> None:
    assert lines() == [
        "Claude Code      2.1.328, last event 3 min ago, last handoff 1 min ago",
        "                 transcripts in ~/.claude/projects",
        "                 hooks in ~/.claude/settings.json: in place SessionStart, Stop",
    ]


def test_a_version_that_is_not_known_and_an_agent_that_was_not_chosen_are_told() -> None:
    assert lines(state="newer", version="9.9.0", selected=False, last_event_ms=None, last_handoff_ms=None)[0] == (
        "Claude Code      9.9.0, newer than the versions that are known; their last hooks are used, not selected, "
        "nothing recorded yet"
    )


def test_a_handoff_that_later_work_of_another_agent_leads_is_not_told_as_never_made() -> None:
    assert lines(last_handoff_ms=None)[0] == "Claude Code      2.1.328, last event 3 min ago"


def test_folders_that_are_not_there_yet_are_named_too() -> None:
    assert lines(roots=[{"path": "/data/c", "exists": False}])[1].strip() == (
        "transcripts in /data/c (not there yet; watched all the same)"
    )


def test_hooks_that_are_not_as_they_should_be_are_named_by_event() -> None:
    assert hooks_line(present=["Stop"], missing=["SessionStart"], edited=["SessionEnd"]) == (
        "hooks in ~/.claude/settings.json: in place Stop; missing SessionStart; edited by hand SessionEnd"
    )


def test_hooks_that_are_switched_off_say_so() -> None:
    assert hooks_line(switched_off=True).endswith("Stop; all switched off in the agent's settings")


def test_settings_that_cannot_be_read_say_why() -> None:
    problem = "/home/dev/.claude/settings.json can't be used: it is not valid JSON."

    assert hooks_line(present=[], problem=problem) == (
        "hooks in ~/.claude/settings.json: can't be used: it is not valid JSON."
    )


def test_an_agent_without_an_adapter_has_no_lines_of_its_own() -> None:
    assert lines(covered=False) == []
