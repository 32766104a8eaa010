"""The second page beside a handoff: written by the daemon when it is needed, and rid of what is forgotten."""

from pathlib import Path

from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.forked import carryover
from support.hook_client import HookClient

OKAPI = "the okapi is called Quentin"


def page_of(project: Path) -> str:
    page = project / ".carryover" / "more.md"
    return page.read_text("utf-8") if page.exists() else ""


def call(session: ClaudeSession, number: int, output: str = "made") -> None:
    session.run(f"make part_{number}", output)


def test_it_is_there_once_a_turn_has_ended_and_holds_nothing_that_was_forgotten(
    running: DaemonProcess, session: ClaudeSession, project: Path
) -> None:
    session.prompt("Feed the okapi")
    call(session, 1, OKAPI)
    session.answer("It is fed.")
    other = ClaudeSession(session.folder, project, now=session.now)
    for number in range(2, 6):
        other.prompt(f"Add part {number} to the cart")
        call(other, number)
        other.answer(f"Part {number} is there. Shall I go on?")
    running.settle()

    wait_until("both sessions", lambda: "make part_1`" in page_of(project) and "make part_5" in page_of(project))
    assert "read `.carryover/more.md` (" in handoff_of(project)
    assert carryover("forget", session.session, "--yes").returncode == 0
    wait_until("the page without it", lambda: "make part_5" in page_of(project))
    assert "make part_1`" not in page_of(project)
    assert OKAPI not in page_of(project)


def test_at_work_it_waits_for_a_session_that_starts(
    running: DaemonProcess, hooks: HookClient, session: ClaudeSession, project: Path
) -> None:
    session.prompt("Add a discount to the cart")
    call(session, 1)
    running.settle()
    assert "`.carryover/more.md`" in handoff_of(project)
    assert page_of(project) == ""

    assert "read `.carryover/more.md` (" in hooks.told(ClaudeSession(session.folder, project, now=session.now))

    wait_until("the page", lambda: "make part_1" in page_of(project))
