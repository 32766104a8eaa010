"""What only Droid has: a plan that is offered in its spec mode, with four answers to it."""

from typing import Final

from carryover.model import PlanProposal, UserPrompt
from real_agents.lab import handoffs, shop
from real_agents.lab.box import Terminal
from real_agents.lab.rows import Row, newest
from real_agents.lab.shop import PROJECT
from real_agents.lab.tool import Tool
from real_agents.test_sessions import prompts, read

NEWEST: Final = newest("droid")
SPEC: Final = "── Spec ──"
NO: Final = r"5\. No and explain"


def offer(tool: Tool, terminal: Terminal, prompt: str, plan: str, answer: str) -> None:
    """Has it offer a plan, in spec mode, which ends with a plan that is accepted."""
    if SPEC not in terminal.screen():
        terminal.choose("BTab", SPEC)
    tool.script({"tool": "ExitSpecMode", "input": {"plan": plan, "title": "Discount"}}, answer)
    terminal.enter(prompt)
    terminal.wait(NO, 60)


@NEWEST
def test_what_the_user_says_to_a_plan_is_the_users(tool: Tool, row: Row) -> None:
    """Accepted with a comment, refused, and taken into a new session, which the client records as refused."""
    shop.begin(tool)
    with tool.terminal(PROJECT) as terminal:
        offer(tool, terminal, "Plan a discount", "# Discount\n\n1. In cents.", "The discount is there.")
        terminal.choose("2", "Comment:")
        terminal.enter("Only whole cents please")
        terminal.wait("1. Proceed with Manual")
        terminal.choose("Enter", "discount is there")
        offer(tool, terminal, "Plan a rebate", "# Rebate\n\n1. In percent.", "It is another plan now.")
        terminal.key("5")
        terminal.wait(r"(?s)Rebate.*── Spec ──")
        terminal.enter("In cents too")
        terminal.wait("another plan now")
        offer(tool, terminal, "Plan a tax", "# Tax\n\n1. In cents.", "The tax is there.")
        known = set(tool.transcripts())
        terminal.choose("3", "1. Proceed with Manual")
        terminal.choose("Enter", "tax is there")
        tool.wait_recorded(tool.new_session(known), "agent_turn_outcome")  # closed before that, the turn is cancelled
    fresh, planned = read(tool, row)
    left = shop.left_by(tool)

    standing = handoffs.sections(left)["Where it stands"]
    for line in standing:
        row.shown(line)
    typed = ["Plan a discount", "Only whole cents please", "Plan a rebate", "In cents too", "Plan a tax"]
    assert prompts(planned) == typed
    assert [plan.accepted for plan in planned.all(PlanProposal)] == [None, True, None, False, None, False]
    assert [prompt.accepts_plan for prompt in fresh.all(UserPrompt)] == [True]
    assert "waits for the user" not in left and "Plan not approved" not in left
    assert "interrupted" not in " ".join(standing)


@NEWEST
def test_what_is_typed_for_a_review_is_the_users(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    with tool.terminal(PROJECT) as terminal:
        tool.script("It is fine.")
        terminal.enter("/review")
        terminal.wait("4. Custom review")
        terminal.choose("4", "Type your instructions")
        terminal.enter("Look at the prices only")
        terminal.wait("It is fine")
    task = handoffs.sections(shop.left_by(tool))["Task"]

    for line in task:
        row.shown(line)
    assert len(task) == 1 and task[0].endswith("/review Look at the prices only")
