"""What only Copilot CLI has: the switch of a file of hooks, `/rewind`, a resumed session that was compacted."""

import json
from typing import Final

from carryover.model import UserPrompt
from real_agents.copilot.client import COPILOT_HOME, OFF
from real_agents.lab import handoffs, product, recorded, shop
from real_agents.lab.box import Terminal, wait_until
from real_agents.lab.rows import Row, each_version, newest
from real_agents.lab.shop import OTHER_TASK, PROJECT, TASK
from real_agents.lab.tool import Tool

NEWEST: Final = newest("copilot")
SAYS_OFF: Final = "all hooks are switched off"


@each_version("copilot")
def test_only_the_switch_in_their_own_file_turns_our_hooks_off(tool: Tool, row: Row) -> None:
    shop.begin_installed(tool)
    tool.turn(PROJECT, TASK, "OK.")
    product.settle(tool.box)
    tool.box.write(COPILOT_HOME / "settings.json", json.dumps(OFF))
    by_settings = handoffs_in_each_way(tool)
    doctor = shop.doctor(tool)
    tool.switch_hooks_off()
    by_file = handoffs_in_each_way(tool)

    row.shown(f"handoffs with it in the settings {by_settings}, in the file {by_file}")
    assert (by_settings, by_file) == ([1, 1], [0, 0])
    assert SAYS_OFF not in doctor
    assert SAYS_OFF in shop.doctor(tool)


@NEWEST
def test_a_resumed_session_that_was_compacted_gets_one(tool: Tool, row: Row) -> None:
    """By the start of the new process or by the prompt that comes with it, whichever hook's call is first."""
    shop.begin_installed(tool)
    tool.script(*shop.steps(tool), "So be it.")
    with tool.terminal(PROJECT) as terminal:
        terminal.enter(TASK)
        terminal.wait_text("the test passes")
        tool.compact(terminal)
        [session] = tool.transcripts()
        tool.wait_recorded(session, tool.COMPACTED_RECORD)
    [handoff] = shop.first_told(tool, "Go on", session=session)

    said = handoffs.protocol(handoff)
    row.shown(handoffs.said_first(handoff))
    assert "This session was resumed" in said or "Your context was just compacted" in said


@NEWEST
def test_a_rewound_turn_is_not_in_the_next_handoff(tool: Tool, row: Row) -> None:
    shop.begin_installed(tool)
    tool.script(*shop.steps(tool), "The pear is green now.", "The plum costs two coins.")
    with tool.terminal(PROJECT) as terminal:
        terminal.enter(TASK)
        terminal.wait_text("the test passes")
        terminal.enter(OTHER_TASK)
        terminal.wait("green now")
        product.settle(tool.box)
        before = prompts(tool)
        terminal.enter("/rewind")
        terminal.wait("Rewind to a previous point")
        terminal.key("Enter")
        terminal.wait("Conversation only")
        terminal.key("Enter")
        [session] = tool.transcripts()
        wait_until(lambda: '"infoType":"rewind"' in tool.recorded(session))
        terminal.key("C-u")  # the undone prompt is offered again
        terminal.enter("Now the plum")
        terminal.wait_text("The plum costs two coins")  # the answer before says "two coins" too
    left = shop.left_by(tool)
    after = prompts(tool)

    row.shown(f"prompts that count before: {before}, after: {after}")
    assert before == [TASK, OTHER_TASK]
    assert after == [TASK, "Now the plum"]
    assert OTHER_TASK not in left


@NEWEST
def test_what_is_typed_to_change_a_plan_is_a_prompt(tool: Tool, row: Row) -> None:
    """The call that offers the plan succeeds all the same."""
    shop.begin_installed(tool)
    plan = {"tool": "exit_plan_mode", "input": {"summary": "- Price the pear", "actions": ["interactive"]}}
    tool.script(plan, "The plan is another one now.")
    with Terminal(tool.box, *tool.installed.command, "--plan", cwd=PROJECT, env=tool.environment) as terminal:
        terminal.wait(tool.READY, 60)
        terminal.enter(TASK)
        terminal.wait(r"4\. Suggest changes")
        terminal.choose("4", r"❯ 4\.")
        terminal.key("Enter")
        terminal.enter("Only whole cents please")
        terminal.wait_text("another one now")
    left = shop.left_by(tool)

    row.shown(f"prompts: {prompts(tool)}")
    assert prompts(tool) == [TASK, "Only whole cents please"]
    assert "Only whole cents please" in left


def handoffs_in_each_way(tool: Tool) -> list[int]:
    one_shot = len(shop.first_told(tool))
    with tool.terminal(PROJECT) as terminal:
        tool.script("Aye.")
        terminal.enter("And now")
        terminal.wait("Aye", 60)
    return [one_shot, len(handoffs.injected(tool.requests()[-1]))]


def prompts(tool: Tool) -> list[str]:
    events = recorded.sessions(tool.box)[0].events
    return [event.body.text for event in events if isinstance(event.body, UserPrompt) and not event.retracted]
