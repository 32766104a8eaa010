"""What Cascade hands to hooks, by reports, and what becomes of it."""

from __future__ import annotations

import json

import pytest

from agents.windsurf.talks import payload, uid
from carryover.adapter.contract import HookEvent
from carryover.agents.windsurf.hooks import HOOKS
from carryover.model import Skipped


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
