from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from carryover.cli.status import short_lines
from carryover.cli.status_details import SHOWN, agent_lines, detailed_lines
from carryover.diagnose.report import AgentReport, Report

HOME = Path("/home/dev")
NOW_MS = 1_800_000_000_000
MINUTE_MS = 60_000

NOTHING: dict[str, Any] = {
    "version": "0.1.0",
    "home": str(HOME),
    "state_folder": "/home/dev/.carryover",
    "daemon": None,
    "agents": [
        {
            "id": "claude-code",
            "name": "Claude Code",
            "selected": None,
            "state": "missing",
            "version": None,
            "binary": None,
            "config": "/home/dev/.claude/settings.json",
            "lost_folder": None,
            "hooks": None,
            "roots": [],
            "sessions": 0,
            "last_event_ms": None,
            "last_handoff_ms": None,
        },
    ],
    "paused": False,
    "service": {"kind": "none", "installed": False, "trouble": "There is no systemd on this machine."},
    "ledger": None,
    "corrupt_ledgers": [],
    "config": None,
}

HEALTH: dict[str, Any] = {
    "version": "0.1.0",
    "pid": 4711,
    "uptime_s": 7300.4,
    "rss_bytes": 45_200_000,
    "caught_up": True,
    "watch": {"mode": "native", "reason": None},
    "tasks": [{"name": "watch", "state": "running", "restarts": 0, "last_error": None}],
    "projects": [],
    "ledger_trouble": None,
    "config_trouble": None,
}

LEDGER: dict[str, Any] = {
    "path": "/home/dev/.carryover/ledger.sqlite",
    "events": 12345,
    "sessions": 2,
    "project_count": 1,
    "sources": 3,
    "bytes": 12_300_000,
    "redactions": {},
    "oversized": 0,
    "skipped": [],
    "broken": [],
    "incidents": [],
    "projects": [],
}


def project(root: str, **more: object) -> dict[str, Any]:
    row = {"root": root, "last_event_ms": NOW_MS - 3 * MINUTE_MS, "published_ms": None, "refusal": None}
    return {"id": 1, "main_root": None, "first_ms": 0, "published_sha": None, **row, **more}


def lines(**more: object) -> list[str]:
    return list(detailed_lines(msgspec.convert({**NOTHING, **more}, Report), now_ms=NOW_MS))


def section(title: str, **more: object) -> list[str]:
    """The lines of one section, empty where it is not shown."""
    found = lines(**more)
    if title not in found:
        return []
    rest = found[found.index(title) + 1 :]
    return rest[: rest.index("")] if "" in rest else rest


def test_before_anything_was_done_it_says_what_there_is_and_what_to_do() -> None:
    assert lines() == [
        "carryoverd         not running, so no handoff is kept fresh; `carryover doctor` says how to start it",
        "service            none: There is no systemd on this machine.",
        "state              ~/.carryover",
        "ledger             none yet",
        "",
        "agents",
        "  not here         Claude Code",
    ]


def test_a_running_daemon_is_shown_with_numbers_and_units() -> None:
    assert lines(daemon=HEALTH)[0] == (
        "carryoverd         0.1.0, running, process 4711, for 2 h, 45.2 MB of memory, caught up"
    )
    behind = {**HEALTH, "caught_up": False, "rss_bytes": None}
    assert lines(daemon=behind)[0].endswith("for 2 h, still reading history")


def test_what_it_did_since_it_started_takes_one_line() -> None:
    latency = {"n": 9, "p50_ms": 20.0, "p95_ms": 45.4, "max_ms": 90.0}
    read: dict[str, Any] = {"events_stored": 1234, "bytes_read": 3_400_000}

    assert lines(daemon={**HEALTH, "metrics": read})[1].strip() == "since then 1,234 events from 3.4 MB"
    assert lines(daemon={**HEALTH, "metrics": {**read, "session_start": latency}})[1] == (
        "                   since then 1,234 events from 3.4 MB, sessions answered in 45 ms (p95)"
    )


