"""What is specific to Continue: a document without ids or times, whose history can shrink (1.5.47)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agents.continue_dev.contract_case import document, recording, write
from carryover.agents.continue_dev.adapter import AGENT
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from carryover.model import (
    AgentSummary,
    Answer,
    AssistantMessage,
    FileEdit,
    PlanUpdate,
    Question,
    SessionInfo,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from carryover.text.pasted import marked_parts
from contract.case import Reading, of, read_on, source_at

STORY = "Add a discount(price, percent) function to cart.py; the result must be whole cents."


def read(name: str) -> Reading:
    return read_on(AGENT, source_at(AGENT, recording(name)))


def states(folder: Path, *held: dict[str, Any]) -> Reading:
    """What is known after the client wrote these states of a session, each of which was read."""
    reading = None
    for each in held:
        reading = read_on(AGENT, source_at(AGENT, write(folder, each)), reading)
    assert reading is not None
    return reading


def prompts(reading: Reading) -> list[str]:
    return [prompt.text for prompt in of(reading.events, UserPrompt) if prompt.actor == "human"]


def test_a_story_has_its_task_steps_question_and_last_words() -> None:
    events = read("story").events

    [info] = of(events, SessionInfo)
    assert (info.title, info.model) == ("Cart discount function", "fake-model")
    assert {event.cwd for event in events} == {"/home/dev/shop"}
    assert [prompt.text for prompt in of(events, UserPrompt)] == [STORY]
    assert [(item.text, item.state) for item in of(events, PlanUpdate)[-1].items] == [
        ("Read cart.py", "done"),
        ("Add discount()", "pending"),
        ("Run tests", "pending"),
    ]
    [question] = of(events, Question)
    assert (question.text, question.options) == ("Round half up or banker's rounding?", ("half up", "banker's"))
    assert [answer.text for answer in of(events, Answer)] == ["half up"]
    last = of(events, AssistantMessage)[-1]
    assert (last.text[-36:], last.final) == ("passes. Next: document it in README.md."[-36:], True)


def test_a_command_has_an_exit_code_only_if_the_client_wrote_one() -> None:
    """A failure without text on stderr is `done`, like a success."""
    ran = [result for result in of(read("story").events, ToolResult) if result.op == "shell"]

    assert [(result.status, result.exit_code) for result in ran] == [("error", 1), ("ok", None), ("ok", None)]
    assert ran[0].output.startswith("====")
    assert ran[-1].output.startswith("\n----")


def test_an_edit_has_its_place_and_lines_and_a_failed_one_changes_nothing() -> None:
    edits = of(read("story").events, FileEdit)

    assert [(edit.path, edit.added, edit.removed, edit.line) for edit in edits] == [
        ("/home/dev/shop/cart.py", 4, 0, 4),
        ("/home/dev/shop/cart.py", 1, 1, 5),
        ("/home/dev/shop/NOTES.md", 1, 0, 1),
    ]


def test_a_command_of_the_extension_has_its_exit_code_beside_its_output(tmp_path: Path) -> None:
    """It is `done` all the same, and one that the user cancelled has no output (2026)."""
    held = document("killed-tool")
    at = next(at for at, item in enumerate(held["history"]) if item.get("toolCallStates"))
    [state] = held["history"][at]["toolCallStates"]
    held["history"] = held["history"][: at + 1]
    state["status"] = "done"
    state["output"] = [{"name": "Terminal", "content": "No.", "status": "Command failed with exit code 3221225781"}]
    [failed] = of(states(tmp_path, held).events, ToolResult)
    state |= {"status": "canceled", "output": []}
    cancelled = states(tmp_path, held).events

    assert (failed.status, failed.exit_code, failed.output) == ("error", 3221225781, "No.")
    assert [result.status for result in of(cancelled, ToolResult)] == ["interrupted"]
    assert [end.reason for end in of(cancelled, TurnEnd)] == ["interrupted"]


def test_a_killed_command_and_an_open_question_have_no_result(tmp_path: Path) -> None:
    killed = read("killed-tool").events
    held = document("story")
    *before, asking, _ = held["history"]
    asking["toolCallStates"][0] |= {"status": "calling", "output": []}
    asked = states(tmp_path, {**held, "history": [*before, asking]}).events

    assert of(killed, ToolCall)[-1].op == "shell"
    assert [result.op for result in of(killed, ToolResult)].count("shell") < len(
        [call for call in of(killed, ToolCall) if call.op == "shell"]
    )
    assert len(of(asked, Question)) == 1
    assert of(asked, Answer) == []


def test_a_refused_call_is_denied() -> None:
    [result] = [result for result in of(read("rejected").events, ToolResult) if result.status != "ok"]
    assert result.status == "denied"


def test_an_answer_that_was_killed_leaves_the_prompt() -> None:
    events = read("killed-streaming").events
    assert len(of(events, UserPrompt)) == 1
    assert of(events, AssistantMessage) == []


def test_a_subagent_is_a_call_with_its_answer() -> None:
    [result] = [result for result in of(read("subagent").events, ToolResult) if result.op == "agent"]
    assert result.status == "ok"
    assert result.output


def test_a_command_typed_after_an_exclamation_mark_is_the_users(tmp_path: Path) -> None:
    held = document("killed-tool")
    calling = next(item for item in held["history"] if item.get("toolCallStates"))
    calling["toolCallStates"][0]["toolCallId"] = "shell-1795365972562-0"
    reading = states(tmp_path, held)

    assert next(call.actor for call in of(reading.events, ToolCall)) == "human"


def test_a_listing_of_the_extension_names_its_folder(tmp_path: Path) -> None:
    held = document("killed-tool")
    calling = next(item for item in held["history"] if item.get("toolCallStates"))
    given = {"dirPath": "storage", "recursive": True}
    calling["toolCallStates"][0] |= {"toolCall": {"function": {"name": "ls"}}, "parsedArgs": given}

    [call, *_] = of(states(tmp_path, held).events, ToolCall)
    assert (call.op, call.subject) == ("search", "storage")


def test_an_edited_prompt_takes_back_what_followed_it(tmp_path: Path) -> None:
    """The same file, cut at that prompt and continued (1.5.47)."""
    story = document("story")
    later = document("killed-streaming")["history"]
    other = document("file")["history"]
    reading = states(
        tmp_path,
        {**story, "history": [*story["history"], *later]},
        {**story, "history": [*story["history"], *other]},
    )

    assert prompts(reading) == [STORY, *(item["message"]["content"] for item in other if _is_prompt(item))]


def test_a_summary_takes_the_place_of_a_history_that_is_kept(tmp_path: Path) -> None:
    """`/compact` deletes all that was said from the file (1.5.47); a rewind after it takes back only what is newer."""
    summary, *later = document("compacted")["history"]
    story = document("story")
    first = {**story, "history": [summary]}
    on = {**story, "history": [summary, *later]}
    reading = states(tmp_path, story, first, on, first)

    assert prompts(reading) == [STORY]
    assert [each.source for each in of(reading.events, AgentSummary)] == ["compaction"]
    assert prompts(states(tmp_path, story, first, on)) == [STORY, later[0]["message"]["content"]]


def test_the_continue_after_a_summary_in_mid_turn_was_not_typed(tmp_path: Path) -> None:
    held = document("compacted")
    held["history"][1]["message"]["content"] = "continue"

    [prompt] = of(states(tmp_path, held).events, UserPrompt)
    assert prompt.actor == "model"


def test_code_that_the_user_selected_is_pasted_and_names_its_file(tmp_path: Path) -> None:
    held = document("story")
    code = '```json shop/cart.json (75-81)\n    "cents": true,\n\n```'
    held["history"][0]["message"]["content"] = f"\n\n{code}\nWhat is wrong?\n\n```sh\nmake\n```"

    text = of(states(tmp_path, held).events, UserPrompt)[0].text
    assert marked_parts(text) == (
        (True, 'shop/cart.json (75-81)\n    "cents": true,'),
        (False, "What is wrong?\n\n```sh\nmake\n```"),
    )


def test_a_copy_of_2024_is_known_by_its_history(tmp_path: Path) -> None:
    """Synthetic, by the form of public copies of the extension: the history comes first."""
    held = document("story")
    copy = tmp_path / "copy.json"
    copy.write_text(json.dumps({"history": held.pop("history"), **held}, indent=2))

    found = open_document(Candidate(copy))
    assert found.agent.id == "continue-dev"
    assert of(read_on(found.agent, found.source).events, UserPrompt)[0].text == STORY


def test_a_folder_may_be_a_uri(tmp_path: Path) -> None:
    """The extensions (documents)."""
    reading = states(tmp_path, {**document("story"), "workspaceDirectory": "file:///home/dev/my%20shop"})
    assert {event.cwd for event in reading.events} == {"/home/dev/my shop"}


def test_a_folder_elsewhere_is_no_project_here_and_its_files_are_named(tmp_path: Path) -> None:
    """In a container or on another machine (the extension for VS Code, 2026)."""
    folder = "vscode-remote://dev-container%2B7b22/workspaces/shop"
    held = document("story")
    for state in (state for item in held["history"] for state in item.get("toolCallStates", [])):
        given = state.get("parsedArgs", {})
        given |= {name: "cart.py" for name in ("filepath", "file_path") if name in given}
    events = states(tmp_path, {**held, "workspaceDirectory": folder}).events

    assert {event.cwd for event in events} == {None}
    assert {edit.path for edit in of(events, FileEdit)} == {"/workspaces/shop/cart.py"}


def _is_prompt(item: dict[str, Any]) -> bool:
    return bool(item["message"]["role"] == "user")
