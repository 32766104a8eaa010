"""A session that ends badly: at a limit, by Ctrl-C, by `kill -9`. The next one is told where it stood."""

from __future__ import annotations

import pytest

from real_agents.claude_code import hooked
from real_agents.claude_code.client import PROJECT, ClaudeBox, at_least
from real_agents.claude_code.hooked import EACH_VERSION, LATEST_ONLY, READY, TASK
from real_agents.lab import product
from real_agents.lab.rows import Row
from real_agents.lab.terminal import Terminal
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

LIMIT = {"error": {"status": 429, "type": "rate_limit_error", "message": "Try again later."}}
UNFINISHED = "turn 1: no answer recorded"
BY_LIMIT = "turn 1: stopped at its usage limit"
BY_USER = "turn 1: interrupted by the user"

HALF = {"unfinished": "Half of a thought"}
EDITED, INTERRUPTED = "prices.py has been updated", "[Request interrupted by user"
CTRL_C_INTERRUPTS = "2.1.111"
"""In a terminal of tmux 2.0.65 takes only Escape."""
WITHOUT_RETRIES = "CLAUDE_CODE_MAX_RETRIES=0"


@pytest.mark.parametrize("front", ["terminal", "print mode"])
@LATEST_ONLY
def test_a_limit_is_named_as_what_stopped_the_work(claude: ClaudeBox, row: Row, front: str) -> None:
    hooked.start(claude)
    read, edit, _ = hooked.work()
    claude.script(read, edit, LIMIT)
    command = ("env", WITHOUT_RETRIES, *claude.client.command, "--permission-mode", "bypassPermissions")
    if front == "terminal":
        with Terminal(claude.box, *command[:-1], "acceptEdits", cwd=PROJECT) as terminal:
            terminal.wait(READY)
            terminal.enter(TASK)
            terminal.wait("Try again later")
            waited = wait_until(lambda: BY_LIMIT in hooked.handoff_file(claude))
            row.shown(f"in the file {waited:.2f} s after it was on the screen, while the session is open")
    else:
        assert claude.box.run(*command, "-p", TASK, cwd=PROJECT).code == 1
    assert_told(claude, row, BY_LIMIT)


@EACH_VERSION
def test_an_interrupted_turn_leaves_what_was_asked(claude: ClaudeBox, row: Row) -> None:
    hooked.start(claude)
    read, edit, _ = hooked.work()
    claude.script(read, edit, HALF)
    with hooked.terminal(claude) as terminal:
        terminal.wait(READY)
        terminal.enter(TASK)
        wait_until(lambda: len(claude.requests()) == 3)
        terminal.wait("Half of a thought|esc to interrupt|…")
        terminal.key("C-c" if at_least(claude.client.version, CTRL_C_INTERRUPTS) else "Escape")
        terminal.wait("[Ii]nterrupted")
        wait_until(lambda: in_transcripts(claude, INTERRUPTED))
    assert_told(claude, row, BY_USER)


@EACH_VERSION
def test_kill_9_in_a_stream_leaves_what_was_asked(claude: ClaudeBox, row: Row) -> None:
    hooked.start(claude)
    read, edit, _ = hooked.work()
    claude.script(read, edit, HALF)
    command = (*claude.client.command, "--permission-mode", "bypassPermissions", "-p", TASK)
    session = claude.box.start(*command, cwd=PROJECT)
    wait_until(lambda: len(claude.requests()) == 3)
    # The client writes its transcript some 100 ms late; what it had not written is lost to everyone.
    wait_until(lambda: in_transcripts(claude, EDITED))
    assert session.kill() == -9
    assert_told(claude, row, UNFINISHED)


def assert_told(claude: ClaudeBox, row: Row, ending: str) -> None:
    """The next session, started at once, is told that, and what was done until then."""
    [handoff] = hooked.injected(hooked.first_request(claude, "Hello"))
    said = hooked.sections(handoff)
    row.shown(f"the next session is told: {' / '.join(said['Where it stands'])}")
    assert ending in said["Where it stands"][0]
    assert TASK in said["Task"][0]
    assert "prices.py" in said["Recent files"][0]
    product.settle(claude.box)


def in_transcripts(claude: ClaudeBox, text: str) -> bool:
    return any(text in path.read_text("utf-8") for path in claude.transcripts())
