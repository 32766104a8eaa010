from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest

from carryover.actions import clipboard
from carryover.actions.clipboard import WAYS, by_terminal, copy
from carryover.actions.context import state_dir
from carryover.actions.project_handoff import MadeHandoff
from carryover.cli.handoff_output import as_data, lines_for_person, with_reasons
from carryover.distill.entry import Entry, Kind, Section
from carryover.distill.handoff import Handoff
from carryover.distill.render import render
from carryover.errors import ExitCode, UserError
from carryover.fsio import FileLock, private_dir
from carryover.install.machine import Machine
from support.forked import CARRYOVER
from support.recorded_shop import CHECKOUT, Run
from support.scripted_daemon import answering_socket
from support.terminal import Terminal
from support.tools import program

READING = ("handoff {shop}", "sessions {shop}", "sessions --all", f"show {CHECKOUT}")
"""The commands that read transcripts where there is no ledger."""


def prompt(project: Path, text: str) -> None:
    """The user gives one more prompt in the newest session of the project."""
    transcript = next(project.parent.glob(f".claude/projects/*/{CHECKOUT}.jsonl"))
    records = [json.loads(line) for line in transcript.read_text().splitlines()]
    record = next(record for record in records if record["type"] == "user") | {"uuid": str(uuid4())}
    new = {"message": {"role": "user", "content": text}, "timestamp": "2099-01-01T00:00:00.000Z"}
    with transcript.open("a") as file:
        file.write(json.dumps(record | new) + "\n")


def test_without_daemon_and_ledger_it_comes_from_disk_and_leaves_nothing_behind(
    shop: Path, home: Path, run: Run
) -> None:
    before = set(home.rglob("*"))

    out = run.out("handoff", str(shop))

    assert out.startswith("# [CARRYOVER] Last updated ")
    assert ": Wire discount into checkout\n" in out and "`checkout.py`" in out and "branch main" in out
    assert out.splitlines()[-1].startswith(f"Full history: `carryover show {CHECKOUT}`")
    assert set(home.rglob("*")) == before


@pytest.mark.parametrize("where", ["recorded", "shop"], ids=["in the ledger", "on disk"])
def test_another_projects_handoff_is_never_given(
    where: str, tmp_path: Path, run: Run, request: pytest.FixtureRequest
) -> None:
    """Not even that of a project whose path begins the same."""
    shop = request.getfixturevalue(where)
    (shop.parent / "shop2").mkdir()

    for other in (shop.parent / "shop2", shop.parent, tmp_path):
        assert "`carryover sessions --all`" in run.err(ExitCode.NOTHING_FOUND, "handoff", str(other))


def test_what_was_written_since_the_ledger_was_is_read_first(recorded: Path, run: Run) -> None:
    prompt(recorded, "Now write the invoice module")

    out = run.out("handoff", str(recorded))

    assert "Now write the invoice module" in out
    assert "Now write the invoice module" in run("show", CHECKOUT)[1]
    assert FileLock(state_dir().lock).holder() is None


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
def test_nor_where_there_is_no_ledger(command: str, shop: Path, run: Run) -> None:
    only_codex()

    run.err(ExitCode.NOTHING_FOUND, *command.format(shop=shop).split())


def test_while_paused_what_was_recorded_is_given_and_nothing_is_read(recorded: Path, run: Run) -> None:
    """Nor is a running daemon asked to read."""
    prompt(recorded, "Now write the invoice module")
    pause()

    with answering_socket(state_dir().socket, {"caught_up": False}):
        code, out, err = run("handoff", str(recorded))

    assert code == ExitCode.OK
    assert err == "Carryover is paused; this is what it recorded before. `carryover unpause` ends that.\n"
    assert "Wire discount into checkout" in out
    assert "Now write the invoice module" not in out + run("show", CHECKOUT)[1]


@pytest.mark.parametrize("command", READING)
def test_while_paused_without_a_ledger_nothing_is_read_at_all(command: str, shop: Path, run: Run) -> None:
    pause()

    err = run.err(ExitCode.REFUSED, *command.format(shop=shop).split())

    assert "Carryover is paused, so no transcript is read" in err
    assert not state_dir().ledger.exists()


@pytest.mark.parametrize("text", ["[resume\n", "[resume]\nmode = 'loud'\n"], ids=["not TOML", "no such value"])
@pytest.mark.parametrize("place", ["recorded", "shop"], ids=["from the ledger", "straight from disk"])
def test_a_slip_in_the_settings_costs_a_warning_and_no_handoff(
    text: str, place: str, run: Run, request: pytest.FixtureRequest
) -> None:
    project = str(request.getfixturevalue(place))
    private_dir(state_dir().root)
    state_dir().config.write_text(text)

    code, out, err = run("handoff", project)

    assert (code, out.startswith("# [CARRYOVER]"), len(err.splitlines())) == (ExitCode.OK, True, 1)
    assert str(state_dir().config) in err and "use the defaults" in err
    assert run("sessions", project)[0] == ExitCode.OK
    err = run.err(ExitCode.REFUSED, "handoff", project, "--to", "claude-code")
    assert "Nothing was changed." in err, "that writes into the project"


