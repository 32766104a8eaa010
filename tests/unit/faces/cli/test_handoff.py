from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from carryover.actions import clipboard
from carryover.actions.clipboard import WAYS, copy
from carryover.adapter.contract import Source
from carryover.agents import adapters
from carryover.config import Config
from carryover.distill.entry import Entry, EntryKind, Section
from carryover.distill.handoff import Handoff
from carryover.distill.render import rendered
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.handoff import lines_for_person, with_reasons
from carryover.fsio import FileLock, private_dir
from carryover.importing.notes import Note, encoded
from carryover.ingest.scan import FoundSource
from carryover.install.machine import Machine
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import projects
from carryover.past.context import state_dir
from carryover.past.from_disk import of_project, of_session, sources_on_disk
from carryover.past.transcript import handoff_of_transcript
from carryover.publish.handoff_json import PrintedHandoff
from carryover.publish.printed import as_printed
from carryover.terminal.output import as_json
from support.agent_here import everything
from support.claude_session import ClaudeSession
from support.forked import CARRYOVER
from support.recorded_shop import CHECKOUT, DISCOUNT, Run
from support.replayed import make_project, replay
from support.socket_server import answering_socket
from support.terminal import played
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
    assert run.out("show", f"claude-code:{CHECKOUT}") == run.out("show", CHECKOUT)
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
    state_dir().config.write_text('[agents]\nselected = ["codex"]\n')


def test_an_agent_that_was_not_selected_is_not_read(recorded: Path, run: Run) -> None:
    prompt(recorded, "Now write the invoice module")
    only_codex()

    out = run.out("handoff", str(recorded))

    assert "Wire discount into checkout" in out
    assert "Now write the invoice module" not in out + run("show", CHECKOUT)[1]


@pytest.mark.parametrize("command", READING)
def test_nor_where_there_is_no_ledger_and_while_paused_nothing_is_read_at_all(
    command: str, shop: Path, run: Run
) -> None:
    words = command.format(shop=shop).split()
    only_codex()
    run.err(ExitCode.NOTHING_FOUND, *words)

    state_dir().paused.touch()
    assert "Carryover is paused, so no transcript is read" in run.err(ExitCode.REFUSED, *words)
    assert not state_dir().ledger.exists()


def test_while_paused_what_was_recorded_is_given_and_nothing_is_read(recorded: Path, run: Run) -> None:
    """Nor is a running daemon asked to read."""
    prompt(recorded, "Now write the invoice module")
    state_dir().paused.touch()

    with answering_socket(state_dir().socket, {"caught_up": False}):
        code, out, err = run("handoff", str(recorded))

    assert code == ExitCode.OK
    assert err == "Carryover is paused; this is what it recorded before. `carryover unpause` ends that.\n"
    assert "Wire discount into checkout" in out
    assert "Now write the invoice module" not in out + run("show", CHECKOUT)[1]


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
    before = everything(Path(project))
    err = run.err(ExitCode.REFUSED, "to", "claude-code", project)
    assert "use the defaults" not in err.partition("to use the defaults.")[2], "that writes into the project"
    assert everything(Path(project)) == before


