"""Sessions of real clients of Mistral Vibe: what is read of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agents.mistral_vibe.contract_case import NOW, message, record, recording, texts
from agents.mistral_vibe.stores import Store
from carryover import model
from carryover.adapter.contract import Source
from carryover.agents.mistral_vibe.adapter import AGENT
from carryover.model import is_own_tool
from contract.case import Reading, Recording, edits, fold_one, of, prompts, read_on, results, source_at

SHOP = "/home/dev/shop"


def read(name: str, session: str = "") -> Reading:
    return read_on(AGENT, source_at(AGENT, recording(name, session)))


def test_a_session_with_calls_side_by_side_a_failed_edit_and_a_program() -> None:
    found = read("3.0.3/story")

    assert results(found) == [
        ("file_system.read_file", "ok", None),
        ("vibe.todo", "ok", None),
        ("file_system.edit", "ok", None),
        ("file_system.edit", "error", None),
        ("file_system.write_file", "ok", None),
        ("file_system.write_file", "ok", None),
        ("file_system.bash", "ok", 0),
        ("file_system.bash", "error", 1),
        ("file_system.write_file", "ok", None),
        ("file_system.bash", "ok", 0),
        ("file_system.bash", "error", -9),
    ]
    assert edits(found) == [
        (f"{SHOP}/calc.py", "modify", 2),
        (f"{SHOP}/test_calc.py", "add", 1),
        (f"{SHOP}/calc2.py", "add", 1),
        (f"{SHOP}/ts.txt", "add", 1),
    ]
    [plan] = of(found.events, model.PlanUpdate)
    assert [(item.text, item.state) for item in plan.items] == [("fix add", "active"), ("test it", "pending")]
    assert of(found.events, model.AssistantMessage)[-1].text == "The test fails. Shall I go on?"
    assert {event.cwd for event in found.events} == {SHOP}
    [info] = of(found.events, model.SessionInfo)
    assert info == model.SessionInfo(model="fake-model")


def test_an_earlier_version_has_another_tool_for_edits() -> None:
    assert edits(read("2.26.1/story")) == [(f"{SHOP}/calc.py", "modify", 2), (f"{SHOP}/n.py", "add", 1)]


def test_a_command_that_was_killed_with_the_client_stays_open() -> None:
    found = read("killed")

    [call] = of(found.events, model.ToolCall)
    assert call.subject == "echo started; sleep 60"
    assert results(found) == []


def test_a_limit_is_named_in_the_providers_words() -> None:
    [end] = of(read("limit").events, model.TurnEnd)
    assert end == model.TurnEnd(reason="limit", message="You have reached your usage limit")


def test_a_compaction_an_interruption_and_a_command_that_the_user_typed() -> None:
    found = read("compacted")

    assert [summary.text for summary in of(found.events, model.AgentSummary)] == ["The work so far was summed up."]
    assert [end.reason for end in of(found.events, model.TurnEnd)] == ["interrupted"]
    typed = [call.subject for call in of(found.events, model.ToolCall) if call.actor == "human"]
    assert typed == ["ls -la calc.py; exit 4"]
    assert results(found)[1:] == [("file_system.bash", "interrupted", None), ("shell", "error", 4)]


def test_what_a_user_went_back_over_is_gone() -> None:
    found = read("rewound")

    assert prompts(found)[-1] == "second promptanother way"
    assert "second prompt" not in prompts(found)
    assert of(found.events, model.SessionInfo)[-1].title == "My title"


def test_a_question_is_put_with_its_options_and_answered() -> None:
    found = read("forked", "4649d10f")

    [question] = of(found.events, model.Question)
    assert (question.text, question.options) == ("Which colour?", ("Red", "Blue"))
    assert [(answer.question, answer.text) for answer in of(found.events, model.Answer)] == [("Which colour?", "Blue")]


@pytest.mark.parametrize(("tool", "answers"), [("ui.ask_user_question", ["Ship it."]), ("mcp.notes.find", [])])
def test_a_servers_result_that_looks_like_an_answer_is_none(tool: str, answers: list[str]) -> None:
    result = {"answers": [{"question": "Which one?", "answer": "Ship it."}]}
    state = {"status": "completed", "output": {"structured_content": result}}
    times = {"createdAt": NOW.isoformat(), "updatedAt": NOW.isoformat()}
    data = record(effect={"id": "e1", **times, "detail": {"toolName": tool, "input": {}}, "state": state})
    found = fold_one(AGENT, Source(agent="mistral-vibe", path="/v/CURRENT", session="s1"), data)

    assert [answer.text for answer in of(found.events, model.Answer)] == answers


def test_a_sub_agent_is_begun_by_a_call() -> None:
    assert "agent" in [call.op for call in of(read("subagent", "e841502c").events, model.ToolCall)]


def test_a_refusal_a_broken_answer_and_a_named_file() -> None:
    found = read("denied")

    assert results(found)[0] == ("file_system.bash", "denied", None)
    assert [message.text for message in of(found.events, model.AssistantMessage) if message.aborted] == [
        "I begin to stream this answer"
    ]
    assert [prompt.text for prompt in of(found.events, model.UserPrompt) if prompt.attachments] == [
        "look at @calc.py now"
    ]


def test_the_tools_of_our_own_server_are_known_as_ours(tmp_path: Path) -> None:
    store = Store(tmp_path / "session", "7b9e10aa", SHOP, NOW)
    store.prompt("What was done?")
    store.result(store.call("mcp_carryover.recall", {"query": "pear"}), {})

    [call] = of(read_on(AGENT, source_at(AGENT, Recording(store.path, tmp_path / "session"))).events, model.ToolCall)
    assert is_own_tool(call)


def test_a_change_of_the_journal_is_a_change_of_the_session(tmp_path: Path) -> None:
    root = tmp_path / "session"
    store = Store(root, "7b9e10aa", SHOP, NOW)
    before = AGENT.reader.stat(store.path)
    store.prompt("Fix add().")

    [journal] = (store.folder / "journal").iterdir()
    assert AGENT.source_of(journal, root) == AGENT.source_of(store.path, root)
    assert AGENT.reader.stat(store.path) != before


@pytest.mark.parametrize("gone", ["generations", "chunks", "meta.json", "journal"])
def test_a_session_of_which_a_part_was_replaced_meanwhile_is_not_gone(tmp_path: Path, gone: str) -> None:
    """It is read again later; without its pointer it is gone."""
    store = Store(tmp_path / "session", "7b9e10aa", SHOP, NOW)
    store.prompt("Fix add().")
    part = store.folder / gone
    if part.is_dir():
        shutil.rmtree(part)
    else:
        part.unlink()

    with pytest.raises(BlockingIOError):
        AGENT.reader.read(store.path, None)
    store.path.unlink()
    with pytest.raises(FileNotFoundError):
        AGENT.reader.read(store.path, None)


@pytest.mark.parametrize("name", ["../../other", "", 7])
def test_a_generation_elsewhere_is_not_read(tmp_path: Path, name: object) -> None:
    store = Store(tmp_path / "session", "7b9e10aa", SHOP, NOW)
    store.prompt("Fix add().")
    store.path.write_text(json.dumps({"generation": name}))

    with pytest.raises(OSError, match="not a session"):
        AGENT.reader.read(store.path, None)


def test_what_the_client_puts_behind_a_prompt_was_not_typed() -> None:
    """A run of 3.0.3."""
    skill, loop = '<skill_content name="release">\n# Skill\n</skill_content>', "<loop_instructions>\n...\n"
    named = {"type": "resource", "uri": "file:///a.py"}
    lines = [
        message("user", [*texts("/release the app", skill), named], source="turn_start"),
        message("user", texts("/loop 1h check the till", loop), source="turn_steer"),
        message("user", texts(skill), source="turn_start"),
    ]

    assert told(lines) == [
        model.UserPrompt(text="/release the app", attachments=1),
        model.UserPrompt(text="/loop 1h check the till"),
        model.UserPrompt(text=skill),
    ]


def test_a_prompt_that_a_loop_sends_is_scheduled() -> None:
    """Code of 3.0.3."""
    shown = {"version": "1", "host": "vibe", "content": [{"type": "vibe.scheduled_loop", "loopId": "l1"}]}
    sent = message("user", texts("The till\nCheck it"), source="turn_start", userDisplayContent=shown)

    assert told([sent]) == [model.UserPrompt(text="The till\nCheck it", actor="model", scheduled=True)]


def told(lines: list[bytes]) -> list[model.UserPrompt]:
    source = Source(agent="mistral-vibe", path="/v/CURRENT", session="s1")
    return [prompt for line in lines for prompt in of(fold_one(AGENT, source, line).events, model.UserPrompt)]
