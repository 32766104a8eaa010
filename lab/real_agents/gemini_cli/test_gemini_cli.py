"""What only Gemini CLI has: folders that are not trusted, its own instruction file, a switch for all hooks."""

import json
import re
from typing import Any, Final

import pytest

from carryover.model import UserPrompt
from real_agents.gemini_cli.client import MODEL, OWN
from real_agents.lab import handoffs, product, shop
from real_agents.lab.box import Terminal
from real_agents.lab.handoffs import POINTER, hook_lines
from real_agents.lab.rows import Row, newest
from real_agents.lab.shop import OTHER_TASK, PROJECT, TASK
from real_agents.lab.tool import Tool
from real_agents.test_sessions import read

NEWEST: Final = newest("gemini-cli")


@pytest.mark.parametrize("daemon", [True, False], ids=["daemon", "no daemon"])
@NEWEST
def test_an_untrusted_folder_is_left_alone(tool: Tool, row: Row, daemon: bool) -> None:
    """No hook runs there: `-p` ends with its own code and words, the terminal works, and its transcript is read."""
    tool.box.write(OWN / "trustedFolders.json", json.dumps({str(PROJECT): "DO_NOT_TRUST"}))
    shop.make_project(tool.box)
    bare = tool.turn(PROJECT, "Hello", code=None)
    shop.install(tool)
    running = product.start_daemon(tool.box)
    if not daemon:
        assert running.stop() == 0
    turn = tool.turn(PROJECT, "Hello", code=None)
    with tool.terminal(PROJECT) as terminal:
        tool.script("So be it.")
        terminal.enter(OTHER_TASK)
        terminal.wait(r"So be it\.")
        screen = terminal.screen()

    row.shown(f"-p ended with {turn.code}, as before with {bare.code}; said of hooks: {hook_lines(screen)}")
    assert (turn.code, turn.seen) == (bare.code, bare.seen)
    assert bare.code == 55  # the exit code of `-p` in a folder that is not trusted (0.61.0)
    assert handoffs.injected(tool.requests()[-1]) == []
    assert [line for line in hook_lines(turn.seen + screen) if "carryover" in line.lower()] == []
    if daemon:
        assert OTHER_TASK in shop.left_by(tool)


@pytest.mark.parametrize("how", ["GEMINI.md", "context.fileName"])
@NEWEST
def test_without_hooks_the_pointer_leads_to_the_handoff(tool: Tool, row: Row, how: str) -> None:
    """In a GEMINI.md of the user's, or in AGENTS.md for one whose settings name it. The client's own file tool refuses
    ignored files, so a model that does what the pointer says uses the shell."""
    own = {"GEMINI.md": "Be brief.\n"} if how == "GEMINI.md" else {}
    shop.make_project(tool.box, files={**shop.FILES, **own})
    set_settings(tool, context={"fileName": ["GEMINI.md"] if own else ["GEMINI.md", "AGENTS.md"]})
    product.start_daemon(tool.box)
    shop.do_the_work(tool)
    product.settle(tool.box)
    by_file_tool = {"tool": ["read_file", {"file_path": ".carryover/handoff.md"}]}
    replies = (by_file_tool, tool.read(handoffs.path_in(PROJECT)), "OK.")
    first, second, third = tool.turn(PROJECT, "Hello", *replies).requests

    row.shown(f"pointer {first.count(POINTER)} times; by its file tool {len(handoffs.injected(second))} handoffs")
    assert first.count(POINTER) == 1
    assert handoffs.injected(first) == []
    assert len(handoffs.injected(third)) == 1


@NEWEST
def test_hooks_that_are_switched_off_bring_nothing(tool: Tool, row: Row) -> None:
    """`hooksConfig.enabled`: the user's switch, which doctor names."""
    shop.begin_worked(tool)
    tool.switch_hooks_off()
    found = shop.first_told(tool)
    doctor = shop.doctor(tool)
    switch = [line.strip() for line in doctor.splitlines() if "hooksConfig" in line]

    row.shown(f"handoffs {len(found)}; doctor: {switch}")
    assert found == []
    assert switch


@NEWEST
def test_going_back_to_a_saved_state_leaves_what_came_after_it(tool: Tool, row: Row) -> None:
    """`/chat resume` writes the saved conversation again, under new ids."""
    shop.begin(tool)
    with tool.terminal(PROJECT) as terminal:
        ask(tool, terminal, TASK, "A pear costs two.")
        command(terminal, "/chat save before", "workspace", "checkpoint saved")
        ask(tool, terminal, OTHER_TASK, "It is green.")
        command(terminal, "/chat resume before", "before", r"A pear costs two\.\s+\? for shortcuts")
        ask(tool, terminal, "Paint it red", "It is red.")
    [session] = read(tool, row)
    asked = [each.body.text for each in session.events if isinstance(each.body, UserPrompt) and not each.retracted]

    row.shown(f"{len(session.all(UserPrompt))} prompts, of which {len(asked)} count")
    assert asked == [TASK, "Paint it red"]
    assert "green" not in handoffs.read(tool.box, PROJECT)


@NEWEST
def test_a_refused_call_and_plan_mode_leave_what_was_typed(tool: Tool, row: Row) -> None:
    """On a refusal the client writes the conversation again without that prompt, and leaving plan mode in the user's
    name."""
    shop.begin(tool)
    command = (*tool.installed.command, "-m", MODEL)  # without the switch that allows every call
    with Terminal(tool.box, *command, cwd=PROJECT, env=tool.environment) as terminal:
        terminal.wait(tool.READY, 60)
        ask(tool, terminal, TASK, "A pear costs two.")
        tool.script(tool.shell("touch refused.txt"))
        terminal.enter(OTHER_TASK)
        terminal.wait("Allow execution")
        terminal.choose("Escape", "Request cancelled")
        ask(tool, terminal, "Paint it red", "It is red.")
        terminal.choose("BTab", "Shift\\+Tab to plan")
        terminal.choose("BTab", "plan Shift\\+Tab")
        terminal.choose("BTab", "Shift\\+Tab to accept edits")
        ask(tool, terminal, "Paint it blue", "It is blue.")
    [session] = read(tool, row)
    asked = [each.body.text for each in session.events if isinstance(each.body, UserPrompt) and not each.retracted]

    row.shown(f"{len(session.all(UserPrompt))} prompts, of which {len(asked)} count")
    assert asked == [TASK, OTHER_TASK, "Paint it red", "Paint it blue"]


def ask(tool: Tool, terminal: Terminal, prompt: str, answer: str) -> None:
    tool.script(answer)
    terminal.enter(prompt)
    terminal.wait_text(answer)


def command(terminal: Terminal, text: str, offered: str, shown: str) -> None:
    """Types a command; a Return that comes before the client has `offered` its tags takes another one (0.61.0)."""
    terminal.key("-l", text)
    terminal.wait(rf"{re.escape(text)}\s+{offered}\s")
    terminal.choose("Enter", shown)


def set_settings(tool: Tool, **more: Any) -> None:
    path = OWN / "settings.json"
    known = json.loads(tool.box.here(path).read_text("utf-8"))
    tool.box.write(path, json.dumps({**known, **more}, indent=2) + "\n")
