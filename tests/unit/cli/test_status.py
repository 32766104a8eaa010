from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from carryover import __version__
from carryover.actions.context import state_dir
from carryover.actions.from_disk import catch_up
from carryover.agents import agent_ids, specs, startable_agents
from carryover.errors import ExitCode
from support.agent_here import everything, only_this_path
from support.codex_session import CodexSession
from support.daemon_process import DaemonProcess, agree_to_pointers
from support.forked import CARRYOVER
from support.recorded_shop import CHECKOUT, Run
from support.terminal import CTRL_C, Terminal
from support.tools import program


def status_json(run: Run) -> dict[str, object]:
    code, out, err = run("status", "--json")
    assert (code, err) == (ExitCode.OK, "")
    found: dict[str, object] = json.loads(out)
    return found


def test_without_any_state_it_works_and_creates_nothing(home: Path, run: Run) -> None:
    before = everything(home)

    found = status_json(run)

    assert everything(home) == before
    assert found["daemon"] is None
    assert found["ledger"] is None
    assert found["problems"] == []
    assert (found["version"], found["state_folder"]) == (__version__, str(home / ".carryover"))


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_it_changes_nothing_of_a_ledger_that_was_closed(
    recorded: Path, home: Path, run: Run, arguments: tuple[str, ...]
) -> None:
    before = everything(home)

    assert run("status", *arguments)[0] == ExitCode.OK
    assert everything(home) == before