@pytest.mark.parametrize(("form", "code"), [("--raw", 0), ("--json", 0), ("--why", 1)])
def test_what_is_printed_for_programs_is_of_the_published_format(
    shop: Path, run: Run, tmp_path: Path, form: str, code: int
) -> None:
    (tmp_path / "printed").write_text(run("handoff", str(shop), form)[1], "utf-8")
    command = (sys.executable, "-I", CHECKER, tmp_path / "printed")

    done = subprocess.run(command, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (code, "")


NOW = datetime(2026, 11, 20, 15, tzinfo=timezone(timedelta(hours=1)))
CHECKER = Path(__file__).parents[3] / "architecture" / "check_handoff.py"


@pytest.mark.usefixtures("utc")
def test_it_is_laid_out_for_a_person() -> None:
    entries: tuple[tuple[str, Kind, str, str], ...] = (
        ("Task", "prompt", "Prompt (turn 1, 30 min earlier)", "Add a discount"),
        ("Next action", "limit", "", "Limit; for the user: `carryover to aider`"),
        ("Recent files", "edit", "", "`cart.py`: edited 30 min earlier, tests pass"),
    )
    sections = tuple(
        Section(title, (Entry(text=text, kind=kind, label=label),)) for title, kind, label, text in entries
    )
    updated_ms = int(NOW.timestamp() * 1000) - 2 * 3_600_000
    handoff = Handoff(updated_ms=updated_ms, agent="Codex", resume="ask", session="3f2a", head=None, sections=sections)
    made = MadeHandoff(root="/home/ada/code/shop", handoff=handoff, text="")

    assert list(lines_for_person(made, now_ms=int(NOW.timestamp() * 1000), home=Path("/home/ada"))) == [
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


def test_on_a_terminal_a_person_reads_it_and_agents_get_the_file(shop: Path) -> None:
    def on_terminal(*arguments: str) -> str:
        command = [*CARRYOVER, "handoff", str(shop), *arguments]
        with Terminal(command, {**os.environ, "PAGER": "cat"}) as terminal:
            code, text = terminal.end()
        assert code == ExitCode.OK
        return text

    person, raw = on_terminal(), on_terminal("--raw")

    assert person.startswith("~/shop\nlast work ") and "Wire discount into checkout" in person
    assert not any(order in person for order in ("MUST", "RESUME PROTOCOL", "Do not begin"))
    assert raw.startswith("# [CARRYOVER] Last updated ")
    assert "Your first response in this session MUST be:" in raw


def long_handoff() -> MadeHandoff:
    ruling = Entry(text="Never round", kind="prompt", weight=1, session="c0de", agent="claude-code", turn=2, at_ms=1000)
    short = Entry(text="Never round | Yes", kind="prompt", members=(ruling, Entry(text="Yes", kind="reply", turn=3)))
    words = tuple(Entry(text=f"Ruling {number}", kind="prompt", weight=10 + number) for number in range(60))
    task = Section("Task", (Entry(text="Add a ## discount", kind="prompt"),))
    handoff = Handoff(
        updated_ms=1_795_156_858_000,
        agent="Claude Code",
        agent_id="claude-code",
        resume="ask",
        session="c0de",
        head="abc1234",
        sections=(task, Section("What the user said", (short, *words))),
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
    at = {"at": "1970-01-01T00:00:01Z", "at_ms": 1000}
    ruling = {"kind": "prompt", "agent": "claude-code", "session": "c0de", "turn": 2, **at}
    said = as_data(long_handoff())["sections"][1]

    assert said["sources"][0] == [ruling, {**dict.fromkeys(ruling), "kind": "reply", "turn": 3}]
    assert len(said["sources"]) == len(said["lines"])
    line = "- Never round | Yes\n    why: prompt, claude-code, turn 2 of c0de, 1970-01-01T00:00:01Z\n"
    assert line in with_reasons(long_handoff())


TEXT = "# [CARRYOVER] Läden → 今日\n- a line\n"
DISPLAYS = {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """The only folder on PATH. `cat` is found by its full path."""
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def machine(tools: Path, **env: str) -> Machine:
    return Machine(home=tools.parent, env={"PATH": str(tools), **env}, root=tools.parent)


def taker(tools: Path, name: str) -> Path:
    """A program that keeps what it was given, and with which arguments."""
    taken = tools.parent / f"{name}.taken"
    program(tools / name, f"/bin/cat > '{taken}'", f"echo \"$@\" > '{taken}.args'")
    return taken


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_program_gets_the_text_on_its_input_and_never_as_an_argument(way: clipboard.Way, tools: Path) -> None:
    taken = taker(tools, way.name)

    assert copy(TEXT, machine(tools, **DISPLAYS)) == way.name
    assert taken.read_bytes().decode(way.encoding) == TEXT
    assert taken.with_name(f"{taken.name}.args").read_text().split() == list(way.arguments)


def test_where_one_fails_or_hangs_the_next_is_asked(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipboard, "LIMIT_S", 0.2)
    program(tools / "wl-copy", "exec /bin/sleep 600")
    program(tools / "xclip").write_bytes(b"not a program at all")
    taken = taker(tools, "xsel")

    assert copy(TEXT, machine(tools, **DISPLAYS)) == "xsel"
    assert taken.read_text() == TEXT


def test_one_in_the_folder_one_happens_to_stand_in_is_not_run_and_without_any_it_says_what_to_do(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taker(tmp_path / "repo", "pbcopy")
    monkeypatch.chdir(tmp_path / "repo")
    here = Machine(home=tmp_path, env={"PATH": os.pathsep.join(["", ".", str(tools)]), **DISPLAYS}, root=tmp_path)

    with pytest.raises(UserError, match="Install one of them, or copy what `carryover handoff` prints"):
        copy(TEXT, here)


def test_a_terminal_is_handed_the_text_by_an_escape_sequence(
    tools: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    assert copy(TEXT, machine(tools)) == "the terminal, if it takes OSC 52"
    assert capsys.readouterr().out == by_terminal(TEXT)
    head, _, rest = by_terminal(TEXT).rpartition(";")
    assert (head, rest[-1]) == ("\x1b]52;c", "\x07")
    assert base64.b64decode(rest[:-1]).decode() == TEXT
