"""What only opencode has: an entry that loads the handoff, stores of files and of rows, sub-agents, exports."""

from typing import Final

from carryover.model import AssistantMessage, PlanUpdate, UserPrompt
from real_agents.lab import handoffs, product, recorded, shop
from real_agents.lab.rows import Row, each_version, newest
from real_agents.lab.shop import PROJECT
from real_agents.lab.tool import Tool
from real_agents.opencode.client import CONFIG
from real_agents.test_sessions import prompts, read

NEWEST: Final = newest("opencode")
ENTRY: Final = ".carryover/handoff-opencode.md"
TODOS: Final = [
    {"content": "Change the price", "status": "completed", "priority": "high", "id": "1"},
    {"content": "Ask about plums", "status": "pending", "priority": "low", "id": "2"},
]


@each_version("opencode")
def test_without_a_handoff_the_entry_does_nothing(tool: Tool, row: Row) -> None:
    """A file that is not there is passed over in silence; once it is there, the next request of the session has it."""
    shop.make_project(tool.box)
    shop.install(tool)
    turn = tool.turn(PROJECT, "Hello", "OK.")

    row.shown(f"ended with {turn.code}")
    assert ENTRY in tool.box.here(CONFIG).read_text()
    assert "handoff" not in turn.seen
    assert handoffs.injected(turn.requests[0]) == []

    for words in ("Peel the pears", "Wash the plums"):
        tool.box.write(PROJECT / ENTRY, f"# {words}\n")
        assert words in tool.turn(PROJECT, "And now?", "OK.", session=turn.session).requests[0]


@NEWEST
def test_a_sub_agent_belongs_to_its_session_and_a_plan_is_read(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    given = {"description": "Count pears", "prompt": "Count the pears in prices.py", "subagent_type": "general"}
    replies = ({"tool": "task", "input": given}, "There is one pear.", {"tool": "todowrite", "input": {"todos": TODOS}})
    tool.turn(PROJECT, "How many pears?", *replies, "One.")
    [session] = read(tool, row)

    assert prompts(session) == ["How many pears?"]
    assert [message.text for message in session.all(AssistantMessage)] == ["One."]
    assert [prompt.actor for prompt in session.all(UserPrompt, sidechains=True)].count("model") == 1
    assert [len(plan.items) for plan in session.all(PlanUpdate)] == [2]


@NEWEST
def test_a_deleted_session_stays_recorded(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    session = shop.do_the_work(tool)
    [before] = read(tool, row)
    tool.box.must(*tool.installed.command, "session", "delete", session, cwd=PROJECT, env=tool.environment)
    [after] = read(tool, row)

    assert after.events == before.events


@NEWEST
def test_an_exported_session_gives_the_same_handoff(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    session = shop.do_the_work(tool)
    live = handoffs.sections(shop.left_by(tool))
    document = tool.box.must(*tool.installed.command, "export", session, cwd=PROJECT, env=tool.environment)
    tool.box.write(PROJECT / "export.json", document)
    handoff = product.carryover(tool.box, "handoff", "--transcript", str(PROJECT / "export.json"))

    said = handoffs.sections(handoff)
    row.shown(f"{recorded.not_understood(tool.box)} records not understood")
    assert (said["Task"], said["Open questions"]) == (live["Task"], live["Open questions"])
