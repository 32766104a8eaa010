"""What Codex's hooks hand over and what becomes of it; every recording against an independent reading of the same files
(fixtures/expected.json).

That reading took prompts and answers from what the model was sent, and commands, patches and exit codes from the calls
and the text of their outputs: the records that the adapter passes by where there are better ones.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from agents.codex.contract_case import (
    ROLLOUT,
    SESSION,
    payload,
)
from agents.codex.rollout import Rollout
from carryover.adapter.contract import HookEvent
from carryover.adapter.spec import InstalledHook, OnMachine
from carryover.agents.codex import SPEC
from carryover.agents.codex.adapter import AGENT
from carryover.distill import render
from carryover.model import Skipped, TurnEnd
from contract.case import Payload

assert AGENT.hooks is not None
HOOKS: Final = AGENT.hooks


def read(given: Payload) -> HookEvent | Skipped:
    return HOOKS.read(given.event, given.data)


def reported(event: str, **fields: Any) -> HookEvent | Skipped:
    return read(payload(event, **fields))


def reading(**fields: object) -> HookEvent:
    common = {"session": SESSION, "cwd": "/home/dev/shop", "transcript": ROLLOUT}
    return msgspec.convert({**common, **fields}, HookEvent)


def test_the_end_of_a_turn_is_one_whatever_it_says() -> None:
    """The words are in the rollout a moment later."""
    assert reported("Stop", last_assistant_message="Done. Next: handle more.\n") == reading(action="turn_end")


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


def test_a_reviewed_hook_is_found_by_its_file_event_and_place() -> None:
    """As 0.169.0 wrote it into its settings."""
    file = Path("/home/dev/.codex/hooks.json")
    noted = {"session_start:0:0": {"trusted_hash": "sha256:1"}, "pre_compact:2:1": {"trusted_hash": ""}, "stop:0:0": {}}

    def is_reviewed(event: str, group: int, number: int, state: object = None) -> bool:
        state = state or {f"{file}:{place}": note for place, note in noted.items()}
        hook = InstalledHook((file,), event, group, number)
        seen = OnMachine(located=lambda _: file, values=lambda _: {"hooks": {"state": state}}, hook=hook)
        assert SPEC.user_settings is not None
        return "review" not in [setting.kind for setting in SPEC.user_settings(seen)]

    assert is_reviewed("SessionStart", 0, 0)
    assert is_reviewed("PreCompact", 2, 1)
    assert not is_reviewed("PreCompact", 0, 0)
    assert not is_reviewed("Stop", 0, 0)
    assert not is_reviewed("SessionStart", 0, 0, state=1)


@pytest.mark.parametrize("folder", ["sessions/2026/10/08", "archived_sessions"])
@pytest.mark.parametrize("part", ["", "_01a11a87-92b6-74c3-8eaa-7b183d015d9c"])
def test_a_thread_that_goes_on_in_another_file_is_one_session(folder: str, part: str) -> None:
    """The app of 0.159 names the file after the thread and its part."""
    thread = "01a11a66-69d2-7072-8c11-2cf4d936b972"
    path = Path(f"/home/dev/.codex/{folder}/rollout-2026-10-08T16-00-54-{thread}{part}.jsonl")
    source = AGENT.source_of(path, Path("/home/dev/.codex") / folder.partition("/")[0])

    assert source is not None
    assert source.session == thread


def test_an_error_in_a_record_of_its_own_ends_the_turn_once() -> None:
    """0.121, a public session."""
    rollout = Rollout()
    rollout.turn()
    for info in ("thread_rollback_failed", {"active_turn_not_steerable": {"turn_kind": "compact"}}):
        assert rollout.event("error", message="no", codex_error_info=info) == []
    (end,) = rollout.event("error", message="no tools", codex_error_info="other")

    assert end == TurnEnd(reason="error", message="no tools")
    assert rollout.event("task_complete", turn_id="turn-1", last_agent_message=None) == []
