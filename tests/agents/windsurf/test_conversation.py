"""One conversation out of hook calls and a transcript: what comes from where, each thing once; single records."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.windsurf.contract_case import CASE, record, row
from agents.windsurf.talks import (
    FAILED,
    PROJECT,
    START,
    Store,
    Talk,
    in_order,
    line,
    payload,
    put,
    spool_of,
    texts_of,
    transcripts_of,
    uid,
    worked,
)
from carryover.adapter.contract import HookEvent
from carryover.model import AssistantMessage, FileEdit, SessionInfo, Skipped, ToolCall, ToolResult, UserPrompt
from carryover.transcript.sources import sources_of
from carryover.transcript.spooled import copy_beside
from carryover_windsurf.adapter import AGENT
from contract.case import Reading, fold_one, of, read_on, source_at
from support.costs import costing_little

assert AGENT.hooks is not None
HOOKS = AGENT.hooks
START_MS = int(START.timestamp() * 1000)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_hook_calls_alone_tell_prompt_edit_command_and_answer(store: Store) -> None:
    events = store.read(worked())

    assert of(events, UserPrompt)[0].text == "The add function in src/calc.py is wrong. Fix it and run the tests."
    assert [(edit.path, edit.change, edit.anchor) for edit in of(events, FileEdit)] == [
        (f"{PROJECT}/src/calc.py", "modify", "    return a * b")
    ]
    assert [(call.op, call.subject) for call in of(events, ToolCall)] == [
        ("edit", f"{PROJECT}/src/calc.py"),
        ("shell", "python3 -m unittest tests.test_calc"),
    ]
    assert [result.status for result in of(events, ToolResult)] == ["ok", "unknown"]
    assert [(said.text, said.final) for said in of(events, AssistantMessage)] == [
        ("test_add still fails (2 != 3). Should I switch it to plain addition?", True)
    ]
    assert {event.cwd for event in events} == {PROJECT}
    assert of(events, SessionInfo) == [SessionInfo(model="Test Model")]


def test_an_edit_that_replaces_no_text_made_the_file(store: Store) -> None:
    first, second = ({"old_string": old, "new_string": "a = 1\nb = 2\n"} for old in ("", "a = 1\n"))
    talk = Talk()
    for edits in ([first], [second], [first, second]):
        talk.call("post_write_code", file_path=f"{PROJECT}/new.py", edits=edits)

    changes = [(edit.change, edit.added, edit.removed) for edit in of(store.read(talk), FileEdit)]
    assert changes == [("add", 2, 0), ("modify", 1, 0), ("modify", 3, 0)]


def test_the_transcript_says_what_failed_and_what_a_command_printed(store: Store) -> None:
    talk = worked()
    talk.name_transcript(store.transcript(talk))

    events = store.read(talk)

    assert [(result.subject, result.status) for result in of(events, ToolResult)] == [
        (f"{PROJECT}/src/calc.py", "ok"),
        (f"{PROJECT}/src/missing.py", "error"),
        ("python3 -m unittest tests.test_calc", "error"),
    ]
    ran = of(events, ToolResult)[-1]
    assert (ran.exit_code, ran.output, ran.call_id) == (1, FAILED, f"{talk.id}/row5")
    assert [edit.path for edit in of(events, FileEdit)] == [f"{PROJECT}/src/calc.py"]
    assert len(texts_of(events)) == 2
    assert "CANCELED" not in str(events)
    steps = {event.key: (event.at_ms - START_MS) / 1000 for event in events}
    assert [steps[f"{talk.id}/row{row}:{part}"] for row, part in ((1, "prompt"), (3, "edit0"), (5, "result"))] == [
        *(20, 100, 100)
    ]
    assert steps[f"{talk.id}/row6:said"] == 100


def test_a_row_keeps_its_time_and_one_without_follows_the_one_before(store: Store) -> None:
    talk = worked()
    talk.rows[0]["timestamp"] = START_MS / 1000 + 21
    talk.rows.insert(0, {"type": "code_action", "status": "done", "code_action": {"path": f"{PROJECT}/a.py"}})
    talk.row("user_input", user_response="And subtract?")
    talk.row("planner_response", response="Not yet.")
    talk.name_transcript(store.transcript(talk))

    events = store.read(talk)
    made, prompt, *_ = (event.at_ms for event in events if isinstance(event.body, ToolResult | UserPrompt))
    assert (made - START_MS, prompt - START_MS) == (20_000, 21_000)
    before, *unknown = [event.at_ms for event in events if isinstance(event.body, UserPrompt | AssistantMessage)][-3:]
    assert unknown == [before + 1, before + 2]


def test_what_could_not_be_read_is_counted_and_what_is_blank_is_not(store: Store) -> None:
    talk = worked()
    path = store.transcript(talk)
    path.write_bytes(talk.transcript() + b" \n{torn\n" + json.dumps({"type": "run_command"}).encode() + b"\n")
    talk.name_transcript(path)
    store.read(talk, data=talk.spooled() + b"\n{torn\n")

    assert store.reading is not None
    assert sorted((each.record_type, each.reason) for each in store.reading.skipped) == [
        ("call", "could not be read"),
        ("row", "could not be read"),
        ("row/run_command", "unexpected shape"),
    ]


def test_the_first_folder_is_the_conversation_s_and_tests_may_run_in_another(store: Store) -> None:
    answer, folder = "post_cascade_response", f"{PROJECT}/sub"
    calls = [
        (answer, payload(answer, response="One."), None),
        (answer, payload(answer, response="Two."), PROJECT),
        ("post_run_command", payload("post_run_command", command_line="pytest", cwd=folder), "/srv"),
    ]
    data = b"".join(
        line(event, given, START + timedelta(minutes=number), cwd=cwd)
        for number, (event, given, cwd) in enumerate(calls)
    )
    events = store.read(Talk(), data=data)

    assert {event.cwd for event in events} == {PROJECT}
    assert [result.folder for result in of(events, ToolResult)] == [folder]


@pytest.mark.parametrize("name", [worked().id, "notes"])
@pytest.mark.parametrize("write", [Talk.spooled, Talk.transcript])
def test_a_copy_elsewhere_is_the_session_of_its_name(tmp_path: Path, write: Callable[[Talk], bytes], name: str) -> None:
    path = put(tmp_path / f"{name}.jsonl", write(worked()))
    assert AGENT.exported is not None
    source = AGENT.exported(path, path.read_bytes())
    assert source is not None

    events = read_on(AGENT, source).events
    [session] = {event.session for event in events}
    assert (session, session.startswith(name)) == (source.session, True)
    assert len(texts_of(in_order(events))) == 2


def test_what_a_command_prints_of_the_handoff_is_left_out() -> None:
    events = folded(row("run_command", command_line="cat .carryover/handoff.md", output="Goal", exit_code=0)).events

    assert [result.output for result in of(events, ToolResult)] == [""]


def test_the_turn_that_continues_is_known_beside_the_transcript(store: Store) -> None:
    talk = worked()
    talk.name_transcript(store.transcript(talk))
    talk.prompt("Yes.")
    talk.edit(f"{PROJECT}/src/calc.py", "a * b", "a + b")

    events = store.read(talk)

    assert texts_of(events)[-1] == "Yes."
    assert [edit.anchor for edit in of(events, FileEdit)] == ["    return a * b", "a + b"]
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


@pytest.mark.parametrize("status", ["pending", "canceled"])
def test_a_prompt_that_was_not_sent_yet_hides_no_turn_that_it_begins_later(store: Store, status: str) -> None:
    talk = worked()
    talk.row("user_input", status, user_response="Yes.")
    talk.name_transcript(store.transcript(talk))
    talk.prompt("Yes.")

    assert texts_of(store.read(talk))[-1] == "Yes."


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

    assert [result.status for result in of(store.read(talk), ToolResult)] == ["ok", "unknown"]


def test_a_hook_that_is_registered_twice_counts_once_and_a_command_run_again_twice(store: Store) -> None:
    again = START + timedelta(seconds=1)
    calls = [payload("post_run_command", at=at) for at in (START, START, again)]
    data = b"".join(line("post_run_command", call) for call in calls)

    assert len(of(store.read(Talk(), data=data), ToolCall)) == 2


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


def folded(data: bytes) -> Reading:
    return fold_one(AGENT, source_at(AGENT, CASE.recordings[0]), data)


def called(event: str, **info: Any) -> Reading:
    return folded(record(event, payload(event, **info)))


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("src/a.py", f"{PROJECT}/src/a.py"),
        (f"{PROJECT}/x/../a.py", f"{PROJECT}/a.py"),
        (f"file://{PROJECT}/my%20file.py", f"{PROJECT}/my file.py"),
        ("file:///c:/dev/a.py", "c:\\dev\\a.py"),
    ],
)
def test_paths_are_made_absolute(path: str, known: str) -> None:
    reading = called("post_write_code", file_path=path, edits=[])

    assert [edit.path for edit in of(reading.events, FileEdit)] == [known]


TURN = """### User Input

