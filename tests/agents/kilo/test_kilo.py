"""Sessions in the database of a real client of Kilo: what is read of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from agents.kilo.contract_case import TRANSIENT
from agents.kilo.stores import Client, database, read
from agents.opencode.contract_case import model as answered
from agents.opencode.contract_case import record
from agents.opencode.stores import START_MS, bodies
from carryover import model
from carryover.adapter.contract import Source
from carryover.agents.kilo.adapter import AGENT
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from contract.case import Reading, fold_one, of

SHOP = "ses_dfbd8a500ffea06k4JtpnQN96i"
PARENT, CHILD = "ses_dfbd55182ffenML7usXC7oAQOz", "ses_dfbd503e4ffe2nOqlxVzLfy2kG"


def prompts(reading: Reading, session: str | None = None) -> list[str]:
    return [prompt.text for prompt in bodies(reading, model.UserPrompt, session=session)]


def told(data: bytes, after: Reading | None = None) -> Reading:
    source = Source(agent="kilo", path="/data/kilo/kilo.db")
    return fold_one(AGENT, source, data, None if after is None else after.context)


def test_a_session_with_edits_tests_a_todo_list_and_a_question(tmp_path: Path) -> None:
    found = read(database(tmp_path, "story"))

    assert prompts(found, SHOP) == [
        "Add a discount(price, percent) function to cart.py; the tests must pass",
        "What is left?",
    ]
    tests = [result for result in bodies(found, model.ToolResult, session=SHOP) if result.op == "shell"]
    assert [result.exit_code for result in tests] == [1, 0]
    edits = bodies(found, model.FileEdit, session=SHOP)
    assert [(edit.path, edit.change) for edit in edits] == [("/home/dev/shop/cart.py", "modify")] * 2
    [plan] = bodies(found, model.PlanUpdate, session=SHOP)
    assert [item.state for item in plan.items] == ["done", "pending"]
    [answer] = bodies(found, model.Answer, session=SHOP)
    assert (answer.question, answer.text) == ("Round per item or once per cart?", "Per item")


def test_what_was_undone_is_left_out_and_a_queued_prompt_counts_once(tmp_path: Path) -> None:
    found = read(database(tmp_path, "tui"))

    assert prompts(found) == [
        "Add discount() to cart.py",
        "Explain rounding",
        "go on",
        "go on, shorter",
        "Slow one",
        "Queued prompt",
        "Round it",
    ]
    assert [end.reason for end in bodies(found, model.TurnEnd)] == ["interrupted"]
    assert len(bodies(found, model.AgentSummary)) == 1
    assert [result.status for result in bodies(found, model.ToolResult)] == ["ok", "denied"]


def test_what_the_client_shows_while_it_works_is_not_an_answer(tmp_path: Path) -> None:
    with Client(tmp_path / "kilo" / "kilo.db") as client:
        session = client.session(START_MS, "/home/dev/shop")
        client.prompt(session, START_MS + 1, "Fix add().")
        answer = client.answer(session, START_MS + 2)
        client.part(session, answer, START_MS + 3, TRANSIENT)
        client.part(session, answer, START_MS + 4, {"type": "text", "text": "Done."})
        client.finish(session, answer, START_MS + 5)
        found = read(client.path)

    assert [(message.text, message.final) for message in bodies(found, model.AssistantMessage)] == [("Done.", True)]


def test_what_is_typed_about_a_plan_is_a_prompt_and_what_the_client_sends_is_none() -> None:
    """The client asks what shall become of a plan, and sends each answer as its own text (7.7.9)."""

    def sent(*parts: Any, agent: str = "plan", after: Reading | None = None) -> Reading:
        return told(record({"role": "user", "time": {"created": START_MS}, "agent": agent}, *parts), after)

    state = {"status": "completed", "input": {}, "metadata": {"plan": "p.md"}}
    planned = told(answered({"type": "tool", "tool": "plan_exit", "state": state}))
    typed = {"type": "text", "text": "Only whole cents.", "synthetic": True}
    replied = sent(typed, after=planned)
    accepted = sent(
        {**typed, "text": "Implement the plan above."},
        {**typed, "text": "\n\n<system-reminder>\nThe active agent has changed.\n</system-reminder>\n"},
        agent="code",
        after=planned,
    )
    refined = sent({**typed, "text": "Continue refining the plan. Do not implement yet."}, after=planned)
    begun = "Plan file: p.md\nRead this file first and treat it as the source of truth for implementation."
    fresh = sent({**typed, "text": begun, "synthetic": False}, agent="code")

    assert of(planned.events, model.PlanProposal) == [model.PlanProposal(call_id="prt_0", text="p.md")]
    assert [of(each.events, model.PlanProposal) for each in (accepted, refined, sent(typed, after=accepted))] == [
        [model.PlanProposal(call_id="", text="", accepted=True)],
        [model.PlanProposal(call_id="", text="", accepted=False)],
        [],
    ]
    assert of(fresh.events, model.UserPrompt) == [model.UserPrompt(text=begun, accepts_plan=True)]
    assert of(replied.events, model.UserPrompt) == [model.UserPrompt(text="Only whole cents.")]
    for by_client in (
        sent(typed, after=replied),
        sent(typed, typed, after=planned),
        accepted,
        refined,
        sent({**typed, "text": "Continue working toward this session goal:"}, agent="code", after=planned),
    ):
        assert of(by_client.events, model.UserPrompt) == []


def test_a_copied_database_is_told_from_a_relatives(tmp_path: Path) -> None:
    copy = database(tmp_path, "story").rename(tmp_path / "opencode.db")

    assert open_document(Candidate(copy)).agent.id == "kilo"


def test_a_copy_of_an_earlier_database_is_told_by_its_name(tmp_path: Path) -> None:
    copy = database(tmp_path, "story")
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("DROP TABLE kilo_board")
        connection.commit()

    assert open_document(Candidate(copy.rename(tmp_path / "kilo.db"))).agent.id == "kilo"
    assert open_document(Candidate((tmp_path / "kilo.db").rename(tmp_path / "opencode.db"))).agent.id == "opencode"


def test_a_goal_is_a_prompt_and_what_the_client_answers_is_no_word_of_the_model() -> None:
    """A run of 7.7.9; `/goal resume`: source."""

    def typed(text: str) -> bytes:
        return record({"role": "user", "time": {"created": START_MS}}, {"type": "text", "text": text, "ignored": True})

    set_up = "Goal active. The working model reports completion or blockers with goal_report; completion is not ..."
    goes_on = {"type": "text", "text": "Continue working toward this session goal:\n\nWhole cents", "synthetic": True}
    read_in_turn = (
        typed("/goal Whole cents\neverywhere"),
        answered({"type": "text", "text": set_up}),
        record({"role": "user", "time": {"created": START_MS}}, goes_on),
        typed("/goal resume"),
        typed("/other thing"),
    )
    found = [event.body for data in read_in_turn for event in told(data).events]

    assert [body for body in found if not isinstance(body, model.SessionInfo)] == [
        model.UserPrompt(text="Whole cents\neverywhere", command="/goal")
    ]
