"""What Codex's hooks hand over and what becomes of it; every recording against an independent reading of the same files
(fixtures/expected.json).

That reading took prompts and answers from what the model was sent, and commands, patches and exit codes from the calls
and the text of their outputs: the records that the adapter passes by where there are better ones.
"""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from agents.codex.contract_case import (
    FIXTURES,
    NAME,
    ROLLOUT,
    SESSION,
    THREAD,
    payload,
    recorded,
    recording,
    recordings,
)
from carryover import model
from carryover.adapter.contract import HookEvent, Source
from carryover.adapter.spec import InstalledHook
from carryover.agents.codex.adapter import AGENT
from carryover.agents.codex.calls import CODE_MODE
from carryover.agents.codex.spec import SPEC
from carryover.distill import render
from carryover.ledger.provisional import content_fingerprint
from carryover.model import AssistantMessage, Event, Skipped
from contract.case import Payload, of, read_on, source_at

NOW_MS: Final = 1_795_000_000_000
assert AGENT.hooks is not None
HOOKS: Final = AGENT.hooks


def read(given: Payload) -> HookEvent | Skipped:
    return HOOKS.read(given.event, given.data, NOW_MS)


def reported(event: str, **fields: Any) -> HookEvent | Skipped:
    return read(payload(event, **fields))


def reading(**fields: object) -> HookEvent:
    common = {"session": SESSION, "cwd": "/home/dev/shop", "transcript": ROLLOUT}
    return msgspec.convert({**common, **fields}, HookEvent)


def test_the_end_of_a_turn_brings_its_last_words() -> None:
    words = AssistantMessage(text="Done. Next: handle negative percentages.", final=True)
    early = Event(key=f"hook/{SESSION}/stop/{NOW_MS}", session=SESSION, at_ms=NOW_MS, body=words, cwd="/home/dev/shop")

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


def test_a_reviewed_hook_is_found_by_its_file_event_and_place() -> None:
    """As 0.169.0 wrote it into its settings."""
    review = SPEC.hooks.review
    assert review is not None
    file = Path("/home/dev/.codex/hooks.json")
    noted = {"session_start:0:0": {"trusted_hash": "sha256:1"}, "pre_compact:2:1": {"trusted_hash": ""}, "stop:0:0": {}}
    settings = {"hooks": {"state": {f"{file}:{place}": note for place, note in noted.items()}}}

    def is_reviewed(event: str, group: int, number: int) -> bool:
        return review.has_reviewed(settings, InstalledHook(file, event, group, number))

    assert is_reviewed("SessionStart", 0, 0)
    assert is_reviewed("PreCompact", 2, 1)
    assert not is_reviewed("PreCompact", 0, 0)
    assert not is_reviewed("Stop", 0, 0)
    assert not review.has_reviewed({"hooks": {"state": 1}}, InstalledHook(file, "SessionStart", 0, 0))


HOME = Path("/home/dev")


def test_an_archived_transcript_is_the_same_session_of_the_same_day() -> None:
    root = HOME / ".codex/archived_sessions"
    path = root / NAME

    assert AGENT.source_of(path, root) == Source(agent="codex", path=str(path), session=THREAD, group="2026-11-20")
    assert AGENT.source_of(root / "2026/11/20" / NAME, root) is None


META = b'{"timestamp":"2026-11-20T06:00:00Z","type":"session_meta","payload":{"id":"t","timestamp":"t","cwd":"/x"'
WHOLE = META + b"}}\n"
CUT = META + b',"base_instructions":{"text":"' + b"x" * 70_000
HEADER = b'{"id":"01a1f792-0000-7000-8000-000000000099","timestamp":"2025-08-01T06:00:00Z","instructions":'
"""Of a client up to 0.29."""


@pytest.mark.parametrize(
    "head",
    [WHOLE, WHOLE.replace(b",", b", "), CUT, HEADER + b"null}\n", HEADER + b'"' + b"x" * 70_000],
)
def test_a_rollout_is_known_by_its_first_record(head: bytes) -> None:
    assert AGENT.exported is not None
    assert AGENT.exported(Path("/tmp/saved.txt"), head[: 64 << 10]) == Source(agent="codex", path="/tmp/saved.txt")


EXPECTED: dict[str, Any] = json.loads((FIXTURES / "expected.json").read_text())
STATES = {"done": "completed", "active": "in_progress", "pending": "pending"}


def patched_files(events: list[model.Event]) -> dict[str, str]:
    """Those that a shell command wrote aside."""
    patched = {r.call_id for r in of(events, model.ToolResult) if r.op == "edit"}
    edits = [edit for edit in of(events, model.FileEdit) if edit.call_id in patched]
    cwd = next((event.cwd for event in events if event.cwd is not None), "/")
    return {posixpath.relpath(edit.path, cwd): edit.change for edit in edits}


def failed_patches(events: list[model.Event]) -> list[model.ToolResult]:
    return [r for r in of(events, model.ToolResult) if r.op == "edit" and r.status == "error" and not r.never_ran]


def reading_of(events: list[model.Event]) -> dict[str, Any]:
    """The events in the form of the independent reading, which leaves out what is empty.

    A plan counts where the client took it: 0.169 knows no `update_plan` unless it is told to.
    """
    reasons = [end.reason for end in of(events, model.TurnEnd)]
    plans = [[[item.text, STATES[item.state]] for item in plan.items] for plan in of(events, model.PlanUpdate)]
    found = {
        "prompts": [prompt.text for prompt in of(events, model.UserPrompt) if prompt.actor == "human"],
        "last_answer": ([message.text for message in of(events, model.AssistantMessage)] or [""])[-1],
        "commands": [
            [r.subject, r.exit_code] for r in of(events, model.ToolResult) if r.op == "shell" and r.actor == "model"
        ],
        "files": patched_files(events),
        "failed_patches": len(failed_patches(events)),
        "plan": (plans or [[]])[-1],
        "interrupted": reasons.count("interrupted"),
        "limits": reasons.count("limit"),
        "errors": reasons.count("error"),
        "compactions": len(of(events, model.AgentSummary)),
    }
    return {name: value for name, value in found.items() if value}


def test_every_recording_is_in_the_reading() -> None:
    names = {"/".join(found.path.relative_to(FIXTURES).parts[:2]) for found in recordings()}

    assert names == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recording_becomes_what_the_reading_found(name: str) -> None:
    events = [event for event in read_on(AGENT, source_at(AGENT, recording(name))).events if not event.copied]
    results = of(events, model.ToolResult)
    ids = [result.call_id for result in results]

    assert reading_of(events) == EXPECTED[name]
    assert len(ids) == len(set(ids)), "each call has one result at most"
    for result in results:
        assert result.output == "" or result.name != CODE_MODE
        if result.op == "shell" and result.actor == "model":
            assert result.status == {0: "ok", None: result.status}.get(result.exit_code, "error")
            timed_out = "command timed out" in result.output  # up to 0.29
            assert result.exit_code is not None or result.status in ("interrupted", "denied") or timed_out
    for result in failed_patches(events):
        assert (result.name, result.subject) == ("apply_patch", "/home/dev/shop/pricing.py")
        assert re.search(r"Failed to find expected lines (\[.*\] )?in /home/dev/shop/pricing.py", result.output)
    # Hooks put a handoff into several of the recordings, marked by a word of its own.
    assert "HANDOFF-CTX-MARK" not in repr(events)
    assert "AGENTS-MARK" not in repr(events)
