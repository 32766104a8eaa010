"""Single records, payloads of hooks, and where both are found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.windsurf.contract_case import CASE, record, row
from agents.windsurf.talks import PROJECT, payload, put, spool_of, transcripts_of, uid, worked
from carryover.adapter.contract import HookEvent
from carryover.agents.windsurf.adapter import AGENT, HOOKS
from carryover.model import AssistantMessage, Event, FileEdit, Skipped, ToolCall, ToolResult
from contract.case import Reading, fold_one, source_at


def folded(data: bytes) -> Reading:
    return fold_one(AGENT, source_at(AGENT, CASE.recordings[0]), data)


def kinds(events: list[Event]) -> list[type]:
    return [type(event.body) for event in events]


def called(event: str, **info: Any) -> Reading:
    return folded(record(event, payload(event, **info), cwd=PROJECT))


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

    assert [event.body.path for event in reading.events if isinstance(event.body, FileEdit)] == [known]


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

    assert [event.body for event in reading.events if isinstance(event.body, AssistantMessage)] == [
        AssistantMessage(text="I will look at them.", final=False),
        AssistantMessage(text="The largest is checkout.js:\n\n### Sizes\n*important*: 940 lines.", final=True),
    ]


@pytest.mark.parametrize(
    ("status", "fields", "ended"),
    [
        ("done", {"exit_code": 0}, "ok"),
        ("done", {"exit_code": 1}, "error"),
        ("done", {}, "unknown"),
        ("error", {}, "error"),
        ("canceled", {}, "interrupted"),
        ("pending", {}, None),
    ],
)
def test_how_a_command_ended(status: str, fields: dict[str, object], ended: str | None) -> None:
    reading = folded(row("run_command", status, command_line="make test", **fields))

    assert [event.body.status for event in reading.events if isinstance(event.body, ToolResult)] == (
        [] if ended is None else [ended]
    )
    assert ToolCall in kinds(reading.events)


def test_a_step_of_a_turn_is_read_soon_and_its_end_at_once() -> None:
    actions = {event: HOOKS.read(event, payload(event), 1) for event in HOOKS.events}

    assert {event: reported.action for event, reported in actions.items() if isinstance(reported, HookEvent)} == {
        "pre_user_prompt": "hint",
        "post_write_code": "hint",
        "post_run_command": "hint",
        "post_cascade_response": "turn_end",
        "post_cascade_response_with_transcript": "turn_end",
        "post_setup_worktree": "hint",
    }


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

    assert HOOKS.read(event, payload(event, transcript_path=path), 1) == HookEvent(
        action="turn_end", session=uid("one")
    )


@pytest.mark.parametrize("ident", ["", "..", "../x", "a/b", "x" * 101, None])
def test_a_conversation_whose_id_is_no_name_is_not_taken(ident: str | None) -> None:
    given = json.loads(payload("pre_user_prompt")) | {"trajectory_id": ident}

    assert isinstance(HOOKS.read("pre_user_prompt", json.dumps(given).encode(), 1), Skipped)


def test_the_spool_comes_before_a_transcript(tmp_path: Path) -> None:
    talk = worked()
    roots = (spool_of(tmp_path / ".carryover"), transcripts_of(tmp_path))
    for root in roots:
        put(root / f"{talk.id}.jsonl", b"")

    spooled, transcript = (AGENT.sources(root)[0] for root in roots)
    assert spooled.session == transcript.session == talk.id
    assert spooled.rank > transcript.rank
