"""What only Codex has: hooks that must be reviewed."""

from __future__ import annotations

from typing import Final

import pytest

from real_agents.codex.client import CODEX_HOME, LATEST, REVIEW, REVIEWS_SINCE, TOOL
from real_agents.lab import handoffs, product, shop
from real_agents.lab.handoffs import hook_lines
from real_agents.lab.rows import Row, newest, only
from real_agents.lab.shop import PROJECT, TASK
from real_agents.lab.terminal import Terminal
from real_agents.lab.tool import Tool

pytestmark = pytest.mark.real_agents

NEWEST: Final = newest("codex")
HOOKS: Final = CODEX_HOME / "hooks.json"
NOT_YET: Final = "not reviewed yet"
HOOK_COUNT: Final = 4


def begin_unreviewed(tool: Tool) -> None:
    """Everything installed, before the user was asked about the hooks."""
    shop.make_project(tool.box)
    shop.install(tool)
    product.start_daemon(tool.box)


@NEWEST
def test_before_the_review_the_client_runs_without_our_hooks_and_without_a_word(tool: Tool, row: Row) -> None:
    """Transcripts are read all the same, and `carryover doctor` says that the hooks wait for the user."""
    begin_unreviewed(tool)
    shop.do_the_work(tool)
    left = shop.left_by(tool)
    turn = tool.turn(PROJECT, "Hello")
    doctor = tool.box.run(product.CARRYOVER, "doctor").out

    row.shown(f"said of hooks: {hook_lines(turn.seen) or 'nothing'}")
    assert handoffs.injected(turn.requests[0]) == []
    assert hook_lines(turn.seen) == []
    assert TASK in left
    assert NOT_YET in doctor


@only("codex", LATEST, REVIEWS_SINCE)
def test_reviewed_once_in_the_terminal_they_run_in_exec_too(tool: Tool, row: Row) -> None:
    """One question in the terminal, "Trust all": then the hooks run everywhere, and doctor has nothing to say."""
    begin_unreviewed(tool)
    asked = tool.review_hooks(PROJECT)
    shop.do_the_work(tool)
    product.settle(tool.box)
    found = shop.first_told(tool)
    question = next(line.strip() for line in asked.splitlines() if "new or changed" in line)

    row.shown(f"the client asks: {question}")
    assert question.startswith(f"{HOOK_COUNT} hooks are")
    assert len(found) == 1
    assert NOT_YET not in tool.box.run(product.CARRYOVER, "doctor").out


@NEWEST
def test_a_client_that_was_used_before_takes_the_hooks_up(tool: Tool, row: Row) -> None:
    """Terminals of 0.169.0 share a server that outlives them; it was started before there were any hooks."""
    with tool.terminal(PROJECT):
        pass
    shop.begin_installed(tool)
    shop.do_the_work(tool)
    product.settle(tool.box)
    with tool.terminal(PROJECT) as terminal:
        terminal.enter("Hello")
        terminal.wait(r"• OK\.")

    assert len(handoffs.injected(tool.requests()[-1])) == 1
    row.shown("1 handoff in the first request of a session in the terminal")


@pytest.mark.parametrize("command", ["refresh", "install"])
@NEWEST
def test_setting_it_up_again_asks_for_no_new_review(tool: Tool, row: Row, command: str) -> None:
    """No byte of hooks.json changes, the client asks nothing, and the hooks go on running."""
    shop.begin_installed(tool)
    hooks = tool.box.here(HOOKS)
    before = hooks.read_bytes()
    said = product.carryover(tool.box, command, "--yes", "--no-service")
    with Terminal(tool.box, *tool.installed.command, cwd=PROJECT) as terminal:
        terminal.wait(f"{tool.READY}|{REVIEW}")
        screen = terminal.screen()

    row.shown(f"{command}: {said.splitlines()[0]}")
    assert hooks.read_bytes() == before
    assert REVIEW not in screen
    assert hook_lines(tool.turn(PROJECT, "Hello").seen) == list(TOOL.HOOK_LINES)
