from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest

from carryover.actions.context import state_dir
from carryover.actions.project_handoff import MadeHandoff
from carryover.cli.handoff_output import as_data, lines_for_person, with_reasons
from carryover.distill.entry import Entry, Kind, Section
from carryover.distill.handoff import Handoff
from carryover.distill.render import render
from carryover.errors import ExitCode
from carryover.fsio import FileLock, private_dir
from support.forked import CARRYOVER
from support.recorded_shop import CHECKOUT, Run
from support.scripted_daemon import answering_socket
from support.terminal import Terminal

READING = (("handoff", "{shop}"), ("sessions", "{shop}"), ("sessions", "--all"), ("show", CHECKOUT))
"""The commands that read transcripts where there is no ledger."""


def prompt(project: Path, text: str) -> None:
    """The user gives one more prompt in the newest session of the project."""
    transcript = next(project.parent.glob(f".claude/projects/*/{CHECKOUT}.jsonl"))
    records = [json.loads(line) for line in transcript.read_text().splitlines()]
    record = next(record for record in records if record["type"] == "user") | {"uuid": str(uuid4())}
    record["message"] = {"role": "user", "content": text}
    record["timestamp"] = "2099-01-01T00:00:00.000Z"
    with transcript.open("a") as file:
        file.write(json.dumps(record) + "\n")


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_without_daemon_and_ledger_it_comes_from_disk_and_leaves_nothing_behind(
    shop: Path, home: Path, run: Run
) -> None:
    before = files(home)

    out = run.out("handoff", str(shop))

    assert out.startswith("# [CARRYOVER] Last updated ")
    assert ": Wire discount into checkout\n" in out
    assert "`checkout.py`" in out
    assert "branch main" in out
    assert out.splitlines()[-1].startswith(f"Full history: `carryover show {CHECKOUT}`")
    assert files(home) == before


@pytest.mark.parametrize("where", ["in the ledger", "on disk"])
def test_another_projects_handoff_is_never_given(
    where: str, tmp_path: Path, run: Run, request: pytest.FixtureRequest
) -> None:
    """Not even that of a project whose path begins the same."""
    shop = request.getfixturevalue("recorded" if where == "in the ledger" else "shop")
    (shop.parent / "shop2").mkdir()

    for other in (shop.parent / "shop2", shop.parent, tmp_path):
        err = run.err(ExitCode.NOTHING_FOUND, "handoff", str(other))

        assert "`carryover sessions --all`" in err


def test_what_was_written_since_the_ledger_was_is_read_first(recorded: Path, run: Run) -> None:
    prompt(recorded, "Now write the invoice module")

    out = run.out("handoff", str(recorded))

    assert "Now write the invoice module" in out
    assert "Now write the invoice module" in run("show", CHECKOUT)[1]
    assert FileLock(state_dir().lock).holder() is None


def test_a_project_that_asks_to_be_left_out_is_refused(shop: Path, run: Run) -> None:
    (shop / ".carryover.toml").write_text("exclude = true\n")

    err = run.err(ExitCode.REFUSED, "handoff", str(shop))

    assert "excluded by the project's own .carryover.toml" in err


def only_codex() -> None:
    private_dir(state_dir().root)
    state_dir().config.write_text('[tools]\nselected = ["codex"]\n')


def pause() -> None:
    private_dir(state_dir().root)
    state_dir().paused.touch()


def test_an_agent_that_was_not_selected_is_not_read(recorded: Path, run: Run) -> None:
    prompt(recorded, "Now write the invoice module")
    only_codex()

    out = run.out("handoff", str(recorded))

    assert "Wire discount into checkout" in out
    assert "Now write the invoice module" not in out + run("show", CHECKOUT)[1]


@pytest.mark.parametrize("command", READING)
def test_nor_where_there_is_no_ledger(command: tuple[str, ...], shop: Path, run: Run) -> None:
    only_codex()

    code, out, _ = run(*(word.format(shop=shop) for word in command))

    assert (code, out) == (ExitCode.NOTHING_FOUND, "")


