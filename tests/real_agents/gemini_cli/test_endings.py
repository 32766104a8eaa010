"""A session that ends badly: at a limit, by Esc, by `kill -9`."""

from __future__ import annotations

from typing import Final

import pytest

from real_agents.gemini_cli import work
from real_agents.gemini_cli.client import EACH_VERSION, PROJECT, READY, GeminiBox
from real_agents.gemini_cli.work import FILES, LIMIT, LOOKING, TASK
from real_agents.lab import handoffs, product
from real_agents.lab.box import OUT
from real_agents.lab.rows import Row
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

RUNS: Final = OUT / "runs"
WAIT: Final = {"shell": f"touch {RUNS}; sleep 600"}


@EACH_VERSION
def test_a_limit_in_a_one_shot_leaves_what_was_asked_and_done(gemini: GeminiBox, row: Row) -> None:
    """`-p` writes down neither the limit nor that the turn failed, once a tool was called."""
    gemini.make_project(FILES)
    product.start_daemon(gemini.box)
    gemini.script(*work.steps()[:3], LIMIT)
    ran = gemini.run(TASK)
    assert ran.code != 0

    assert_left(gemini, row, LOOKING)


def test_a_limit_in_the_terminal_is_named(gemini: GeminiBox, row: Row) -> None:
    """The client asks first whether to keep trying, and writes it down when the user stops."""
    gemini.make_project(FILES)
    product.start_daemon(gemini.box)
    gemini.script(*work.steps()[:3], LIMIT, LIMIT)  # it asks again by itself after the answer that never came
    with gemini.terminal() as terminal:
        terminal.wait(READY, 60)
        terminal.enter(TASK)
        terminal.wait(r"2\. Stop", 60)
        terminal.key("Down")
        terminal.wait(r"● 2\. Stop")
        terminal.key("Enter")
        wait_until(lambda: "[API Error" in gemini.transcripts()[-1].read_text("utf-8"), 60)
        assert_left(gemini, row, "stopped at its usage limit")


def test_esc_leaves_what_was_asked(gemini: GeminiBox, row: Row) -> None:
    gemini.make_project(FILES)
    product.start_daemon(gemini.box)
    gemini.script(*work.steps()[:3], {"unfinished": "I am thinking"})
    with gemini.terminal() as terminal:
        terminal.wait(READY, 60)
        terminal.enter(TASK)
        terminal.wait("I am thinking", 60)
        terminal.key("Escape")
        terminal.wait("Request cancelled", 30)
        assert_left(gemini, row, "interrupted by the user")


def test_kill_9_in_a_command_leaves_what_was_asked(gemini: GeminiBox, row: Row) -> None:
    """SIGKILL: the call that was running is in no record."""
    gemini.make_project(FILES)
    product.start_daemon(gemini.box)
    gemini.script(*work.steps()[:3], WAIT)
    session = gemini.start(TASK)
    wait_until(lambda: gemini.box.here(RUNS).exists(), 60)
    session.kill()

    assert_left(gemini, row, LOOKING)


def assert_left(gemini: GeminiBox, row: Row, standing: str) -> None:
    product.settle(gemini.box)
    said = handoffs.sections(handoffs.read(gemini.box, PROJECT))

    row.shown(f"where it stands: {' / '.join(said['Where it stands'])}")
    assert standing in " ".join(said["Where it stands"])
    assert TASK in said["Task"][0]
    assert "prices.py" in " ".join(said["Recent files"])