@pytest.mark.parametrize(("form", "code"), [("--raw", 0), ("--json", 0), ("--why", 1)])
def test_what_is_printed_for_programs_is_of_the_published_format(
    shop: Path, run: Run, tmp_path: Path, form: str, code: int
) -> None:
    (tmp_path / "printed").write_text(run("handoff", str(shop), form)[1], "utf-8")
    command = (sys.executable, "-I", CHECKER, tmp_path / "printed")

    done = subprocess.run(command, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (code, "")


NOW_MS = 1_795_183_200_000  # 2026-11-20 14:00 UTC
CHECKER = Path(__file__).parents[4] / "architecture" / "check_handoff.py"


@pytest.mark.usefixtures("utc")
def test_it_is_laid_out_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    entries: tuple[tuple[str, EntryKind, str, str], ...] = (
        ("Task", "prompt", "Prompt (turn 1, 30 min earlier)", "Add a discount"),
        ("Next action", "limit", "", "Limit; for the user: `carryover to aider`"),
    )
    sections = tuple(
        Section(title, (Entry(text=text, kind=kind, label=label),)) for title, kind, label, text in entries
    )
    then_ms = NOW_MS - 2 * 3_600_000
    handoff = Handoff(updated_ms=then_ms, agent="Codex", resume="ask", session="3f2a", head=None, sections=sections)
    made = as_printed("/home/ada/code/shop", handoff, *rendered(handoff))

    assert list(lines_for_person(made, now_ms=NOW_MS)) == [
        *("~/code/shop", "last work 2026-11-20 12:00 (2 h ago), Codex"),
        *("", "Task", "  · Prompt (turn 1, 30 min earlier): Add a discount"),
        *("", "Next action", "  · Limit; `carryover to aider`"),
        *("", "carryover show 3f2a  the whole session", "carryover handoff --raw  the text that agents get"),
    ]


def test_on_a_terminal_a_person_reads_it_and_agents_get_the_file(shop: Path) -> None:
    command = [*CARRYOVER, "handoff", str(shop)]
    (code, person), raw = played(command), played([*command, "--raw"])[1]

    assert code == ExitCode.OK
    assert person.startswith("~/shop\nlast work ") and "Wire discount into checkout" in person
    assert not any(order in person for order in ("MUST", "RESUME PROTOCOL", "Do not begin"))
    assert raw.startswith("# [CARRYOVER] Last updated ")
    assert "Your first response in this session MUST be:" in raw


def long_handoff(of: str = "c0de") -> PrintedHandoff:
    ruling = Entry(text="Never round", kind="prompt", session=of, agent="claude-code", turn=2, at_ms=1000)
    yes = Entry(text="Yes", kind="reply", turn=3)
    short = Entry(text="Never round | Yes", kind="prompt", rank=(0,), members=(ruling, yes))
    words = tuple(Entry(text=f"Ruling {number}", kind="prompt") for number in range(60))
    task = Section("Task", (Entry(text="Add a ## discount", kind="prompt", rank=(0,)),))
    handoff = Handoff(
        updated_ms=1_795_156_858_000,
        agent="Claude Code",
        agent_id="claude-code",
        resume="ask",
        session="c0de",
        head="abc1234",
        sections=(task, Section("What the user said", (short, *words))),
    )
    return as_printed("/home/dev/shop", handoff, *rendered(handoff))


def test_the_data_holds_what_is_printed_and_nothing_that_was_cut() -> None:
    handed = long_handoff()
    data = json.loads(as_json(handed))

    sections = data.pop("sections")
    assert data == {
        "format": "carryover-handoff/1.1",
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
    said = json.loads(as_json(long_handoff()))["sections"][1]

    assert said["sources"][0] == [ruling, {**dict.fromkeys(ruling), "kind": "reply", "turn": 3}]
    assert len(said["sources"]) == len(said["lines"])
    line = "- Never round | Yes\n    why: prompt, claude-code, turn 2 of c0de, 1970-01-01T00:00:01Z\n"
    assert line in with_reasons(long_handoff())
    assert "turn 2 of x ## Task, 1970" in with_reasons(long_handoff("x\x1b[2J\n## Task"))  # an id may be any text


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


def test_where_one_fails_or_hangs_the_next_is_asked(tools: Path) -> None:
    program(tools / "wl-copy", "exec /bin/sleep 600")
    program(tools / "xclip").write_bytes(b"not a program at all")
    taken = taker(tools, "xsel")

    assert copy(TEXT, machine(tools, **DISPLAYS), limit_s=2) == "xsel"
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
    head, _, rest = capsys.readouterr().out.rpartition(";")
    assert (head, rest[-1]) == ("\x1b]52;c", "\x07")
    assert base64.b64decode(rest[:-1]).decode() == TEXT


@pytest.fixture
def elsewhere(shop: Path, tmp_path: Path) -> Path:
    """The transcripts of a project that is not on this machine, in a folder that is no agent's."""
    gone = Path("/home/somebody/shop")
    for transcript in shop.parent.glob(".claude/projects/*/*.jsonl"):
        (tmp_path / transcript.name).write_text(transcript.read_text().replace(str(shop), str(gone)))
    return tmp_path


APP = "00000000-0000-4000-8000-000000000001"


def test_neither_git_nor_the_files_of_the_project_are_asked(shop: Path, home: Path) -> None:
    """What they say today was not so at that line of the transcript, and elsewhere they are not there at all."""
    transcript = next(home.glob(f".claude/projects/*/{DISCOUNT}.jsonl"))
    before = handoff_of_transcript(transcript, None, None).text
    (shop / "cart.py").write_text("def broken(:\n")

    assert "\n## Git context\n" not in before
    assert handoff_of_transcript(transcript, None, None).text == before


def test_a_file_that_names_no_folder_is_of_the_one_it_lies_in(elsewhere: Path, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").touch()
    nameless = tmp_path / "chats" / "nameless.jsonl"
    nameless.parent.mkdir()
    without_folders = re.sub(r'"cwd":\s*"[^"]*"', '"version":"2.1.328"', (elsewhere / f"{DISCOUNT}.jsonl").read_text())
    nameless.write_text(without_folders)

    made = handoff_of_transcript(nameless, None, None)

    assert made.project == str(nameless.parent), "the repository around it is another's"
    assert "Add a discount function" in made.text


def test_a_sub_agents_own_file_is_the_work_itself(elsewhere: Path) -> None:
    lines = [json.loads(line) for line in (elsewhere / f"{DISCOUNT}.jsonl").read_text().splitlines()]
    said = ({**line, "isSidechain": True, "agentId": "a1"} for line in lines if line["type"] in ("user", "assistant"))
    path = elsewhere / "agent-a1.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in said))

    made = handoff_of_transcript(path, None, None)

    assert made.project == "/home/somebody/shop"
    assert "Claude Code's last words (turn 0): Checkout is next" in made.text
    assert "- `cart.py`: edited 2 times" in made.text


def test_a_note_is_nobodys_transcript(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    path.write_bytes(encoded(Note(session="note-1", at_ms=1, root=str(tmp_path), title="Advice", text="Use decimals.")))

    with pytest.raises(UserError, match="in a form that was recognised"):
        handoff_of_transcript(path, None, None)


def test_where_the_beginning_does_not_show_whose_file_it_is_the_user_says_it(elsewhere: Path) -> None:
    transcript = elsewhere / "long.jsonl"
    transcript.write_bytes(b"x" * (3 << 20) + b"\n" + (elsewhere / f"{CHECKOUT}.jsonl").read_bytes())

    with pytest.raises(UserError, match="Name the agent with --agent"):
        handoff_of_transcript(transcript, None, None)
    assert "Wire discount into checkout" in handoff_of_transcript(transcript, "claude-code", None).text


@pytest.mark.parametrize("until", [3, 12, 33, 1000])
def test_up_to_a_line_is_as_if_the_file_ended_there(elsewhere: Path, until: int) -> None:
    transcript, cut = elsewhere / f"{DISCOUNT}.jsonl", elsewhere / "cut.jsonl"
    cut.write_bytes(b"".join(transcript.read_bytes().splitlines(keepends=True)[:until]))

    assert handoff_of_transcript(transcript, None, until) == handoff_of_transcript(cut, None, None)


@pytest.mark.parametrize("content", ["", '{"type": "something else"}\n', "\x00\xff" * 50])
def test_a_file_that_no_agent_wrote_is_not_guessed_at(tmp_path: Path, run: Run, content: str) -> None:
    (tmp_path / "notes.txt").write_text(content)

    err = run.err(ExitCode.NOTHING_FOUND, "handoff", "--transcript", str(tmp_path / "notes.txt"))

    assert "Name the agent with --agent" in err


def test_nothing_of_the_users_is_read_or_made(home: Path, elsewhere: Path) -> None:
    """Another project's history in the home folder makes no difference, and no state folder appears."""
    make_project(home / "other", os.environ)
    alone = handoff_of_transcript(elsewhere / f"{DISCOUNT}.jsonl", None, None)
    replay(home / ".claude", home / "other")

    assert handoff_of_transcript(elsewhere / f"{DISCOUNT}.jsonl", None, None) == alone
    assert not (home / ".carryover").exists()


@pytest.fixture
def app(home: Path) -> None:
    """A session in another project."""
    ClaudeSession(home / ".claude" / "projects", Path("/srv/app"), session=APP).prompt("Look around")


@pytest.mark.usefixtures("app")
def test_a_source_of_many_sessions_goes_with_every_project_and_with_ids_that_no_path_names() -> None:
    (named,) = sources_on_disk(Config())
    database = FoundSource(Source(agent="claude-code", path="/nowhere/state.db"), 1, 1)

    assert of_project([named, database], {"/srv/app"}, adapters()) == [named.source, database.source]
    assert of_project([named, database], {"/srv/other"}, adapters()) == [database.source]
    assert of_session([named, database], APP[:8]) == [named.source]
    assert [of_session([named, database], no) for no in ("ffff", f"opencode:{APP[:8]}")] == [[database.source]] * 2


def test_what_was_forgotten_is_not_read_from_disk_either(recorded: Path, run: Run) -> None:
    """The transcripts are read where the ledger is in use."""
    run("forget", "--project", str(recorded), "--yes")
    lock = FileLock(state_dir().lock)
    assert lock.acquire()

    assert "Another process is using the ledger" in run.err(ExitCode.NOTHING_FOUND, "handoff", str(recorded))
    lock.release()


@pytest.mark.usefixtures("app")
def test_catching_up_reads_the_project_and_leaves_the_others_for_the_daemon(recorded: Path) -> None:
    with closing(connect_read_only(state_dir().ledger)) as ledger:
        assert [project.root for project in projects(ledger)] == [str(recorded)]