def test_it_changes_nothing_of_a_ledger_that_a_killed_daemon_left_open(recorded: Path, home: Path, run: Run) -> None:
    """Then the log beside the ledger holds what is not in it yet."""
    script = (
        "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
        "db.execute('INSERT INTO counter VALUES (\"redacted:jwt\", 7)'); db.commit(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(state_dir().ledger)], check=False)
    assert state_dir().ledger.with_name("ledger.sqlite-wal").stat().st_size > 0
    before = everything(home)

    found = status_json(run)

    assert everything(home) == before
    assert isinstance(found["ledger"], dict)
    assert found["ledger"]["redactions"] == {"jwt": 7}


def by_id(agents: Any, agent_id: str) -> Any:
    [found] = [agent for agent in agents if agent["id"] == agent_id]
    return found


def test_an_agent_is_listed_with_what_is_covered_of_it(installed: Path, home: Path, run: Run) -> None:
    (home / ".claude/projects").mkdir(parents=True)

    agents = status_json(run)["agents"]

    assert isinstance(agents, list)
    assert by_id(agents, "claude-code") == {
        "id": "claude-code",
        "name": "Claude Code",
        "selected": True,
        "newly_covered": False,
        "state": "ok",
        "version": "2.1.328",
        "binary": str(home / "bin/claude"),
        "config": str(installed),
        "lost_folder": None,
        "lost_by": None,
        "entry": None,
        "hooks": {
            "present": ["SessionStart", "PreCompact", "Stop", "StopFailure", "SessionEnd"],
            "missing": [],
            "edited": [],
            "to_review": [],
            "reviewed": False,
            "switched_off": False,
            "switched_off_by": None,
            "switched_off_in": None,
            "problem": None,
            "dropped": None,
        },
        "review": None,
        "roots": [{"path": str(home / ".claude/projects"), "exists": True}],
        "moved_from": [],
        "roots_today": [str(home / ".claude/projects")],
        "reads_bytes": None,
        "keeps_days": 30,
        "kept_by": "cleanupPeriodDays",
        "sessions": 0,
        "last_event_ms": None,
        "last_handoff_ms": None,
    }
    assert [agent["id"] for agent in agents] == list(agent_ids())


def test_a_pause_and_the_service_are_reported(claude: Path, run: Run) -> None:
    assert run("pause")[0] == ExitCode.OK

    found = status_json(run)

    assert found["paused"] is True
    assert isinstance(found["service"], dict)
    assert found["service"]["installed"] is False


def test_watching_looks_again_until_it_is_interrupted(claude: Path) -> None:
    command = [sys.executable, "-u", "-m", "carryover.cli.main", "status", "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        looks = (line for line in watching.stdout if line.startswith("carryoverd "))
        assert all(next(looks, None) for _ in range(2)), "it ended without a second look"
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=30)

    assert (watching.returncode, err) == (ExitCode.INTERRUPTED, "")


def test_watching_shows_no_more_than_the_screen_has_room_for(recorded: Path) -> None:
    command = [*CARRYOVER, "status", "--watch", "-v"]
    with Terminal(command, os.environ, columns=60, lines=8) as terminal:
        terminal.wait_for("more lines: without --watch all are shown")
        terminal.press(CTRL_C)
        code, text = terminal.end()

    [screen] = [text] if (first := text.partition("without --watch all are shown"))[1] == "" else [first[0] + first[1]]
    assert (code, len(screen.splitlines())) == (ExitCode.INTERRUPTED, 8)
    assert max(map(len, screen.splitlines())) <= 60


def test_watching_as_data_gives_an_object_per_line_and_ends_with_its_reader(claude: Path) -> None:
    command = [*CARRYOVER, "status", "--watch", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        first, second = (json.loads(watching.stdout.readline()) for _ in range(2))
        watching.stdout.close()
        code = watching.wait(timeout=30)
        assert watching.stderr is not None
        err = watching.stderr.read()

    assert first.keys() == second.keys() >= {"agents", "problems"}
    assert (code, err) == (ExitCode.OK, "")


def test_the_ledger_is_counted(recorded: Path, run: Run) -> None:
    ledger = status_json(run)["ledger"]

    assert isinstance(ledger, dict)
    assert (ledger["sessions"], ledger["project_count"], ledger["sources"]) == (2, 1, 2)
    assert [project["root"] for project in ledger["projects"]] == [str(recorded)]
    assert ledger["bytes"] == state_dir().ledger.stat().st_size


def limit_record(shop: Path, at: datetime) -> str:
    """The newest session's next line: what Claude Code 2.1.328 writes at a usage limit."""
    transcript = next(shop.parent.glob(f".claude/projects/*/{CHECKOUT}.jsonl"))
    records = [json.loads(line) for line in transcript.read_text().splitlines()]
    record = next(record for record in records if record["type"] == "assistant") | {"uuid": str(uuid4())}
    text = {"type": "text", "text": "You've hit your session limit · resets 3pm (Europe/Amsterdam)"}
    record["message"] = {"id": "m1", "role": "assistant", "model": "<synthetic>", "content": [text]}
    record |= {"isApiErrorMessage": True, "error": "rate_limit", "timestamp": at.isoformat(timespec="milliseconds")}
    with transcript.open("a") as file:
        file.write(json.dumps(record) + "\n")
    return str(transcript)


def test_a_limit_of_the_last_hours_is_reported_with_the_command_that_continues(shop: Path, run: Run) -> None:
    """Newer than all else that was recorded, since what is replayed happened just now."""
    at = datetime.now(UTC) + timedelta(minutes=1)
    limit_record(shop, at)
    state_dir().root.mkdir(mode=0o700)
    catch_up(state_dir(), str(shop))
    before = everything(shop.parent)

    ledger = status_json(run)["ledger"]
    shown = run("status")[1]

    assert isinstance(ledger, dict)
    [limit] = ledger["limits"]
    assert (limit["agent"], limit["root"], limit["resets"]) == ("claude-code", str(shop), "3pm (Europe/Amsterdam)")
    assert limit["at_ms"] == int(at.timestamp() * 1000)
    assert [command.endswith(f" {shop}") for command in limit["commands"]] == [True] * len(limit["commands"])
    assert shown.startswith("Claude Code reached its usage limit in ~/shop just now; it resets 3pm (Europe/Amsterdam).")
    assert everything(shop.parent) == before


def test_a_limit_in_a_project_that_is_left_out_is_not_reported(shop: Path, run: Run) -> None:
    limit_record(shop, datetime.now(UTC))
    state_dir().root.mkdir(mode=0o700)
    catch_up(state_dir(), str(shop))
    assert run("pause", str(shop))[0] == ExitCode.OK

    ledger = status_json(run)["ledger"]

    assert isinstance(ledger, dict)
    assert ledger["limits"] == []
    assert [project["refusal"] for project in ledger["projects"]] == [
        f"excluded by [projects] exclude = '{shop}' in config.toml"
    ]


def test_no_agent_is_offered_that_stopped_at_its_limit_in_another_project(
    shop: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan's limit holds everywhere."""
    only_this_path(home, monkeypatch)
    for spec in specs():
        if spec.start is not None:
            program(home / "bin" / spec.start.binary, "exit 0")
    limit_record(shop, datetime.now(UTC))
    other = home / "blog"
    (other / ".git").mkdir(parents=True)
    codex = CodexSession(home / ".codex", other)
    codex.prompt("Put a picture into the post")
    codex.limit("You've hit your usage limit. Try again at 8:05 AM.")
    state_dir().root.mkdir(mode=0o700)
    catch_up(state_dir(), str(shop))
    catch_up(state_dir(), str(other))

    ledger = status_json(run)["ledger"]

    assert isinstance(ledger, dict)
    left = [agent for agent in startable_agents(None) if agent not in ("claude-code", "codex")]
    assert {limit["root"]: limit["commands"] for limit in ledger["limits"]} == {
        str(root): [f"carryover to {agent} {root}" for agent in left] for root in (shop, other)
    }


def test_a_folder_of_transcripts_that_may_not_be_entered_is_reported_as_not_there(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may enter every folder, so the refusal is made up."""
    stat = Path.stat

    def refusing(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.is_relative_to(home / ".cursor"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", refusing)

    agents = status_json(run)["agents"]

    assert isinstance(agents, list)
    [cursor] = [agent for agent in agents if agent["id"] == "cursor"]
    assert {root["exists"] for root in cursor["roots"]} == {False}


def test_a_limit_of_yesterday_is_not_reported(shop: Path, run: Run) -> None:
    for transcript in shop.parent.glob(".claude/projects/*/*.jsonl"):
        transcript.write_text(transcript.read_text().replace(datetime.now(UTC).strftime("%Y-%m-%dT"), "2026-01-01T"))
    limit_record(shop, datetime(2026, 1, 2, tzinfo=UTC))
    state_dir().root.mkdir(mode=0o700)
    catch_up(state_dir(), str(shop))

    ledger = status_json(run)["ledger"]

    assert isinstance(ledger, dict)
    assert (ledger["sessions"], ledger["limits"]) == (2, [])


def test_a_running_daemon_is_mentioned(shop: Path, run: Run) -> None:
    agree_to_pointers(state_dir())
    with DaemonProcess() as running:
        running.settle()
        daemon = status_json(run)["daemon"]
        _, for_people, _ = run("status", "-v")
        short = run("status")[1]

    assert isinstance(daemon, dict)
    assert (daemon["version"], daemon["caught_up"]) == (__version__, True)
    assert [project["root"] for project in daemon["projects"]] == [str(shop)]
    assert f"\ncarryoverd         {__version__}, running, process {daemon['pid']}, for " in for_people
    ago = r"(just now|\d+ s ago)"
    assert re.search(
        rf"\ncarryoverd   running for \d+ s, caught up\nrecorded     2 sessions in 1 project, .* kB, newest {ago}\n"
        rf"agents       .*Claude Code {ago}.*\nprojects     ~/shop {ago}\n",
        short,
    )
    assert re.search(rf"\n  ~/shop: last event {ago}, handoff written {ago}\n", for_people)


def test_damaged_ledgers_that_were_moved_aside_are_named(recorded: Path, run: Run) -> None:
    aside = state_dir().root / "ledger.corrupt-20261120T062058.000Z.sqlite"
    aside.write_bytes(b"damaged")

    assert status_json(run)["corrupt_ledgers"] == [{"path": str(aside), "bytes": 7}]


def test_a_file_that_is_no_ledger_is_a_problem_that_is_reported(home: Path, run: Run) -> None:
    state_dir().root.mkdir()
    state_dir().ledger.write_bytes(b"not a database, though as long as one might be" * 100)

    found = status_json(run)

    assert found["ledger"] is None
    assert isinstance(found["problems"], list)
    assert str(state_dir().ledger) in found["problems"][0]


def test_keys_of_the_config_that_mean_nothing_are_reported(home: Path, run: Run) -> None:
    state_dir().root.mkdir()
    state_dir().config.write_text("[resume]\nmod = 'ask'\n")

    assert status_json(run)["config"] == {
        "path": str(state_dir().config),
        "unknown_keys": ["resume.mod (line 2)"],
        "excluded": [],
    }


def test_for_people_it_is_plain_text_when_piped(recorded: Path, run: Run) -> None:
    code, out, err = run("status", "-v")

    assert (code, err) == (ExitCode.OK, "")
    assert "\ncarryoverd         not running," in out
    assert "\x1b" not in out
    assert "  ~/shop: last event just now, no handoff written\n" in out


def test_before_an_install_it_lists_what_would_be_read(claude: Path, shop: Path, run: Run) -> None:
    _, out, _ = run("status", "-v")
    short = run("status")[1]
    data = json.loads(run("status", "--json")[1])

    assert (
        "would be read by `carryover install`, or by carryoverd once it runs\n  Claude Code      2 transcripts, " in out
    )
    assert "\nrecorded     nothing yet; there are 2 transcripts to read, " in f"\n{short}"
    assert [(row["agent"], row["transcripts"]) for row in data["would_read"]] == [("claude-code", 2)]