Where are the largest files?

*User accepted the command `find . -size +1M`*

### Planner Response

I will look at them.

*Viewed [checkout.js](file:///home/dev/shop/checkout.js) *

*Edited relevant file*

### Planner Response

The largest is [checkout.js](cci:7://file:///home/dev/shop/checkout.js:0:0-0:0):

### Sizes
*important*: 940 lines.
"""


def test_only_the_model_s_own_words_are_taken_and_the_last_text_ends_the_turn() -> None:
    reading = called("post_cascade_response", response=TURN)

    assert of(reading.events, AssistantMessage) == [
        AssistantMessage(text="I will look at them.", final=False),
        AssistantMessage(text="The largest is checkout.js:\n\n### Sizes\n*important*: 940 lines.", final=True),
    ]


@pytest.mark.parametrize("piece", ["[", "[a](cci:1://"])
def test_links_that_never_end_cost_no_time(piece: str) -> None:
    text = piece * (300_000 // len(piece))
    with costing_little():
        reading = called("post_cascade_response", response=text)

    assert of(reading.events, AssistantMessage) == [AssistantMessage(text=text, final=True)]


@pytest.mark.parametrize(
    ("status", "fields", "ended"),
    [
        ("done", {"exit_code": 0}, ["ok"]),
        ("done", {"exit_code": 1}, ["error"]),
        ("done", {}, ["unknown"]),
        ("error", {}, ["error"]),
        ("canceled", {}, ["interrupted"]),
        ("pending", {}, []),
    ],
)
def test_how_a_command_ended(status: str, fields: dict[str, object], ended: list[str]) -> None:
    events = folded(row("run_command", status, command_line="make test", **fields)).events

    assert [result.status for result in of(events, ToolResult)] == ended
    assert len(of(events, ToolCall)) == 1


@pytest.mark.parametrize(("exit_code", "removed"), [(0, ["/home/dev/demo/a.py"]), (1, [])])
def test_a_file_that_a_command_removed_is_a_change_once_it_succeeded(exit_code: int, removed: list[str]) -> None:
    events = folded(row("run_command", command_line="rm a.py", cwd=PROJECT, exit_code=exit_code)).events

    assert [edit.path for edit in of(events, FileEdit) if edit.change == "delete"] == removed


def test_a_step_of_a_turn_is_read_soon_and_its_end_at_once() -> None:
    actions = {event: getattr(HOOKS.read(event, payload(event)), "action", None) for event in AGENT.spec.hooks.events}
    steps = ("pre_user_prompt", "post_write_code", "post_run_command", "post_setup_worktree")
    ends = ("post_cascade_response", "post_cascade_response_with_transcript")

    assert actions == dict.fromkeys(steps, "hint") | dict.fromkeys(ends, "turn_end")


@pytest.mark.parametrize(
    "path",
    [
        "/home/dev/.windsurf/transcripts/other.jsonl",
        f"/etc/{uid('one')}.jsonl",
        f".windsurf/transcripts/{uid('one')}.jsonl",
        f"C:\\Users\\dev\\.windsurf\\transcripts\\{uid('one')}.jsonl",
        7,
        None,
    ],
)
def test_any_other_path_is_none(path: object) -> None:
    event = "post_cascade_response_with_transcript"

    assert HOOKS.read(event, payload(event, transcript_path=path)) == HookEvent(action="turn_end", session=uid("one"))


@pytest.mark.parametrize("ident", ["", "..", "../x", "a/b", "x" * 101, None])
def test_a_conversation_whose_id_is_no_name_is_not_taken(ident: str | None) -> None:
    given = json.loads(payload("pre_user_prompt")) | {"trajectory_id": ident}

    assert isinstance(HOOKS.read("pre_user_prompt", json.dumps(given).encode()), Skipped)


def test_the_spool_comes_before_a_transcript(tmp_path: Path) -> None:
    talk = worked()
    roots = (spool_of(tmp_path / ".carryover"), transcripts_of(tmp_path))
    for root in roots:
        put(root / f"{talk.id}.jsonl", b"")

    spooled, transcript = (sources_of(AGENT, root)[0] for root in roots)
    assert spooled.session == transcript.session == talk.id
    assert spooled.rank > transcript.rank