def test_while_paused_what_was_recorded_is_given_and_nothing_is_read(recorded: Path, run: Run) -> None:
    prompt(recorded, "Now write the invoice module")
    pause()

    code, out, err = run("handoff", str(recorded))

    assert code == ExitCode.OK
    assert err == "Carryover is paused; this is what it recorded before. `carryover unpause` ends that.\n"
    assert "Wire discount into checkout" in out
    assert "Now write the invoice module" not in out + run("show", CHECKOUT)[1]


@pytest.mark.parametrize("command", READING)
def test_while_paused_without_a_ledger_nothing_is_read_at_all(command: tuple[str, ...], shop: Path, run: Run) -> None:
    pause()

    err = run.err(ExitCode.REFUSED, *(word.format(shop=shop) for word in command))

    assert "Carryover is paused, so no transcript is read" in err
    assert not state_dir().ledger.exists()


def test_nor_is_a_running_daemon_asked_to_read_while_paused(recorded: Path, run: Run) -> None:
    pause()

    with answering_socket(state_dir().socket, {"caught_up": False}):
        code, _, err = run("handoff", str(recorded))

    assert (code, err.count("\n")) == (ExitCode.OK, 1)


@pytest.mark.parametrize("text", ["[resume\n", "[resume]\nmode = 'loud'\n"], ids=["not TOML", "no such value"])
@pytest.mark.parametrize("place", ["recorded", "shop"], ids=["from the ledger", "straight from disk"])
def test_a_slip_in_the_settings_costs_a_warning_and_no_handoff(
    text: str, place: str, run: Run, request: pytest.FixtureRequest
) -> None:
    project = request.getfixturevalue(place)
    private_dir(state_dir().root)
    state_dir().config.write_text(text)

    code, out, err = run("handoff", str(project))

    assert (code, out.startswith("# [CARRYOVER]")) == (ExitCode.OK, True)
    assert len(err.splitlines()) == 1
    assert (str(state_dir().config) in err, "use the defaults" in err) == (True, True)
    assert run("sessions", str(project))[0] == ExitCode.OK
    code, out, err = run("handoff", str(project), "--to", "claude-code")
    assert (code, out, "Nothing was changed." in err) == (ExitCode.REFUSED, "", True), "that writes into the project"


