"""One conversation out of hook calls and a transcript: what comes from where, each thing once, in its order."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from agents.windsurf.talks import FAILED, PROJECT, START, Store, Talk, bodies, line, payload, texts_of, worked
from carryover.adapter.spooled import copy_beside
from carryover.agents.windsurf.conversation import SAME_CALL_MS
from carryover.model import AssistantMessage, FileEdit, SessionInfo, ToolCall, ToolResult, UserPrompt


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_hook_calls_alone_tell_prompt_edit_command_and_answer(store: Store) -> None:
    events = store.read(worked())

    assert bodies(events, UserPrompt)[0].text == "The add function in src/calc.py is wrong. Fix it and run the tests."
    assert [(edit.path, edit.change, edit.anchor) for edit in bodies(events, FileEdit)] == [
        (f"{PROJECT}/src/calc.py", "modify", "    return a * b")
    ]
    assert [(call.op, call.subject) for call in bodies(events, ToolCall)] == [
        ("edit", f"{PROJECT}/src/calc.py"),
        ("shell", "python3 -m unittest tests.test_calc"),
    ]
    assert [result.status for result in bodies(events, ToolResult)] == ["ok", "unknown"]
    assert [(said.text, said.final) for said in bodies(events, AssistantMessage)] == [
        ("test_add still fails (2 != 3). Should I switch it to plain addition?", True)
    ]
    assert {event.cwd for event in events} == {PROJECT}
    assert bodies(events, SessionInfo) == [SessionInfo(model="Test Model")]


def test_the_transcript_says_what_failed_and_what_a_command_printed(store: Store) -> None:
    talk = worked()
    talk.name_transcript(store.transcript(talk))

    events = store.read(talk)

    assert [(result.subject, result.status) for result in bodies(events, ToolResult)] == [
        (f"{PROJECT}/src/calc.py", "ok"),
        (f"{PROJECT}/src/missing.py", "error"),
        ("python3 -m unittest tests.test_calc", "error"),
    ]
    ran = bodies(events, ToolResult)[-1]
    assert (ran.exit_code, ran.output) == (1, FAILED)
    assert [edit.path for edit in bodies(events, FileEdit)] == [f"{PROJECT}/src/calc.py"]
    assert len(texts_of(events)) == 2
    assert "CANCELED" not in str(events)


def test_the_turn_that_continues_is_known_beside_the_transcript(store: Store) -> None:
    talk = worked()
    talk.name_transcript(store.transcript(talk))
    talk.prompt("Yes.")
    talk.edit(f"{PROJECT}/src/calc.py", "a * b", "a + b")

    events = store.read(talk)

    assert texts_of(events)[-1] == "Yes."
    assert [edit.anchor for edit in bodies(events, FileEdit)] == ["    return a * b", "a + b"]
    assert max(Counter(event.key for event in events).values()) == 1


def test_a_transcript_that_begins_later_leaves_what_came_before(store: Store) -> None:
    talk = worked()
    talk.rows.clear()
    talk.prompt("Yes.")
    talk.say("It passes now.")
    talk.name_transcript(store.transcript(talk))

    assert texts_of(store.read(talk)) == [
        "The add function in src/calc.py is wrong. Fix it and run the tests.",
        "test_add still fails (2 != 3). Should I switch it to plain addition?",
        "Yes.",
        "It passes now.",
    ]


def test_a_transcript_that_does_not_have_the_turn_yet_takes_nothing_away(store: Store) -> None:
    talk = worked()
    path = store.transcript(talk)
    talk.name_transcript(path)
    talk.prompt("Yes.")
    for status, text in (("done", "I will look."), ("pending", "It pas")):
        talk.row("planner_response", status, response=text)
    store.transcript(talk)
    talk.say("It passes now.")
    talk.name_transcript(path)

    assert len(texts_of(store.read(talk))) == 4


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b'{"type": "planner_response"}\n', b"[1]\n"])
def test_a_transcript_that_cannot_be_used_leaves_the_calls(store: Store, data: bytes) -> None:
    talk = worked()
    path = store.transcript(talk)
    path.write_bytes(data)
    talk.name_transcript(path)

    assert len(texts_of(store.read(talk))) == 2


def test_a_transcript_that_is_gone_is_read_from_its_copy_or_the_calls_count_again(store: Store) -> None:
    talk = worked()
    path = store.transcript(talk)
    talk.name_transcript(path)
    with_transcript = store.read(talk)
    copy = copy_beside(store.home / ".carryover/spool/windsurf" / path.name)
    path.rename(copy)
    talk.prompt("Yes.")
    assert [event.body for event in store.read(talk)][: len(with_transcript)] == [e.body for e in with_transcript]

    copy.unlink()
    talk.prompt("Go on.")
    assert len(texts_of(store.read(talk))) == 4


def test_a_transcript_elsewhere_or_of_another_conversation_is_not_read(store: Store, tmp_path: Path) -> None:
    talk, other = worked(), worked("other")
    elsewhere = tmp_path / "notes" / f"{talk.id}.jsonl"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(talk.transcript())
    talk.name_transcript(elsewhere)
    talk.name_transcript(store.transcript(other))

    assert [result.status for result in bodies(store.read(talk), ToolResult)] == ["ok", "unknown"]


def test_a_hook_that_is_registered_twice_counts_once_and_a_command_run_again_twice(store: Store) -> None:
    later = START + timedelta(milliseconds=SAME_CALL_MS - 1)
    again = START + timedelta(milliseconds=SAME_CALL_MS * 2)
    calls = [payload("post_run_command", at=at) for at in (START, START, later, again)]
    data = b"".join(line("post_run_command", call) for call in calls)

    assert len(bodies(store.read(Talk(), data=data), ToolCall)) == 2


@pytest.mark.parametrize(
    ("events", "cwd"),
    [
        (["post_run_command"], PROJECT),
        (["post_write_code"], f"{PROJECT}/src"),
        (["post_setup_worktree", "pre_user_prompt"], PROJECT),
    ],
)
def test_without_a_hook_s_folder_the_command_or_the_file_or_the_worktree_says_it(
    store: Store, events: list[str], cwd: str
) -> None:
    data = b"".join(line(event, payload(event), cwd=None) for event in events)

    assert {reported.cwd for reported in store.read(Talk(), data=data)} == {cwd}
