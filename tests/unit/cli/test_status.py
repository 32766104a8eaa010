from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from carryover import __version__
from carryover.actions.context import state_dir
from carryover.actions.from_disk import catch_up
from carryover.agents import specs, startable_agents
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
    assert f"\n  carryoverd       {__version__}, process {daemon['pid']}, " in for_people
    ago = r"(just now|\d+ s ago)"
    assert re.search(
        rf"\ncarryoverd   running for \d+ s, caught up\nrecorded     2 sessions in 1 project, .* kB, newest {ago}\n"
        rf"agents       .*Claude Code {ago}.*\nprojects     ~/shop {ago}\n",
        short,
    )
    assert re.search(rf"\n  ~/shop: last event {ago}, handoff written {ago}\n", for_people)


def test_before_an_install_it_lists_what_would_be_read(claude: Path, shop: Path, run: Run) -> None:
    _, out, _ = run("status", "-v")
    short = run("status")[1]
    data = json.loads(run("status", "--json")[1])

    assert (
        "would be read by `carryover install`, or by carryoverd once it runs\n  Claude Code      2 transcripts, " in out
    )
    assert "\nrecorded     nothing yet; there are 2 transcripts to read, " in f"\n{short}"
    assert [(row["agent"], row["transcripts"]) for row in data["would_read"]] == [("claude-code", 2)]
