from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from carryover import __version__
from carryover.agents import specs, startable_agents
from carryover.errors import ExitCode
from carryover.faces.cli import status
from carryover.past.context import state_dir
from carryover.past.findings.facts import Gathered
from carryover.past.without_daemon import catch_up
from support.agent_here import everything, only_this_path
from support.check_up import found
from support.claude_session import ClaudeSession
from support.codex_session import CodexSession
from support.daemon_process import DaemonProcess, agree_to_pointers, wait_until
from support.recorded_shop import DISCOUNT, Run
from support.repository import repository
from support.tools import program


def status_json(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run.out("status", "--json"))
    return found


def test_without_any_state_it_works_and_creates_nothing(home: Path, run: Run) -> None:
    before = everything(home)

    found = status_json(run)

    assert everything(home) == before
    assert (found["daemon"], found["ledger"], found["problems"]) == (None, None, [])
    assert (found["version"], found["state_folder"]) == (__version__, str(home / ".carryover"))


def test_it_changes_nothing_of_a_ledger_that_a_killed_daemon_left_open(recorded: Path, home: Path, run: Run) -> None:
    """Then the log beside the ledger holds what is not in it yet."""
    script = (
        "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
        "db.execute('INSERT INTO counter VALUES (\"redacted:jwt\", 7)'); db.commit(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(state_dir().ledger)], check=False)
    before = everything(home)

    assert status_json(run)["ledger"]["redactions"] == {"jwt": 7}

    assert everything(home) == before
    assert state_dir().ledger.with_name("ledger.sqlite-wal").stat().st_size > 0


def test_a_limit_is_reported_with_commands_of_agents_that_are_at_none(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan's limit holds everywhere, so no agent is offered that stopped at its limit in another project."""
    only_this_path(home, monkeypatch)
    for spec in specs():
        if spec.start is not None:
            program(home / "bin" / spec.binaries[0], "exit 0")
    roots = [repository(home / name) for name in ("blog", "shop")]
    now = datetime.now(UTC)
    codex = CodexSession(home / ".codex", roots[0], now=now - timedelta(minutes=5))
    codex.prompt("Put a picture into the post")
    codex.limit(f"You've hit your usage limit. Try again at {(now + timedelta(hours=2)).astimezone():%H:%M}.")
    claude = ClaudeSession(home / ".claude" / "projects", roots[1])
    claude.prompt("Add a discount")
    claude.limit()
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text(f"[agents]\nselected = {json.dumps(startable_agents(None))}\n")
    for root in roots:
        catch_up(str(root))

    left = [agent for agent in startable_agents(None) if agent not in ("claude-code", "codex")]
    assert {limit["root"]: limit["commands"] for limit in status_json(run)["ledger"]["limits"]} == {
        str(root): [f"carryover to {agent} {root}" for agent in left] for root in roots
    }

    handoff = run.out("handoff", str(roots[1]))
    assert f"`carryover to {left[0]}` (or {', '.join([*left[1:4], 'others'])})" in handoff, "as it is in a handoff"

    shutil.rmtree(roots[0])
    [limit] = [limit for limit in status_json(run)["ledger"]["limits"] if limit["commands"]]
    assert limit["root"] == str(roots[1]), "in a folder that is gone nothing continues"


def test_a_running_daemon_is_mentioned(shop: Path, run: Run) -> None:
    agree_to_pointers(state_dir())
    with DaemonProcess() as running:
        running.settle()
        daemon = status_json(run)["daemon"]
        for_people = run("status", "-v")[1]
        said = (run("status")[1] for _ in count())
        short = wait_until("all to be read and written", lambda: text if "caught up" in (text := next(said)) else None)

    assert (daemon["version"], daemon["caught_up"]) == (__version__, True)
    assert [project["root"] for project in daemon["projects"]] == [str(shop)]
    assert re.search(rf"\n  carryoverd       {re.escape(__version__)}, process {daemon['pid']}\n", for_people)
    ago = r"(just now|\d+ s ago)"
    assert re.search(
        rf"\ncarryoverd   running for \d+ s, caught up\nrecorded     2 sessions in 1 project, .* kB, newest {ago}\n"
        rf"agents       .*Claude Code {ago}.*\nprojects     ~/shop {ago}\n",
        short,
    )
    assert re.search(rf"\n  ~/shop: last event {ago}, handoff written {ago}\n", for_people)


def test_before_an_install_it_lists_what_would_be_read(claude: Path, shop: Path, run: Run) -> None:
    assert "\nrecorded     nothing yet; 2 transcripts to read, " in f"\n{run.out('status')}"
    assert [(row["agent"], row["transcripts"]) for row in status_json(run)["would_read"]] == [("claude-code", 2)]


HOME = Path("/home/dev")
NOW_MS = 1_800_000_000_000
MINUTE_MS = 60_000

NOTHING: dict[str, Any] = {
    "version": "0.1.0",
    "home": str(HOME),
    "state_folder": "/home/dev/.carryover",
    "agents": [{"id": "claude-code", "name": "Claude Code", "state": "missing"}],
    "installed": True,
    "service": {"kind": "none", "installed": False, "trouble": "There is no systemd on this machine."},
}
HEALTH = {"version": "0.1.0", "pid": 4711, "uptime_s": 7300.4, "caught_up": True}
LEDGER = {"path": "/home/dev/.carryover/ledger.sqlite", "sessions": 2, "project_count": 1, "bytes": 12_300_000}


def project(root: str, **more: object) -> dict[str, Any]:
    row = {"root": root, "last_event_ms": NOW_MS - 3 * MINUTE_MS, "published_ms": None, "refusal": None}
    return {"id": 1, "main_root": None, "published_sha": None, **row, **more}


def lines(width: int | None = None, /, **more: Any) -> list[str]:
    return status.lines(msgspec.convert({**NOTHING, **more}, Gathered), now_ms=NOW_MS, width=width)


def section(title: str, **more: Any) -> list[str]:
    """The lines of one section, empty where it is not shown."""
    found = lines(**more)
    if title not in found:
        return []
    rest = found[found.index(title) + 1 :]
    return rest[: rest.index("")] if "" in rest else rest


def test_what_is_installed_is_not_called_missing_when_its_settings_can_not_be_read() -> None:
    trouble = "/home/dev/.carryover/config.toml is not valid TOML: line 3."

    assert lines(installed=True, config_problem=trouble)[0].startswith("carryoverd   not running, ")


def test_before_anything_was_done_it_says_what_there_is_and_what_to_do() -> None:
    assert lines(installed=False) == [
        "carryoverd   not installed; `carryover install` sets it up once you use an agent",
        "recorded     nothing yet",
        *("", "background", "  service          none: There is no systemd on this machine."),
        *("", "agents", "  not here         Claude Code"),
    ]


def test_where_no_agent_is_found_the_short_form_says_so() -> None:
    said = "agents       none found; `carryover agents` lists those that are known"

    assert said in short(agents=[])
    assert said not in short(agents=[AGENT])


def test_what_runs_in_the_background_is_shown_with_numbers_and_units() -> None:
    service = {"kind": "systemd", "installed": True, "enabled": True, "active": False, "restarts": 5}

    assert section("background", daemon=HEALTH, service=service) == [
        "  carryoverd       0.1.0, process 4711",
        "  service          systemd, enabled, not active, 5 restarts",
    ]


def test_a_project_is_reported_with_its_last_event_and_its_handoff() -> None:
    projects = [
        project("/home/dev/shop", published_ms=NOW_MS - MINUTE_MS, published_sha="0abc"),
        project("/home/dev/old", last_event_ms=0),
        project("/home/dev/tracked", refusal=".carryover is tracked by git"),
        project("/home/dev/full"),
    ]
    full = {"root": "/home/dev/full", "error": "no space left", "notes": ["CLAUDE.md was left alone: not text"]}

    assert section("projects", ledger={**LEDGER, "projects": projects}, daemon={**HEALTH, "projects": [full]}) == [
        "  ~/shop: last event 3 min ago, handoff written 1 min ago",
        "  ~/old: last event never, no handoff written",
        "  ~/tracked: last event 3 min ago, handoff not written: .carryover is tracked by git",
        "  ~/full: last event 3 min ago, handoff not written: no space left (CLAUDE.md was left alone: not text)",
    ]


def test_only_a_handoff_that_should_have_been_written_stands_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    projects = [project("/home/dev/off", refusal='publish.pointers is "off" for it'), project("/home/dev/full")]
    daemon = {**HEALTH, "projects": [{"root": "/home/dev/full", "error": "no space left"}]}

    shown = lines(ledger={**LEDGER, "projects": projects}, daemon=daemon)

    assert ["33m" in line for line in shown if "handoff not written" in line] == [False, True]


def test_what_is_not_as_usual_has_a_section() -> None:
    type_ = {"agent_version": "2.9.0", "record_type": "hologram", "reason": "unknown type", "n": 12, "last_ms": NOW_MS}
    broken = {"path": "/home/dev/.claude/a.jsonl", "error": "Permission denied", "retry_ms": NOW_MS + 2 * MINUTE_MS}
    ledger = {
        **LEDGER,
        "redactions": {"jwt": 1},
        "skipped": [{"agent": "claude-code", **type_}],
        "broken": [{"agent": "claude-code", "failures": 1, **broken}],
        "incidents": [{"at_ms": NOW_MS - 2 * MINUTE_MS, "text": "The ledger was damaged."}],
    }
    task = {"name": "watch", "state": "waiting", "restarts": 3, "last_error": "OSError at watch.py:80"}
    expected = {
        "redacted before it was stored": "1 secret: 1 jwt",
        "not understood (skipped, nothing else is affected)": (
            "claude-code 2.9.0: 12 records of type hologram (unknown type)"
        ),
        "cannot be read now": "~/.claude/a.jsonl: Permission denied; next try in 2 min",
        "what happened to the ledger": "2 min ago: The ledger was damaged.",
        "tasks of the daemon in trouble": "watch: waiting, 3 restarts; OSError at watch.py:80",
    }
    odd = {"ledger": ledger, "daemon": {**HEALTH, "tasks": [task]}}

    assert {title: section(title, **odd) for title in expected} == {
        title: [f"  {line}"] for title, line in expected.items()
    }


def limit(root: str, **more: object) -> dict[str, Any]:
    commands = [f"carryover to {agent} {root}" for agent in ("codex", "cursor")]
    row = {"root": root, "agent": "claude-code", "name": "Claude Code", "at_ms": NOW_MS - 2 * MINUTE_MS}
    return {**row, "resets": "9pm (Asia/Kolkata)", "resets_here": "15:30", "commands": commands, **more}


def test_a_usage_limit_stands_first_with_the_command_that_continues() -> None:
    limits = [limit("/home/dev/shop"), limit("/srv/\x1b]0;gotcha\x07blog", resets=None, resets_here=None, commands=[])]

    first, second, third, *_ = lines(ledger={**LEDGER, "limits": limits})

    reached = "Claude Code reached its usage limit in ~/shop 2 min ago; it resets 15:30."
    assert first == f"{reached} Continue: `carryover to codex /home/dev/shop`"
    assert second.endswith("blog 2 min ago.") and "\x1b" not in second and "\x07" not in second
    assert third.startswith("carryoverd ")


HOOKS: dict[str, Any] = {"present": ["SessionStart", "Stop"]}
AGENT: dict[str, Any] = {
    "id": "claude-code",
    "name": "Claude Code",
    "selected": True,
    "state": "ok",
    "version": "2.1.328",
    "config": "/home/dev/.claude/settings.json",
    "hooks": HOOKS,
    "roots": {"/home/dev/.claude/projects": True},
    "last_event_ms": NOW_MS - 3 * MINUTE_MS,
}


def test_an_agent_is_reported_with_version_paths_and_times() -> None:
    assert section("agents", agents=[AGENT]) == [
        "  Claude Code      2.1.328, last event 3 min ago",
        "                   transcripts in ~/.claude/projects",
        "                   hooks in ~/.claude/settings.json: SessionStart, Stop",
    ]
    newer = {**AGENT, "state": "newer", "version": "9.9.0", "selected": False, "last_event_ms": None}
    assert section("agents", agents=[newer])[0] == (
        "  Claude Code      9.9.0, newer than the versions that are known; their last hooks are used, not selected, "
        "nothing recorded yet"
    )
    for selected, watched in ((True, "; watched all the same"), (False, "")):
        away = {**AGENT, "selected": selected, "roots": {"/home/dev/.claude/projects": False}}
        assert section("agents", agents=[away])[1].endswith(f"/.claude/projects (not there yet{watched})")


short = partial(lines, 80)


def test_the_short_form_says_what_runs_what_is_recorded_and_where_more_is() -> None:
    assert short(agents=[AGENT])[0] == "carryoverd   not running, so no handoff is kept fresh: `carryover start`"
    assert short(agents=[AGENT], installed=False)[0].startswith("carryoverd   not installed; "), "after an uninstall"
    ledger = {**LEDGER, "projects": [project("/home/dev/shop"), project("/srv/blog")], "project_count": 14}
    idle = {**AGENT, "id": "aider", "name": "Aider", "last_event_ms": None}
    later = {**AGENT, "id": "codex", "name": "Codex CLI", "last_event_ms": NOW_MS - MINUTE_MS}
    assert short(daemon=HEALTH, ledger=ledger, agents=[idle, AGENT, later]) == [
        "carryoverd   running for 2 h, caught up",
        "recorded     2 sessions in 14 projects, 12.3 MB, newest 3 min ago",
        "agents       Codex CLI 1 min ago, Claude Code 3 min ago, Aider nothing yet",
        "projects     ~/shop 3 min ago, /srv/blog 3 min ago and 12 more",
        "more         `carryover status -v`",
    ]


def test_a_daemon_that_hangs_is_not_said_to_be_stopped() -> None:
    said = short(daemon_problem="A daemon runs, but did not answer within 2 s.", agents=[AGENT])

    assert said[0] == "carryoverd   does not answer: `carryover restart`"
    assert not any("not running" in line for line in said)


def test_a_project_that_is_paused_is_named_until_it_is_not() -> None:
    projects = {"exclude": ["/home/dev/shop", "~/clients/*", "/srv/blog"]}
    said = "left out     ~/shop, ~/clients/* and 1 more; `carryover unpause PROJECT` includes a project again"

    assert said in short(config={"projects": projects})
    assert not any(line.startswith("left out") for line in short(config={}))


@pytest.mark.parametrize("odd", [{"paused": True}, {"ledger_trouble": "The disk is full."}], ids=["paused", "full"])
def test_a_daemon_that_reads_nothing_now_is_not_said_to_be_at_it(odd: dict[str, Any]) -> None:
    assert short(daemon={**HEALTH, **odd}, paused="paused" in odd)[0] == "carryoverd   running for 2 h"


@pytest.mark.parametrize("width", [60, 200])
def test_the_short_form_has_ten_lines_at_most_and_lists_what_has_room(width: int) -> None:
    hooks = {**HOOKS, "missing": ["SessionStart"]}
    projects = [project(f"/home/dev/project{number}") for number in range(50)]
    limits = [limit("/home/dev/shop"), limit("/srv/blog"), limit("/srv/third")]
    found = lines(
        width,
        paused=True,
        ledger={**LEDGER, "projects": projects, "project_count": 60, "limits": limits},
        agents=[{**AGENT, "name": f"A rather long name {n}", "hooks": hooks} for n in range(9)],
        ledger_problem="It is new.",
    )

    names = ["carryoverd", "paused", "recorded", "agents", "projects", "problem", "", "more"]
    assert [line[:13].strip() for line in found[2:]] == names
    assert "Continue: `carryover to codex /home/dev/shop`" in found[0]
    assert found[7:9] == ["problem      It is new.", "             and 9 more problems"]
    assert all(len(found[at]) <= width and found[at].endswith(" more") for at in (5, 6))


def test_what_the_doctor_would_find_at_a_glance_is_named() -> None:
    hooks = {**HOOKS, "present": ["Stop"], "missing": ["SessionStart"], "to_review": ["Stop"]}
    daemon = {**HEALTH, "version": "0.2.0", "ledger_trouble": "The disk is full."}

    assert short(agents=[{**AGENT, "hooks": hooks}], daemon=daemon)[-5:] == [
        "problem      carryoverd is 0.2.0, this command is 0.1.0: run `carryover refresh --yes`.",
        "problem      The disk is full.",
        "problem      Claude Code: hooks are missing in ~/.claude/settings.json: SessionStart.",
        "to do        Claude Code: hooks are installed, but not reviewed yet: Stop.",
        "more         `carryover status -v`; `carryover doctor` says what to do",
    ]


COMMANDS: Final = ("show", "search discount", "log", "why cart.py", "export", f"export --session {DISCOUNT}", "handoff")


def damage(column: str, where: str) -> int:
    """Changes what matching events hold, as a disk would; returns how many there were."""
    with closing(sqlite3.connect(state_dir().ledger, isolation_level=None)) as db:
        return db.execute(f"UPDATE event SET body = {column} WHERE {where}").rowcount


@pytest.fixture(params=["x'8000ff'", '\'{"kind":"nothing"}\''])
def damaged(recorded: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop, of whose events every third is damaged."""
    assert damage(request.param, "id % 3 = 0") > 2
    monkeypatch.chdir(recorded)
    return recorded


def test_it_is_left_out_and_that_is_said(damaged: Path, run: Run) -> None:
    for command in COMMANDS:
        code, _, err = run(*command.split())
        assert (code in (ExitCode.OK, ExitCode.NOTHING_FOUND), "Traceback" in err) == (True, False), command

    code, out, err = run("show", DISCOUNT)
    assert f"Session {DISCOUNT}" in out and "damaged entries of the ledger" in err and "doctor --fix" in err

    with closing(sqlite3.connect(state_dir().ledger)) as db:
        db.executescript("PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = 3 WHERE name = 'session'")
    said = {command: run(*command.split())[2] for command in COMMANDS[:4]}
    assert [command for command, err in said.items() if "ledger.sqlite is damaged" not in err] == [], said


def test_doctor_finds_it_and_reads_it_again(
    installed: Path, recorded: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded)
    whole = run("show", DISCOUNT)
    number, before = damage("x'8000ff'", "id % 3 = 0"), everything(home)
    assert f"{number} entries cannot be read" in run("doctor")[1]
    assert everything(home) == before, "without --fix it changes nothing"
    run("doctor", "--fix")

    assert (run("show", DISCOUNT), "cannot be read" in run("doctor")[1]) == (whole, False)
    with closing(sqlite3.connect(state_dir().ledger, isolation_level=None)) as db:
        db.execute("PRAGMA user_version = 99")
        assert [what for what in found(run, "--fix") if "written by a newer Carryover" in what], "nor is it moved aside"


def test_while_the_history_is_read_it_says_how_far_that_is() -> None:
    behind = {**HEALTH, "caught_up": False, "last_sweep_ms": 1, "sources": 340, "waiting_sources": 300}

    assert "carryoverd   running for 2 h, 40 of 340 transcripts read, newest project first" in lines(daemon=behind)
