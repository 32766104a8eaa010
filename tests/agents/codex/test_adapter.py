"""What Codex's hooks hand over, as recorded of 0.125.0 and 0.169.0, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import pytest

from agents.codex.contract_case import recording
from agents.codex.hook_payloads import ROLLOUT, THREAD, payload, recorded
from carryover.adapter.contract import HookEvent
from carryover.agents.codex.adapter import AGENT
from carryover.distill import render
from carryover.ledger.provisional import content_fingerprint
from carryover.model import AssistantMessage, Event, Skipped
from contract.case import Payload, read_on, source_at

NOW_MS: Final = 1_795_000_000_000
assert AGENT.hooks is not None
HOOKS: Final = AGENT.hooks


def read(given: Payload) -> HookEvent | Skipped:
    return HOOKS.read(given.event, given.data, NOW_MS)


def reported(event: str, **fields: Any) -> HookEvent | Skipped:
    return read(payload(event, **fields))


def reading(**fields: object) -> HookEvent:
    common = {"session": THREAD, "cwd": "/home/dev/shop", "transcript": ROLLOUT}
    return msgspec.convert({**common, **fields}, HookEvent)


def test_a_tui_with_a_new_thread_a_clear_a_fork_a_compaction_and_a_resume_is_understood() -> None:
    """0.169.0. Four threads; each that was opened ends when the client does."""
    readings = [read(given) for given in recorded("tui-0.169.0")]
    heard = [reading for reading in readings if isinstance(reading, HookEvent)]

    assert len(heard) == len(readings)
    assert [one.reason for one in heard if one.action == "session_start"] == [
        "startup", "compact", "startup", "clear", "fork", "resume",
    ]  # fmt: skip
    assert [one.session[-4:] for one in heard if one.action == "flush"] == [
        "38ad", "bf7c", "8fa8", "a780", "38ad", "a780",
    ]  # fmt: skip
    assert len([one for one in heard if one.action == "turn_end"]) == 6
    assert {one.idle_s for one in heard} == {None}


def test_the_end_of_a_turn_brings_its_last_words() -> None:
    words = AssistantMessage(text="Done. Next: handle negative percentages.", final=True)
    early = Event(key=f"hook/{THREAD}/stop/{NOW_MS}", session=THREAD, at_ms=NOW_MS, body=words, cwd="/home/dev/shop")

    assert reported("Stop", last_assistant_message=f"{words.text}\n") == reading(
        action="turn_end", provisional=(early,)
    )


def test_what_is_reported_early_is_known_again_in_the_rollout_of_the_same_thread() -> None:
    """Otherwise it would stand beside the rollout's own record for good."""
    stops = [given for given in recorded("tui-0.169.0") if given.event == "Stop"]
    rollout = recording("0.169.0/tui-turns-interrupt-compact")
    events = read_on(AGENT, source_at(AGENT, rollout)).events

    heard = [read(given) for given in stops if json.loads(given.data)["session_id"] in rollout.path.name]

    assert len(heard) == 2
    for one in heard:
        assert isinstance(one, HookEvent)
        (early,) = one.provisional
        assert content_fingerprint(early.body) in {content_fingerprint(event.body) for event in events}


def test_of_a_session_that_is_not_to_be_written_down_nothing_is_kept() -> None:
    """`codex exec --ephemeral` says null for the transcript; it is still told what stands."""
    start = reported("SessionStart", source="startup", transcript_path=None)
    stop = reported("Stop", transcript_path=None, last_assistant_message="Done.")
    saved = reported("PreCompact", transcript_path=None, trigger="auto")

    assert start == reading(action="session_start", reason="startup", transcript=None)
    assert [stop, saved] == [reading(action="hint", transcript=None)] * 2


@pytest.mark.parametrize("text", ["# handoff ✓\n", "[CARRYOVER]\n", '{"a": "b"}', ""])
def test_the_answer_is_the_json_form_whatever_the_text_begins_with(text: str) -> None:
    """Plain text that begins with a bracket makes the hook fail (0.169.0), and so does a field it does not know."""
    assert json.loads(HOOKS.answer(text)) == {
        "hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": text}
    }


def test_the_longest_handoff_is_well_below_what_is_cut_in_the_middle() -> None:
    """At 10,000 characters (0.169.0)."""
    assert render.MAX_TEXT_CHARS < 0.9 * 10_000
