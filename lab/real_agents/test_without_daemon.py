"""The daemon is stopped, hangs or only begins to start: nobody waits, a process of its own answers."""

import statistics
import time
from pathlib import Path
from typing import Any, Final

import pytest

from carryover.distill.own_text import go_on_prompt
from real_agents.lab import handoffs, product, shop
from real_agents.lab.box import Terminal
from real_agents.lab.handoffs import GATES, hook_lines
from real_agents.lab.rows import Row, each_version, newest, newest_of
from real_agents.lab.shop import INNER, PROJECT, STATE, TASK
from real_agents.lab.tool import Tool

SOCKET: Final = STATE / "daemon.sock"
PAIRS: Final = 5


@each_version("claude-code", beside=newest_of("cline", "codex", "copilot", "gemini-cli", "pi", "qwen-code"))
def test_with_the_daemon_stopped_a_process_answers(tool: Tool, row: Row) -> None:
    """In a subfolder too, and not in another repository inside. Its own session gets that only where the client has
    lost what it knew."""
    left, own = left_behind(tool)
    shop.make_project(tool.box, INNER, {"a.py": "1\n"})
    places = {"root": PROJECT, "subfolder": PROJECT / "sub", "another repository in it": INNER}
    found = {name: shop.first_told(tool, cwd=cwd) for name, cwd in places.items()}
    resumed = shop.first_told(tool, "Go on", session=own)

    row.shown(", ".join(f"{name} {len(texts)}" for name, texts in {**found, "resumed": resumed}.items()))
    told = {name: [handoffs.sections(text)["Task"] for text in texts] for name, texts in found.items()}
    task = handoffs.sections(left)["Task"]
    assert told == {"root": [task], "subfolder": [task], "another repository in it": []}
    assert GATES["ask"] in handoffs.protocol(found["root"][0])
    again = not tool.KEEPS_INJECTED
    assert ["This session was resumed" in handoffs.protocol(text) for text in resumed] == [True] * again


@pytest.mark.parametrize("trouble", ["hanging", "jammed", "half-started"])
@newest("claude-code", "cline", "codex", "droid", "pi", "qwen-code")
def test_in_whatever_way_it_is_missing_a_process_answers(tool: Tool, row: Row, trouble: str) -> None:
    left, _ = left_behind(tool)
    bring(tool, trouble)
    turn = tool.turn(PROJECT, "Hello")
    found = handoffs.injected(turn.requests[0])

    row.shown(f"{len(found)} handoff(s) in the first request; said of hooks: {hook_lines(turn.seen) or 'nothing'}")
    assert [handoffs.sections(text)["Task"] for text in found] == [handoffs.sections(left)["Task"]]
    assert hook_lines(turn.seen) == list(tool.HOOK_LINES or ())


@pytest.mark.parametrize("trouble", ["none", "stopped", "hanging", "state folder deleted"])
@newest("claude-code", "cline", "codex", "gemini-cli", "pi", "qwen-code")
def test_the_screen_says_nothing_of_hooks(tool: Tool, row: Row, trouble: str) -> None:
    left_behind(tool)
    bring(tool, trouble)
    with tool.terminal(PROJECT) as terminal:
        tool.script("So be it.")
        terminal.enter("Hello")
        terminal.wait(r"So be it\.")
        time.sleep(1)  # a message of the Stop hook would come now; nothing tells that none will
        screen = terminal.screen()

    row.shown(f"lines about hooks on the screen: {hook_lines(screen) or 'none'}")
    said = [line for line in hook_lines(screen) if line not in tool.LISTED]
    assert [line for line in said if tool.id != "gemini-cli" or "hook.sh" in line] == []


@pytest.mark.parametrize("trouble", ["stopped", "hanging"])
@newest("claude-code", "codex")
def test_how_long_a_run_takes_with_hooks_and_without(tool: Tool, row: Row, trouble: str) -> None:
    left_behind(tool)
    bring(tool, trouble)
    hooks = [taken_s(tool) for _ in range(PAIRS)]
    tool.switch_hooks_off()
    plain = [taken_s(tool) for _ in range(PAIRS)]
    added = statistics.median(hooks) - statistics.median(plain)

    row.shown(f"{PAIRS} runs each: without hooks {min(plain):.2f} s at best, with them {added:+.2f} s (median)")
    # Other work on the machine can spoil the medians or the shortest, hardly both.
    # The time limits of the hooks of one run: at its start, after its turn, at its end.
    limit_s = (1.8 + 0.3 + 0.3) if trouble == "hanging" else 1.5
    assert min(added, min(hooks) - min(plain)) < limit_s + 0.2


def left_behind(tool: Tool) -> tuple[str, str]:
    daemon = shop.begin_installed(tool)
    session = shop.do_the_work(tool)
    left = shop.left_by(tool)
    assert daemon.stop() == 0
    return left, session


def bring(tool: Tool, trouble: str) -> None:
    """Something in the place of the daemon that was stopped, as `silent_socket.py` says; "none": the daemon again."""
    if trouble == "none":
        product.start_daemon(tool.box)
    elif trouble == "state folder deleted":
        tool.box.must("rm", "-rf", str(STATE))
    elif trouble != "stopped":
        tool.box.must("rm", "-f", str(SOCKET))
        server = tool.box.start(product.PYTHON, "-m", "real_agents.lab.silent_socket", str(SOCKET), trouble)
        if server.line() != "ready":
            raise RuntimeError("the stand-in did not start")


def taken_s(tool: Tool) -> float:
    start = time.monotonic()
    tool.turn(PROJECT, "Hello")
    return time.monotonic() - start


PROMPT: Final = go_on_prompt(".carryover/handoff.md")
GOING_ON: Final = "So I go on with the pear."


@pytest.mark.parametrize("cwd", [PROJECT, PROJECT / "sub"], ids=["root", "subfolder"])
@newest("codex", "copilot")
def test_without_hooks_the_prompt_leads_to_the_handoff(tool: Tool, row: Row, cwd: Path) -> None:
    shop.make_project(tool.box)
    shop.do_the_work(tool)
    first, second = started(tool, tool.read(handoffs.path_in(PROJECT)), GOING_ON, cwd=cwd)
    found = handoffs.injected(tool.without_line_prefixes(second))

    row.shown(f"in the first request {len(handoffs.injected(first))} handoffs, in the second {len(found)}")
    assert PROMPT in first
    assert handoffs.injected(first) == []
    assert TASK in second and TASK not in PROMPT


@newest("codex", "copilot")
def test_with_hooks_the_handoff_comes_with_the_prompt(tool: Tool, row: Row) -> None:
    shop.begin_worked(tool)
    product.settle(tool.box)
    [request] = started(tool, GOING_ON, cwd=PROJECT)
    [handoff] = handoffs.injected(request)
    left = shop.left_by(tool)

    row.shown(f"task afterwards: {' / '.join(handoffs.sections(left)['Task'])}")
    assert PROMPT in request
    assert TASK in handoffs.sections(handoff)["Task"][0]
    assert TASK in handoffs.sections(left)["Task"][0]
    assert PROMPT not in left


def started(tool: Tool, *replies: Any, cwd: Path) -> list[str]:
    """The command, run in a terminal; the requests of the client that it became. The last reply ends the turn."""
    before = len(tool.requests())
    tool.script(*replies)
    command = (product.CARRYOVER, "to", tool.id)
    with Terminal(tool.box, *command, cwd=cwd, env=tool.environment) as terminal:
        terminal.wait(GOING_ON)
    return tool.requests()[before:]
