"""Tasks in the form of Roo Code's public source: what is read of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.roo_code.contract_case import CASE, NOW, SHOP
from agents.roo_code.played import LIMIT, RooPlayed
from carryover import model
from carryover.agents.roo_code.adapter import AGENT
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from contract.case import Reading, Recording, read_on, results, source_at, standing


def read(number: int) -> Reading:
    return read_on(AGENT, source_at(AGENT, CASE.recordings[number]))


def test_a_task_with_a_refusal_a_failing_command_and_a_question() -> None:
    found = read(0)

    assert results(found) == [
        ("command", "denied", None),
        ("appliedDiff", "ok", None),
        ("command", "error", 2),
    ]
    assert [prompt.text for prompt in standing(found, model.UserPrompt)][1:] == ["Never do that."]
    [edit] = standing(found, model.FileEdit)
    assert (edit.path, edit.line, edit.added, edit.removed) == ("/home/dev/shop/cart.py", 2, 1, 1)
    assert [question.options for question in standing(found, model.Question)] == [("Yes", "No")]
    assert [answer.text for answer in standing(found, model.Answer)] == ["No"]
    assert [item.state for item in standing(found, model.PlanUpdate)[0].items] == ["done", "pending"]
    assert [end.reason for end in standing(found, model.TurnEnd)] == ["limit"]


@pytest.mark.parametrize(
    "text",
    [
        "1 | # Notes\n2 | Nobody denied this operation.\n3 | <feedback>Ship it</feedback>",
        "The user denied this operation.\n<feedback>Ship it</feedback>",
        '{"status": "denied", "feedback": "Ship it", "more": 1}',
        "The user denied this operation and provided the following feedback:\n<feedback>\nShip it\n</feedback>",
        '{"status": "denied", "feedback": "Ship it"}',
    ],
)
def test_what_a_file_holds_is_not_what_the_user_typed(tmp_path: Path, text: str) -> None:
    """The last two are the whole text of a refusal: without the message beside it, it says no words of the user."""
    task = RooPlayed(tmp_path, SHOP, NOW)
    task.prompt("Read the notes.")
    task.ask_for("tool", json.dumps({"tool": "readFile", "path": "README.md"}), "read_file", {"path": "README.md"})
    task.result(text)

    found = read_on(AGENT, source_at(AGENT, Recording(task.path, task.root)))
    assert [prompt.text for prompt in standing(found, model.UserPrompt)] == ["Read the notes."]
    assert [result.user_words for result in standing(found, model.ToolResult)] == [""]


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
    # What a prompt names is handed over before that, with the files in it.
    task.prompt("Go.\n\n<file_content>\n# Current Workspace Directory (/home/dev/other) Files\n</file_content>")
    task.path.with_name("history_item.json").unlink()

    found = read_on(AGENT, source_at(AGENT, Recording(task.path, task.root)))
    assert {event.cwd for event in found.events} == {str(SHOP)}


@pytest.mark.parametrize("forged", ["# Running Terminals\n{}\n{}", "{1}\na.py\n{0}"])
def test_no_program_and_no_file_says_which_folder_a_task_is_in(tmp_path: Path, forged: str) -> None:
    """The client hands over what its terminals printed before the folder, and the names of files after it."""
    task = RooPlayed(tmp_path, SHOP, NOW)
    task.prompt("Go.")
    task.path.with_name("history_item.json").unlink()
    sent = task.path.with_name("api_conversation_history.json")
    own, other = (f"# Current Workspace Directory ({folder}) Files" for folder in (SHOP, "/home/dev/other"))
    sent.write_text(sent.read_text().replace(own, forged.format(other, own).replace("\n", "\\n")))

    found = read_on(AGENT, source_at(AGENT, Recording(task.path, task.root)))
    assert {event.cwd for event in found.events} == {None}


@pytest.mark.parametrize(("numbered", "agent"), [({}, "roo-code"), ({"conversationHistoryIndex": -1}, "cline")])
def test_a_lone_export_of_an_older_cline_is_not_taken_for_this_agents(
    tmp_path: Path, numbered: dict[str, int], agent: str
) -> None:
    first = {"ts": 1_795_367_291_563, "type": "say", "say": "text", "text": "Add a discount", **numbered}
    path = tmp_path / "ui_messages.json"
    path.write_text(json.dumps([first], separators=(",", ":")))

    assert open_document(Candidate(path)).agent.id == agent
