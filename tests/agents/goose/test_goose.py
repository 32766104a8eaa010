"""Goose's databases, as its public source writes them: what is read of them."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.goose.contract_case import CASE
from agents.goose.stores import START_S, Client, ran, read, success
from carryover import model
from carryover.agents.goose.adapter import AGENT
from contract.case import standing

DECLINED = (
    "The user has declined to run this tool. DO NOT attempt to call this tool again. "
    "If there are no alternative methods to proceed, clearly explain the situation and STOP."
)

FOLDER = "/home/dev/shop"


def test_a_session_with_a_failing_test_an_edit_and_a_todo_list() -> None:
    found = read(CASE.recordings[0].path)

    first = [event for event in found.events if model.conversation_of(event.session) == "20261120_1"]
    results = [each.body for each in first if isinstance(each.body, model.ToolResult)]
    assert [(each.op, each.status, each.exit_code) for each in results] == [
        ("shell", "error", 1),
        ("edit", "ok", None),
        ("plan", "ok", None),
    ]
    [edit] = standing(found, model.FileEdit)
    assert (edit.path, edit.added, edit.removed) == ("/home/dev/20261120_1/calc.py", 1, 1)
    [todos] = standing(found, model.PlanUpdate)
    assert [(item.text, item.state) for item in todos.items] == [("Fix", "done"), ("Test", "pending")]
    assert {event.cwd for event in first} == {"/home/dev/20261120_1"}


def test_a_message_may_have_its_time_in_milliseconds(tmp_path: Path) -> None:
    with Client(tmp_path / "sessions.db") as client:
        client.session("20261120_1", FOLDER)
        client.say("20261120_1", START_S, "user", "Fix add().")
        client.db.execute("UPDATE messages SET created_timestamp = created_timestamp * 1000 + 7")
        client.say("20261120_1", START_S + 1, "assistant", "Fixed.")

        for unknown in (-5, "soon"):
            client.say("20261120_1", START_S + 2, "assistant", f"It is {unknown}.")
            client.db.execute("UPDATE messages SET created_timestamp = ? WHERE id = last_insert_rowid()", (unknown,))
        client.db.commit()

    said = [event for event in read(tmp_path / "sessions.db").events if not isinstance(event.body, model.SessionInfo)]
    assert [event.at_ms for event in said] == [START_S * 1000 + 7, *[START_S * 1000 + 1000] * 3]


@pytest.mark.parametrize("at", [-5, 4_102_444_800, 9_999_999_999, START_S * 1_000_000])
def test_a_message_with_an_impossible_time_has_that_of_the_one_before(tmp_path: Path, at: int) -> None:
    with Client(tmp_path / "sessions.db") as client:
        client.session("20261120_1", FOLDER)
        client.say("20261120_1", START_S, "user", "Fix add().")
        client.say("20261120_1", START_S + 1, "assistant", "Fixed.")
        client.db.execute("UPDATE messages SET created_timestamp = ? WHERE role = 'assistant'", (at,))
        client.db.commit()

    assert {event.at_ms for event in read(tmp_path / "sessions.db").events} == {START_S * 1000}


def test_sessions_of_two_machines_with_the_same_id_are_two_and_a_copied_database_has_the_same_one(
    tmp_path: Path,
) -> None:
    for later_s, machine in enumerate(("desk", "laptop")):
        with Client(tmp_path / machine / "sessions.db") as client:
            client.session("20261120_1", FOLDER, at_s=START_S + later_s)
            client.say("20261120_1", START_S, "user", f"Fix add() on the {machine}.")
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "desk" / "sessions.db", tmp_path / "copy")

    names = {
        machine: {event.session for event in read(tmp_path / machine / "sessions.db").events}
        for machine in ("desk", "laptop", "copy")
    }
    assert names["desk"] == names["copy"]
    assert not names["desk"] & names["laptop"]
    assert {model.conversation_of(name) for name in names["laptop"]} == {"20261120_1"}


def test_a_compaction_repeats_no_prompt_and_its_summary_is_no_prompt(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with Client(path) as client:
        client.session("s", FOLDER)
        client.say("s", START_S, "user", "Fix add().")
        client.say("s", START_S + 1, "assistant", "I look.")
        before = read(path)
        client.compact("s", START_S + 2, "add() is wrong.")
        client.say("s", START_S + 3, "assistant", "Fixed.")
        found = read(path, before)

    assert [each.text for each in standing(found, model.UserPrompt)] == ["Fix add()."]
    assert [each.text for each in standing(found, model.AgentSummary)] == ["add() is wrong."]
    assert [(each.text, each.final) for each in standing(found, model.AssistantMessage)][-1] == ("Fixed.", True)


def test_words_before_a_call_do_not_end_the_turn_though_they_have_a_row_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with Client(path) as client:
        client.session("s", FOLDER)
        client.say("s", START_S, "user", "Fix add().")
        client.say("s", START_S + 1, "assistant", "I look.")
        before = read(path)
        client.use("s", START_S + 2, "developer__shell", {"command": "ls"}, ran("calc.py", 0))
        found = read(path, before)

    assert [(each.text, each.final) for each in standing(found, model.AssistantMessage)] == [("I look.", False)]


def test_a_row_that_grows_is_read_as_it_is_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with Client(path) as client:
        client.session("s", FOLDER)
        client.say("s", START_S, "user", "Fix add().")
        client.say("s", START_S + 1, "assistant", "I")
        before = read(path)
        client.db.execute("UPDATE messages SET content_json = replace(content_json, '\"I\"', '\"I look.\"')")
        client.db.commit()
        found = read(path, before)

    assert [each.text for each in standing(found, model.AssistantMessage)] == ["I look."]


def test_what_nobody_typed_into_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with Client(path) as client:
        for kind in ("sub_agent", "hidden", "scheduled"):
            client.session(kind, FOLDER, kind=kind)
            client.say(kind, START_S, "user", "Look at prices.py.")

        assert read(path).events == []


def test_a_database_of_former_versions_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE sessions (id TEXT PRIMARY KEY, description TEXT, working_dir TEXT)")
        db.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, content_json TEXT)")

    assert read(path).events == []


def test_a_name_that_stands_in_for_a_title_is_not_a_title(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with Client(path) as client:
        client.session("one", FOLDER)
        client.session("two", FOLDER, name="The discount")
        for name in ("one", "two"):
            client.say(name, START_S, "user", "Hello.")
        facts = standing(read(path), model.SessionInfo)

    assert sorted(str(each.title) for each in facts) == ["None", "The discount"]
    assert {each.model for each in facts} == {"fake-model"}


def ended(folder: Path, name: str, given: dict[str, Any], result: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """How a call ended, and what it changed."""
    path = folder / "sessions.db"
    with Client(path) as client:
        client.session("s", FOLDER)
        client.use("s", START_S, name, given, result)
        found = read(path)
    return standing(found, model.ToolResult), standing(found, model.FileEdit)


def test_a_refused_call_never_ran(tmp_path: Path) -> None:
    given = {"content": [{"type": "text", "text": DECLINED}], "isError": True}
    [result], _ = ended(tmp_path, "developer__shell", {"command": "rm -r /"}, {"status": "success", "value": given})

    assert (result.status, result.never_ran) == ("denied", True)


@pytest.mark.parametrize(
    ("name", "said", "status"),
    [
        ("developer__shell", DECLINED, "error"),
        ("notes__list", DECLINED, "error"),
        ("developer__shell", f"{DECLINED} Ship it", "ok"),
    ],
)
def test_a_tool_that_words_a_refusal_is_not_the_user(tmp_path: Path, name: str, said: str, status: str) -> None:
    [result], _ = ended(tmp_path, name, {"command": "cat README.md"}, success(said))

    assert (result.status, result.never_ran, result.output) == (status, False, said)


def test_a_call_that_failed_before_it_ran_has_the_reason(tmp_path: Path) -> None:
    [result], _ = ended(tmp_path, "fetch__get", {"url": "x"}, {"status": "error", "error": "-32002: no such tool"})

    assert (result.status, result.output) == ("error", "-32002: no such tool")


def test_edits_of_former_versions_are_read(tmp_path: Path) -> None:
    given = {"command": "str_replace", "path": f"{FOLDER}/a.py", "old_str": "1\n", "new_str": "2\n3\n"}
    value = {"status": "success", "value": [{"type": "text", "text": "The file was edited."}]}
    [result], [edit] = ended(tmp_path, "developer__text_editor", given, value)

    assert (result.op, result.output) == ("edit", "The file was edited.")
    assert (edit.path, edit.added, edit.removed) == (f"{FOLDER}/a.py", 2, 1)


def test_an_edit_that_failed_changes_nothing(tmp_path: Path) -> None:
    given = {"path": "a.py", "before": "1", "after": "2"}
    value = {"content": [{"type": "text", "text": "No match found for the specified text."}], "isError": True}
    [result], edits = ended(tmp_path, "edit", given, {"status": "success", "value": value})

    assert (result.status, edits) == ("error", [])


def test_a_session_that_was_continued_for_months_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with Client(path) as client:
        client.session("20261120_1", FOLDER)
        client.say("20261120_1", START_S, "user", "Fix add() in calc.py. " * 20)
        columns = "session_id, role, content_json, created_timestamp, metadata_json"
        for number in range(15):  # doubles the rows
            client.db.execute(
                f"INSERT INTO messages (message_id, {columns}) SELECT message_id || '{number}', {columns} FROM messages"
            )
        client.db.commit()

    batch = AGENT.reader.read(path, None)
    assert (batch.oversized, batch.more) == (0, True)
    assert len(batch.records) > 100