def test_a_service_is_reported_with_its_trouble() -> None:
    service = {
        "kind": "systemd",
        "installed": True,
        "enabled": True,
        "active": False,
        "restarts": 5,
        "trouble": "It failed too often in a row.",
    }

    assert lines(service=service)[1:3] == [
        "service            systemd, enabled, not active, 5 restarts",
        "                   It failed too often in a row.",
    ]


def test_a_project_is_reported_with_its_last_event_and_its_handoff() -> None:
    projects = [
        project("/home/dev/shop", published_ms=NOW_MS - MINUTE_MS, published_sha="0abc"),
        project("/home/dev/talk", published_ms=NOW_MS - MINUTE_MS),
        project("/home/dev/old", last_event_ms=0),
        project("/home/dev/tracked", refusal=".carryover is tracked by git"),
    ]

    assert section("projects", ledger={**LEDGER, "projects": projects}) == [
        "  ~/shop: last event 3 min ago, handoff written 1 min ago",
        "  ~/talk: last event 3 min ago, no handoff written",
        "  ~/old: last event never, no handoff written",
        "  ~/tracked: last event 3 min ago, not published: .carryover is tracked by git",
    ]


def test_what_the_daemon_says_of_a_project_is_added() -> None:
    reported = {"root": "/home/dev/shop", "error": "no space left", "notes": ["CLAUDE.md was left alone: not text"]}
    daemon = {**HEALTH, "projects": [reported]}

    assert section("projects", ledger={**LEDGER, "projects": [project("/home/dev/shop")]}, daemon=daemon) == [
        "  ~/shop: last event 3 min ago, not published: no space left (CLAUDE.md was left alone: not text)"
    ]


def test_long_lists_are_cut_with_a_word() -> None:
    projects = [project(f"/home/dev/p{number}") for number in range(SHOWN + 5)]

    shown = section("projects", ledger={**LEDGER, "projects": projects})

    assert len(shown) == SHOWN + 1
    assert shown[-1] == "  ... and 5 more (--json lists all)"


SKIPPED = {"agent": "claude-code", "agent_version": "2.9.0", "record_type": "hologram", "reason": "unknown type"}
BROKEN = {"agent": "claude-code", "failures": 1, "path": "/home/dev/.claude/a.jsonl", "error": "Permission denied"}
TASK = {"name": "watch", "state": "waiting", "restarts": 3, "last_error": "OSError at watch.py:80"}
CORRUPT = {"path": "/home/dev/.carryover/ledger.corrupt-1.sqlite", "bytes": 2_000_000}


@pytest.mark.parametrize(
    ("title", "of_ledger", "others", "shown"),
    [
        ("redacted", {"redactions": {"jwt": 1}}, {}, "1 secret before it was stored: 1 jwt"),
        (
            "not understood (skipped, nothing else is affected)",
            {"skipped": [{**SKIPPED, "n": 12, "last_ms": NOW_MS}]},
            {},
            "claude-code 2.9.0: 12 records of type hologram (unknown type)",
        ),
        (
            "cannot be read now",
            {"broken": [{**BROKEN, "retry_ms": NOW_MS + 2 * MINUTE_MS}]},
            {},
            "~/.claude/a.jsonl: Permission denied; next try in 2 min",
        ),
        (
            "tasks of the daemon in trouble",
            {},
            {"daemon": {**HEALTH, "tasks": [TASK]}},
            "watch: waiting, 3 restarts; OSError at watch.py:80",
        ),
        (
            "moved aside",
            {},
            {"corrupt_ledgers": [CORRUPT]},
            "~/.carryover/ledger.corrupt-1.sqlite (2.0 MB) was damaged; what could be read was kept. "
            "Delete it when you miss nothing.",
        ),
        (
            "what happened to the ledger",
            {"incidents": [{"at_ms": NOW_MS - 2 * MINUTE_MS, "text": "The ledger was damaged."}]},
            {},
            "2 min ago: The ledger was damaged.",
        ),
    ],
)
def test_what_is_not_as_usual_has_a_section(
    title: str, of_ledger: dict[str, Any], others: dict[str, Any], shown: str
) -> None:
    assert section(title, ledger={**LEDGER, **of_ledger}, **others) == [f"  {shown}"]