@pytest.mark.parametrize(("form", "code"), [("--raw", 0), ("--json", 0), ("--why", 1)])
def test_what_is_printed_for_programs_is_of_the_published_format(
    shop: Path, run: Run, tmp_path: Path, form: str, code: int
) -> None:
    file = tmp_path / "printed"
    file.write_text(run("handoff", str(shop), form)[1], "utf-8")
    checker = Path(__file__).parents[3] / "architecture" / "check_handoff.py"

    done = subprocess.run([sys.executable, "-I", checker, file], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (code, "")


NOW = datetime(2026, 11, 20, 15, tzinfo=timezone(timedelta(hours=1)))
UPDATED_MS = int(NOW.timestamp() * 1000) - 2 * 3_600_000


def section(title: str, text: str, kind: Kind = "prompt", label: str = "") -> Section:
    return Section(title, (Entry(text=text, kind=kind, label=label),))


def made(*sections: Section) -> MadeHandoff:
    handoff = Handoff(updated_ms=UPDATED_MS, agent="Codex", resume="ask", session="3f2a", head=None, sections=sections)
    return MadeHandoff(root="/home/ada/code/shop", handoff=handoff, text="")


def shown(*sections: Section) -> list[str]:
    return list(lines_for_person(made(*sections), now_ms=int(NOW.timestamp() * 1000), home=Path("/home/ada")))


@pytest.mark.usefixtures("utc")
def test_it_is_laid_out_for_a_person() -> None:
    assert shown(
        section("Task", "Add a discount", label="Prompt (turn 1, 30 min earlier)"),
        section("Next action", "Limit; for the user: `carryover to aider`", kind="limit"),
        section("Recent files", "`cart.py`: edited 30 min earlier, tests pass", kind="edit"),
    ) == [
        "~/code/shop",
        "last work 2026-11-20 12:00 (2 h ago), Codex",
        "",
        "Task",
        "  · Prompt (turn 1, 30 min earlier): Add a discount",
        "",
        "Next action",
        "  · Limit; `carryover to aider`",
        "",
        "Recent files",
        "  · `cart.py`: edited 30 min earlier, tests pass",
        "",
        "carryover show 3f2a  the whole session",
        "carryover handoff --raw  the text that agents get",
    ]


def on_terminal(shop: Path, *arguments: str) -> str:
    command = [*CARRYOVER, "handoff", str(shop), *arguments]
    with Terminal(command, {**os.environ, "PAGER": "cat"}) as terminal:
        code, text = terminal.end()
    assert code == 0
    return text


def test_on_a_terminal_a_person_reads_it_and_agents_get_the_file(shop: Path, capfd: pytest.CaptureFixture[str]) -> None:
    person, raw = on_terminal(shop), on_terminal(shop, "--raw")

    assert person.startswith("~/shop\nlast work ")
    assert "Wire discount into checkout" in person
    assert not any(order in person for order in ("MUST", "RESUME PROTOCOL", "Do not begin"))
    assert raw.startswith("# [CARRYOVER] Last updated ")
    assert "Your first response in this session MUST be:" in raw


def long_handoff() -> MadeHandoff:
    ruling = Entry(text="Never round", kind="prompt", weight=1, session="c0de", agent="claude-code", turn=2, at_ms=1000)
    short = Entry(text="Never round | Yes", kind="prompt", members=(ruling, Entry(text="Yes", kind="reply", turn=3)))
    words = tuple(Entry(text=f"Ruling {number}", kind="prompt", weight=10 + number) for number in range(60))
    handoff = Handoff(
        updated_ms=1_795_156_858_000,
        agent="Claude Code",
        agent_id="claude-code",
        resume="ask",
        session="c0de",
        head="abc1234",
        sections=(
            Section("Task", (Entry(text="Add a ## discount", kind="prompt"),)),
            Section("What the user said", (short, *words)),
        ),
    )
    return MadeHandoff(root="/home/dev/shop", handoff=handoff, text=render(handoff))


def test_the_data_holds_what_is_printed_and_nothing_that_was_cut() -> None:
    handed = long_handoff()
    data = as_data(handed)

    sections = data.pop("sections")
    assert data == {
        "format": "carryover-handoff/1.0",
        "project": "/home/dev/shop",
        "updated": "2026-11-20T06:40:58Z",
        "updated_ms": 1_795_156_858_000,
        "agent": "claude-code",
        "agent_name": "Claude Code",
        "resume_protocol": "ask",
        "session": "c0de",
        "head": "abc1234",
        "text": handed.text,
    }
    assert [section["title"] for section in sections] == ["Task", "What the user said"]
    assert sections[0]["lines"] == ["Add a ## discount"]
    assert 0 < len(sections[1]["lines"]) < 60
    printed = [line for section in sections for line in (f"## {section['title']}", *section["lines"])]
    assert printed == [line.removeprefix("- ") for line in handed.text.splitlines() if line.startswith(("- ", "## "))]


def test_each_line_names_all_the_records_that_it_comes_from() -> None:
    ruling = {
        "kind": "prompt",
        "agent": "claude-code",
        "session": "c0de",
        "turn": 2,
        "at": "1970-01-01T00:00:01Z",
        "at_ms": 1000,
    }
    said = as_data(long_handoff())["sections"][1]

    assert said["sources"][0] == [ruling, {**dict.fromkeys(ruling), "kind": "reply", "turn": 3}]
    assert len(said["sources"]) == len(said["lines"])
    assert "- Never round | Yes\n    why: prompt, claude-code, turn 2 of c0de, 1970-01-01T00:00:01Z\n" in with_reasons(
        long_handoff()
    )
