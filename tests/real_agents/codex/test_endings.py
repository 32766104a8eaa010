"""A session that ends badly: at a limit, by Esc, by Ctrl-C, by `kill -9`. No hook tells of it, the watcher does."""

from __future__ import annotations

import time
from typing import Final

import pytest

from real_agents.codex import work
from real_agents.codex.client import EACH_VERSION, PROJECT, READY, CodexBox
from real_agents.codex.work import FILES, LAST_WORDS, LIMIT, LOOKING, QUESTION, TASK
from real_agents.lab import handoffs, product
from real_agents.lab.box import OUT
from real_agents.lab.rows import Row
from real_agents.lab.terminal import Terminal
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

FRESH_S: Final = 2.0
"""The handoff tells all within a second after the transcript's last write; the other is for a busy machine."""

BY_LIMIT: Final = "turn 1: stopped at its usage limit"
BY_USER: Final = "turn 1: interrupted by the user"
UNFINISHED: Final = "turn 1: no answer recorded"
WITHOUT_ERRORS: Final = ("0.125.0", "0.99.0")
"""Versions that do not write down why a turn failed."""

RUNS, GO = OUT / "runs", OUT / "go"
WAIT: Final = {"shell": f"touch {RUNS}; until test -e {GO}; do sleep 0.1; done"}
"""A command that makes the first file, and runs until the second is there."""

CANCEL, IN_BACKGROUND, EXIT = 1, 2, 3
"""The answers to Ctrl-C in a turn."""

INTERRUPTED: Final = "Conversation interrupted"


@EACH_VERSION
def test_a_usage_limit_is_named_as_what_stopped_the_work(codex: CodexBox, row: Row) -> None:
    """`codex exec` ends; what stopped it is told by the transcript, where the version writes it there."""
    start(codex)
    codex.script(*work.steps()[:3], LIMIT)
    ran = codex.box.run("codex", "exec", TASK, cwd=PROJECT)
    assert ran.code == 1 and "usage limit" in ran.err

    assert_left(codex, row, UNFINISHED if codex.client.version in WITHOUT_ERRORS else BY_LIMIT)


def test_a_usage_limit_is_named_while_the_session_is_open(codex: CodexBox, row: Row) -> None:
    """The same in the terminal, with the client still running."""
    start(codex)
    codex.script(*work.steps()[:3], LIMIT)
    with codex.terminal() as terminal:
        terminal.wait(READY)
        terminal.enter(TASK)
        terminal.wait("usage limit")
        assert_left(codex, row, BY_LIMIT)


@pytest.mark.parametrize("choice", [None, CANCEL, EXIT], ids=["Esc", "Ctrl-C, cancel", "Ctrl-C, exit"])
def test_a_turn_interrupted_in_a_command_leaves_what_was_asked(codex: CodexBox, row: Row, choice: int | None) -> None:
    """Esc, and both ways in which Ctrl-C ends a turn: what was asked and done until then is in the handoff."""
    start(codex)
    codex.script(*work.steps()[:3], WAIT)
    with codex.terminal() as terminal:
        terminal.wait(READY)
        terminal.enter(TASK)
        wait_until_runs(codex)
        if choice is None:
            terminal.key("Escape")
        else:
            choose(terminal, choice)
        if choice == EXIT:
            terminal.wait_end()
        else:
            terminal.wait(INTERRUPTED)
        assert_left(codex, row, BY_USER)


def test_a_task_that_runs_on_in_the_background_is_reported_to_its_end(codex: CodexBox, row: Row) -> None:
    """The terminal is closed and a server of the client's own goes on with the turn."""
    start(codex)
    codex.script(*work.steps()[:3], WAIT, LAST_WORDS)
    with codex.terminal() as terminal:
        terminal.wait(READY)
        terminal.enter(TASK)
        wait_until_runs(codex)
        choose(terminal, IN_BACKGROUND)
        terminal.wait_end()
    codex.box.write(GO, "")
    wait_until(lambda: '"task_complete"' in codex.transcripts()[-1].read_text("utf-8"))
    assert_left(codex, row, QUESTION)


def test_ctrl_c_in_exec_leaves_what_was_asked(codex: CodexBox, row: Row) -> None:
    """SIGINT to `codex exec` in the middle of a command."""
    start(codex)
    codex.script(*work.steps()[:3], WAIT)
    session = codex.start_exec(TASK)
    wait_until_runs(codex)
    session.interrupt()

    assert_left(codex, row, BY_USER)


def test_kill_9_in_a_command_leaves_what_was_asked(codex: CodexBox, row: Row) -> None:
    """SIGKILL: the transcript just stops. The task is told as unfinished, with the command that was running."""
    start(codex)
    codex.script(*work.steps()[:3], WAIT)
    session = codex.start_exec(TASK)
    wait_until_runs(codex)
    assert session.kill() == -9

    assert_left(codex, row, UNFINISHED)
    assert GO.name in handoffs.lines_of(handoffs.read(codex.box, PROJECT), "Where it stands")


def start(codex: CodexBox) -> None:
    """The project and the daemon; no hooks."""
    codex.make_project(FILES)
    product.start_daemon(codex.box)


def wait_until_runs(codex: CodexBox) -> None:
    """Until the client runs that command, and has written down that it does."""
    wait_until(lambda: codex.box.here(RUNS).exists())
    wait_until(lambda: WAIT["shell"] in codex.transcripts()[-1].read_text("utf-8"))


def choose(terminal: Terminal, choice: int) -> None:
    """Ctrl-C in a turn, and that answer to the question what is to become of it (0.169.0)."""
    terminal.key("C-c")
    terminal.wait(r"› 1\. Cancel task")
    for _ in range(choice - CANCEL):
        terminal.key("Down")
    terminal.wait(rf"› {choice}\.")
    terminal.key("Enter")


def assert_left(codex: CodexBox, row: Row, ending: str) -> None:
    """That long after the last write the handoff tells that and what was done; what comes later adds nothing to it."""
    [transcript] = codex.transcripts()
    wait_until(lambda: time.time() - transcript.stat().st_mtime > FRESH_S)
    file = codex.box.here(handoffs.path_in(PROJECT))
    took_s = file.stat().st_mtime - transcript.stat().st_mtime
    handoff = handoffs.read(codex.box, PROJECT)
    product.settle(codex.box)
    said = handoffs.sections(handoff)

    row.shown(f"the last change of the handoff came {took_s:+.2f} s after the last write of the transcript")
    standing = handoffs.lines_of(handoff, "Where it stands", "Open questions")
    row.shown(f"where it stands: {standing}")
    assert handoffs.sections(handoffs.read(codex.box, PROJECT)) == said
    assert ending in standing and LOOKING in standing
    assert TASK in said["Task"][0]
    assert "prices.py" in " ".join(said["Recent files"])
    assert LOOKING not in " ".join(said["Task"])