def limit(root: str, **more: object) -> dict[str, Any]:
    commands = [f"carryover to {agent} {root}" for agent in ("codex", "cursor")]
    row = {"root": root, "agent": "claude-code", "name": "Claude Code", "at_ms": NOW_MS - 2 * MINUTE_MS}
    return {**row, "resets": "3pm", "commands": commands, **more}


def test_a_usage_limit_stands_first_with_the_command_that_continues() -> None:
    limits = [limit("/home/dev/shop"), limit("/srv/blog", resets=None, commands=[])]

    assert lines(ledger={**LEDGER, "limits": limits})[:4] == [
        "Claude Code reached its usage limit in ~/shop 2 min ago; it resets 3pm. "
        "Continue: carryover to codex /home/dev/shop",
        "Claude Code reached its usage limit in /srv/blog 2 min ago.",
        "",
        "carryoverd         not running, so no handoff is kept fresh; `carryover doctor` says how to start it",
    ]


def test_a_folder_cannot_speak_to_the_terminal_in_a_limits_line() -> None:
    shown = lines(ledger={**LEDGER, "limits": [limit("/srv/\x1b]0;gotcha\x07shop")]})[0]

    assert "\x1b" not in shown and "\x07" not in shown


def test_problems_stand_near_the_top() -> None:
    daemon = {
        **HEALTH,
        "watch": {"mode": "polling", "reason": "watches"},
        "ledger_trouble": "The disk is full.",
        "config_trouble": "config.toml is not valid TOML.",
    }

    assert lines(daemon=daemon, ledger_problem="The ledger is newer.")[4:8] == [
        "problem            The ledger is newer.",
        "problem            The disk is full.",
        "problem            config.toml is not valid TOML.",
        "problem            The folders are polled instead of watched: the limit on inotify watches is reached",
    ]


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


def lines_of_agent(**more: object) -> list[str]:
    agent = msgspec.convert({**AGENT, **more}, AgentReport)
    return list(agent_lines(agent, msgspec.convert(NOTHING, Report), NOW_MS))


def hooks_line(**more: object) -> str:
    return lines_of_agent(hooks={**HOOKS, **more})[-1].strip()


def test_an_agent_is_reported_with_version_paths_and_times() -> None:
    assert lines_of_agent() == [
        "Claude Code      2.1.328, last event 3 min ago, last handoff 1 min ago",
        "                 transcripts in ~/.claude/projects",
        "                 hooks in ~/.claude/settings.json: in place SessionStart, Stop",
    ]


def test_a_version_that_is_not_known_and_an_agent_that_was_not_chosen_are_reported() -> None:
    assert lines_of_agent(state="newer", version="9.9.0", selected=False, last_event_ms=None, last_handoff_ms=None)[
        0
    ] == (
        "Claude Code      9.9.0, newer than the versions that are known; their last hooks are used, not selected, "
        "nothing recorded yet"
    )


def test_hooks_that_are_not_as_they_should_be_are_named_by_event() -> None:
    assert hooks_line(present=["Stop"], missing=["SessionStart"], edited=["SessionEnd"]) == (
        "hooks in ~/.claude/settings.json: in place Stop; missing SessionStart; edited by hand SessionEnd"
    )


def test_settings_that_cannot_be_read_say_why() -> None:
    problem = "/home/dev/.claude/settings.json can't be used: it is not valid JSON."

    assert hooks_line(present=[], problem=problem) == (
        "hooks in ~/.claude/settings.json: can't be used: it is not valid JSON."
    )


def short(width: int = 80, **more: object) -> list[str]:
    return short_lines(msgspec.convert({**NOTHING, **more}, Report), now_ms=NOW_MS, width=width)


