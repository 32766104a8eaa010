"""Tasks in the form of Roo Code's public source: what is read of them."""

from __future__ import annotations

from pathlib import Path

from agents.roo_code.contract_case import CASE, NOW, SHOP
from agents.roo_code.played import LIMIT, RooPlayed
from carryover import model
from carryover.agents.roo_code.adapter import AGENT
from contract.case import Reading, Recording, read_on, source_at, standing


def read(number: int) -> Reading:
    found = read_on(AGENT, source_at(AGENT, CASE.recordings[number]))
    assert found.skipped == []
    return found


def test_a_task_with_a_refusal_a_failing_command_and_a_question() -> None:
    found = read(0)

    results = [(each.name, each.status, each.exit_code, each.user_words) for each in standing(found, model.ToolResult)]
    assert results == [
        ("command", "denied", None, "Never do that."),
        ("appliedDiff", "ok", None, ""),
        ("command", "error", 2, ""),
    ]
    [edit] = standing(found, model.FileEdit)
    assert (edit.path, edit.line, edit.added, edit.removed) == ("/home/dev/shop/cart.py", 2, 1, 1)
    assert [question.options for question in standing(found, model.Question)] == [("Yes", "No")]
    assert [answer.text for answer in standing(found, model.Answer)] == ["No"]
    assert [item.state for item in standing(found, model.PlanUpdate)[0].items] == ["done", "pending"]
    assert [end.reason for end in standing(found, model.TurnEnd)] == ["limit"]


def test_what_a_task_began_is_a_part_of_it() -> None:
    part = read(1)

    [prompt] = standing(part, model.UserPrompt)
    assert prompt.actor == "model"
    assert {(event.session, event.subagent_id) for event in part.events} == {
        (CASE.recordings[0].path.parent.name, CASE.recordings[1].path.parent.name)
    }


def test_a_request_that_was_tried_again_is_no_limit(tmp_path: Path) -> None:
    task = RooPlayed(tmp_path, SHOP, NOW)
    task.prompt("Go.")
    task.end("limit")
    task.say_as("api_req_retried", "")
    task.say_as("api_req_started", "{}")
    task.say("Done.")

    found = read_on(AGENT, source_at(AGENT, Recording(task.path, task.root)))
    assert LIMIT not in str(found.events)
    assert standing(found, model.TurnEnd) == []


def test_without_its_history_item_a_task_has_the_folder_that_the_model_was_told(tmp_path: Path) -> None:
    task = RooPlayed(tmp_path, SHOP, NOW)
    task.prompt("Go.")
    task.path.with_name("history_item.json").unlink()

    found = read_on(AGENT, source_at(AGENT, Recording(task.path, task.root)))
    assert {event.cwd for event in found.events} == {str(SHOP)}
