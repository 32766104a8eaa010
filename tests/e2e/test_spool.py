"""An agent whose hook calls are its only record: they reach the handoff with a daemon, without one, and past a kill."""

import stat
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.windsurf.talks import Talk, put, transcripts_of
from carryover.faces.cli.main import main
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import session_by_prefix
from carryover.model import AssistantMessage, FileEdit, ToolCall, UserPrompt
from support.daemon_process import DaemonProcess, differ_in, handoff_of, wait_until
from support.hook_script import QUIET, HookScript


class Cascade(HookScript):
    def __init__(self, daemon: DaemonProcess, home: Path, project: Path) -> None:
        super().__init__(daemon.state, home, agent="windsurf")
        self.project = project
        now = datetime.now(UTC) - timedelta(minutes=5)
        self.talk = Talk(f"{project} {now}", str(project), now, timedelta(seconds=2))
        self.transcript = transcripts_of(home) / f"{self.talk.id}.jsonl"

    def hand_over(self) -> None:
        for event, data, _ in self.talk.calls:
            assert self.said(event, data, self.project) == QUIET
        self.talk.calls.clear()

    def work(self) -> None:
        self.talk.prompt("Add a discount function to the cart.")
        self.hand_over()
        self.talk.edit(f"{self.project}/cart.py", "", "def discount(price):\n    return price * 0.9\n")
        self.talk.run("python3 -m unittest -q", "Ran 1 test in 0.000s\n\nOK\n", 0)
        self.hand_over()

    def answer(self, text: str, *, with_transcript: bool = False) -> None:
        self.talk.say(text)
        if with_transcript:
            put(self.transcript, self.talk.transcript())
            self.talk.name_transcript(self.transcript)
        self.hand_over()


@pytest.fixture
def cascade(running: DaemonProcess, home: Path, project: Path) -> Cascade:
    return Cascade(running, home, project)


def recorded(daemon: DaemonProcess, session: str) -> Counter[str]:
    """What counts, in a word each."""
    found: Counter[str] = Counter()
    with closing(connect_read_only(daemon.state.ledger)) as db:
        bodies = [event.body for event in session_events(db, session_by_prefix(db, session)) if not event.retracted]
    for body in bodies:
        match body:
            case UserPrompt(text=text) | AssistantMessage(text=text):
                found[text] += 1
            case ToolCall(subject=subject):
                found[f"call {subject}"] += 1
            case FileEdit(path=path):
                found[f"edit {path}"] += 1
    return found


def expected(project: Path) -> Counter[str]:
    """The turn, with each thing once."""
    edited = (f"call {project}/cart.py", f"edit {project}/cart.py")
    return Counter(["Add a discount function to the cart.", *edited, "call python3 -m unittest -q", ANSWER])


ANSWER = "I added discount(). Next I will wire it into checkout.py."


def test_what_was_handed_to_hooks_is_in_the_handoff(running: DaemonProcess, cascade: Cascade, project: Path) -> None:
    """Only the folder that the hooks run in says which project it is."""
    cascade.work()
    cascade.answer(ANSWER)

    wait_until("the handoff", lambda: "checkout.py" in handoff_of(project))
    running.settle()
    assert "Add a discount function to the cart" in handoff_of(project)
    assert "from Windsurf" in handoff_of(project)
    assert "`cart.py`" in handoff_of(project)
    assert recorded(running, cascade.talk.id) == expected(project)
    kept = running.state.spool / "windsurf" / f"{cascade.talk.id}.jsonl"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert len(kept.read_bytes().splitlines()) == 4
    assert running.health()["hook_calls"]["kept"] == 4


def test_a_transcript_stands_for_its_turns_and_each_thing_counts_once(
    running: DaemonProcess, cascade: Cascade, project: Path
) -> None:
    cascade.work()
    cascade.answer(ANSWER, with_transcript=True)
    running.settle()

    assert recorded(running, cascade.talk.id) == expected(project)
    assert "tests pass" in handoff_of(project), "the transcript says how the command ended"

    cascade.transcript.unlink()
    running.settle()
    assert recorded(running, cascade.talk.id) == expected(project)
    assert "tests pass" in handoff_of(project)


def test_killing_the_daemon_at_any_step_loses_and_doubles_nothing(
    running: DaemonProcess, cascade: Cascade, project: Path
) -> None:
    cascade.talk.prompt("Add a discount function to the cart.")
    cascade.hand_over()
    running.kill()
    cascade.talk.edit(f"{project}/cart.py", "", "def discount(price):\n    return price * 0.9\n")
    cascade.hand_over()
    assert len(list((running.state.spool / "windsurf" / "pending").glob("*.hook"))) == 1
    running.start().wait_until_it_answers()
    cascade.talk.run("python3 -m unittest -q", "", 0)
    cascade.hand_over()
    running.kill()
    cascade.answer(ANSWER)

    with running:
        running.settle()
        assert recorded(running, cascade.talk.id) == expected(project)
        assert "checkout.py" in handoff_of(project)
    assert list((running.state.spool / "windsurf" / "pending").iterdir()) == []


@pytest.mark.parametrize("with_transcript", [False, True], ids=["calls alone", "transcript"])
def test_a_ledger_that_was_deleted_is_made_again_from_the_spool(
    running: DaemonProcess, cascade: Cascade, project: Path, with_transcript: bool
) -> None:
    cascade.work()
    cascade.answer(ANSWER, with_transcript=with_transcript)
    cascade.talk.prompt("Yes, do that.")
    cascade.hand_over()
    running.settle()
    before, counted = handoff_of(project), recorded(running, cascade.talk.id)
    running.stop()
    for path in running.state.root.glob("ledger.sqlite*"):
        path.unlink()
    (project / ".carryover" / "handoff.md").unlink()

    with running:
        running.settle()
        assert recorded(running, cascade.talk.id) == counted
        wait_until("the handoff as it was", lambda: differ_in(handoff_of(project), before) == [])


def test_without_a_daemon_a_command_collects_pending_calls(
    running: DaemonProcess, cascade: Cascade, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running.settle()
    running.stop()
    cascade.work()
    cascade.answer(ANSWER)

    assert main(["handoff", str(project)]) == 0

    assert "checkout.py" in capsys.readouterr().out


def test_while_paused_nothing_is_kept(running: DaemonProcess, cascade: Cascade) -> None:
    assert main(["pause"]) == 0
    wait_until("the pause", lambda: running.health()["paused"])

    cascade.talk.prompt("This is between us.")
    cascade.hand_over()
    running.stop()
    cascade.talk.prompt("This too.")
    cascade.hand_over()

    assert not running.state.spool.exists()


def test_a_call_too_large_for_the_daemon_is_collected_with_the_next(
    running: DaemonProcess, cascade: Cascade, project: Path
) -> None:
    cascade.talk.prompt("Add a discount function to the cart.")
    cascade.talk.edit(f"{project}/table.py", "", "row\n" * 100_000)
    cascade.hand_over()
    assert len(list((running.state.spool / "windsurf" / "pending").iterdir())) == 1

    cascade.answer(ANSWER)

    running.settle()
    assert list((running.state.spool / "windsurf" / "pending").iterdir()) == []
    assert recorded(running, cascade.talk.id)[f"edit {project}/table.py"] == 1