def test_the_short_form_says_what_runs_what_is_recorded_and_where_more_is() -> None:
    assert short() == [
        "carryoverd   not installed; `carryover install` sets it up and asks one question",
        "recorded     nothing yet",
        "more         `carryover status -v`",
    ]
    assert short(agents=[AGENT])[0] == "carryoverd   not running, so no handoff is kept fresh: `carryover start`"
    ledger = {**LEDGER, "projects": [project("/home/dev/shop"), project("/srv/blog")], "project_count": 14}
    assert short(daemon=HEALTH, ledger=ledger, agents=[AGENT]) == [
        "carryoverd   running for 2 h, caught up",
        "recorded     2 sessions in 14 projects, 12.3 MB, newest 3 min ago",
        "agents       Claude Code 3 min ago",
        "projects     ~/shop 3 min ago, /srv/blog 3 min ago and 12 more",
        "more         `carryover status -v`",
    ]


def test_the_short_form_names_the_agents_by_their_last_use() -> None:
    idle = {**AGENT, "id": "aider", "name": "Aider", "last_event_ms": None}
    later = {**AGENT, "id": "codex", "name": "Codex CLI", "last_event_ms": NOW_MS - MINUTE_MS}

    [line] = [line for line in short(agents=[idle, AGENT, later]) if line.startswith("agents")]

    assert line == "agents       Codex CLI 1 min ago, Claude Code 3 min ago, Aider nothing yet"


def test_what_was_not_selected_is_no_problem() -> None:
    entry = {"entry": ".carryover/handoff-opencode.md", "key": "instructions"}
    agent = {**AGENT, "hooks": None, "entry": entry, "last_event_ms": None}

    assert not any(line.startswith("problem") for line in short(agents=[{**agent, "selected": None}]))
    assert not any(line.startswith("problem") for line in short(agents=[{**agent, "selected": False}]))
    assert any(line.startswith("problem") for line in short(agents=[{**agent, "selected": True}]))


def test_a_project_that_is_paused_is_named_until_it_is_not() -> None:
    config = {"path": "/home/dev/.carryover/config.toml", "excluded": ["/home/dev/shop", "~/clients/*", "/srv/blog"]}
    said = "left out     ~/shop, ~/clients/* and 1 more; `carryover unpause PROJECT` includes a project again"

    assert said in short(config=config)
    assert not any(line.startswith("left out") for line in short(config={**config, "excluded": []}))


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_short_form_has_ten_lines_at_most_and_lists_what_has_room(width: int) -> None:
    hooks = {**HOOKS, "missing": ["SessionStart"]}
    ledger = {
        **LEDGER,
        "projects": [project(f"/home/dev/project{number}") for number in range(50)],
        "project_count": 60,
        "limits": [limit("/home/dev/shop"), limit("/srv/blog"), limit("/srv/third")],
    }
    found = short(
        width, paused=True, ledger=ledger, agents=[{**AGENT, "hooks": hooks}] * 9, ledger_problem="It is new."
    )

    assert len(found) == 10
    assert [line[:13].strip() for line in found[2:]] == [
        "carryoverd",
        "paused",
        "recorded",
        "agents",
        "projects",
        "problem",
        "",
        "more",
    ]
    assert "Continue: carryover to codex /home/dev/shop" in found[0]
    assert found[7] == "problem      It is new."
    assert found[8] == "             and 9 more problems"
    assert all(len(found[at]) <= width and found[at].endswith(" more") for at in (5, 6))


def test_hooks_that_are_only_to_be_reviewed_are_no_problem_in_the_short_form() -> None:
    found = short(agents=[{**AGENT, "hooks": {**HOOKS, "to_review": HOOKS["present"]}}])

    assert found[-2:] == [
        "to do        Claude Code: its hooks run once you have reviewed them",
        "more         `carryover status -v`; `carryover doctor` says what to do",
    ]


def test_hooks_that_are_not_in_place_are_a_problem_in_the_short_form() -> None:
    found = short(agents=[{**AGENT, "hooks": {**HOOKS, "present": ["Stop"], "missing": ["SessionStart"]}}])

    assert found[-2:] == [
        "problem      Claude Code: hooks in ~/.claude/settings.json: in place Stop; missing SessionStart",
        "more         `carryover status -v`; `carryover doctor` says what to do",
    ]
