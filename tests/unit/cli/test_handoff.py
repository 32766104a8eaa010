from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from carryover.fsio import FileLock, private_dir
from support.recorded_shop import CHECKOUT, Run
from support.scripted_daemon import answering_socket

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

    code, out, err = run("handoff", str(shop))

    assert (code, err) == (ExitCode.OK, "")
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
        code, out, err = run("handoff", str(other))

        assert (code, out) == (ExitCode.NOTHING_FOUND, "")
        assert "`carryover sessions --all`" in err


def test_what_was_written_since_the_ledger_was_is_read_first(recorded: Path, run: Run) -> None:
    prompt(recorded, "Now write the invoice module")

    code, out, err = run("handoff", str(recorded))

    assert (code, err) == (ExitCode.OK, "")
    assert "Now write the invoice module" in out
    assert "Now write the invoice module" in run("show", CHECKOUT)[1]
    assert FileLock(state_dir().lock).holder() is None


def test_a_lock_that_cannot_be_opened_costs_no_handoff(recorded: Path, run: Run) -> None:
    prompt(recorded, "Now write the invoice module")
    lock = state_dir().lock
    lock.unlink(missing_ok=True)
    lock.symlink_to("elsewhere")  # refused like a file of somebody else's, also for root

    code, out, err = run("handoff", str(recorded))

    assert (code, "Task" in out) == (ExitCode.OK, True)
    assert err.startswith(f"The lock {lock} cannot be taken: ")


def test_a_project_that_asks_to_be_left_out_is_refused(shop: Path, run: Run) -> None:
    (shop / ".carryover.toml").write_text("exclude = true\n")

    code, out, err = run("handoff", str(shop))

    assert (code, out) == (ExitCode.REFUSED, "")
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

    code, out, err = run("handoff", str(recorded))

    assert (code, err) == (ExitCode.OK, "")
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

    code, out, err = run(*(word.format(shop=shop) for word in command))

    assert (code, out) == (ExitCode.REFUSED, "")
    assert "Carryover is paused, so no transcript is read" in err
    assert not state_dir().ledger.exists()


def test_nor_is_a_running_daemon_asked_to_read_while_paused(recorded: Path, run: Run) -> None:
    pause()

    with answering_socket(state_dir().socket, {"caught_up": False}):
        code, _, err = run("handoff", str(recorded))

    assert (code, err.count("\n")) == (ExitCode.OK, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--until", "3"],
        ["--agent", "claude-code"],
        ["--transcript", "a.jsonl", "."],
        ["--transcript", "a.jsonl", "--agent", "nobody"],
        ["--transcript", "a.jsonl", "--until", "0"],
    ],
    ids=" ".join,
)
def test_arguments_that_do_not_go_together_are_a_usage_error(arguments: list[str], run: Run) -> None:
    code, out, err = run("handoff", *arguments)

    assert (code, out) == (ExitCode.USAGE, "")
    assert err


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
