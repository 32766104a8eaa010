"""What only Kilo has: what it asks about a plan once that is written."""

import json
from typing import Final

from carryover.model import PlanProposal, UserPrompt
from real_agents.kilo.client import Kilo
from real_agents.lab import handoffs, shop
from real_agents.lab.box import Terminal
from real_agents.lab.rows import Row, newest
from real_agents.lab.shop import PROJECT
from real_agents.lab.tool import Tool
from real_agents.test_sessions import prompts, read

NEWEST: Final = newest("kilo")
PLAN: Final = ".kilo/plans/discount.md"


def offer(tool: Tool, terminal: Terminal, prompt: str, *replies: object) -> None:
    """Has it offer the plan, by its agent for that."""
    if "Plan  · Fake Fake" not in terminal.screen():
        terminal.choose("Tab", "Plan  · Fake Fake")
    tool.script(*replies[:-1], {"tool": "plan_exit", "input": {"path": PLAN}}, replies[-1])
    terminal.enter(prompt)
    terminal.wait("1. Start new session", tool.RUNS_S)


@NEWEST
def test_what_the_user_says_to_a_plan_is_the_users(tool: Tool, row: Row) -> None:
    """Answered with words of the user's, accepted, and taken into a new session."""
    settings = json.loads(tool.box.here(Kilo.CONFIG).read_text("utf-8"))
    tool.box.write(Kilo.CONFIG, json.dumps({**settings, "snapshot": False}))  # it asks about these on a busy machine
    shop.begin(tool)
    text = {"filePath": str(PROJECT / PLAN), "content": "# Discount\n\n1. In cents.\n"}
    with tool.terminal(PROJECT) as terminal:
        offer(tool, terminal, "Plan a discount", {"tool": "write", "input": text}, "It is another plan now.")
        terminal.choose("4", r"Type your own answer\s+┃\s+Type your own answer")
        terminal.enter("Only whole cents please")
        terminal.wait("another plan now", tool.RUNS_S)
        offer(tool, terminal, "Offer it again", "The discount is there.")
        terminal.choose("2", "discount is there")
        offer(tool, terminal, "Offer it anew", "The tax is there.")
        terminal.choose("1", "tax is there")
    fresh, planned = read(tool, row)
    left = shop.left_by(tool)

    for line in handoffs.sections(left)["Task"]:
        row.shown(line)
    assert prompts(planned) == ["Plan a discount", "Only whole cents please", "Offer it again", "Offer it anew"]
    assert [plan.accepted for plan in planned.all(PlanProposal)] == [None, None, True, None]
    assert [prompt.accepts_plan for prompt in fresh.all(UserPrompt)] == [True]
    assert "waits for the user" not in left
