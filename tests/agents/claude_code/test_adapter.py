"""What Claude Code's hooks hand over (2.1.328); every recording against what an independent reading of the same files
found (fixtures/expected.json).
"""

from __future__ import annotations

import json
import posixpath
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from agents.claude_code.contract_case import FIXTURES, SESSION, SLUG, recordings
from agents.claude_code.session import ID, Session
from carryover import model
from carryover.adapter.contract import HookEvent, Source
from carryover.agents.claude_code.adapter import AGENT
from carryover.model import Skipped
from contract.case import Recording, of, read_on, source_at

RECORDED: Final = FIXTURES / "2.1.328"
assert AGENT.hooks is not None
HOOKS: Final = AGENT.hooks


def recorded(name: str) -> HookEvent | Skipped:
    return HOOKS.read(name.partition(".")[0], (RECORDED / "hooks" / f"{name}.json").read_bytes())


def reading_of(session: str, **fields: object) -> HookEvent:
    transcript = f"/home/dev/.claude/projects/{SLUG}/{session}.jsonl"
    common = {"session": session, "cwd": "/home/dev/shop", "cwd_moves": True, "transcript": transcript}
    return msgspec.convert({**common, **fields}, HookEvent)


@pytest.mark.parametrize("name", ["Stop", "StopFailure.rate_limit"])
def test_the_end_of_a_turn_is_one_whatever_it_says(name: str) -> None:
    """The words are in the transcript 40 to 75 ms later."""
    reading = recorded(name)
    assert isinstance(reading, HookEvent)
    assert reading == reading_of(reading.session, action="turn_end")


MESSAGE = b'{"type":"user","uuid":"u","sessionId":"s","message":{"role":"user","content":"x"}}\n'


@pytest.mark.parametrize(
    "head",
    [
        MESSAGE,
        b'{"type":"summary","summary":"x"}\nnot JSON\n' + MESSAGE,
        b'{"parentUuid":null,"isSidechain":false,"type":"user","message":{"role":"user","content":"' + b"x" * 70_000,
        b'{"type":"queue-operation","operation":"enqueue","timestamp":"t","sessionId":"s","content":"' + b"x" * 70_000,
    ],
)
def test_a_transcript_is_known_by_what_is_in_it(head: bytes) -> None:
    assert AGENT.exported is not None
    assert AGENT.exported(Path("/tmp/saved.txt"), head[: 64 << 10]) == Source(
        agent="claude-code", path="/tmp/saved.txt"
    )
    source = AGENT.exported(Path("/tmp/c0de0000-0000-4000-8000-000000000001.jsonl"), head[: 64 << 10])
    assert source is not None
    assert source.path == "/tmp/c0de0000-0000-4000-8000-000000000001.jsonl"


EXPECTED: dict[str, Any] = json.loads((FIXTURES / "expected.json").read_text())
PROJECT = "/home/dev/shop"
OF_CLIENT = ("/clear", "/compact", "/exit")

SESSIONS = [recording for recording in recordings() if str(recording.path.relative_to(FIXTURES)) in EXPECTED]


def wanted_of(expected: dict[str, Any]) -> dict[str, Any]:
    """But for the commands that the client runs itself, and the plans that it keeps for itself."""
    prompts = (
        ("", prompt) if isinstance(prompt, str) else (prompt["slash"], prompt["args"]) for prompt in expected["prompts"]
    )
    return {
        "prompts": [(command or None, text) for command, text in prompts if command not in OF_CLIENT],
        "files_changed": {path: by for path, by in expected["files_changed"].items() if ".claude/plans/" not in path},
        "commands": [(run["command"], run["failed"]) for run in expected["commands"]],
        "failed_calls": [call["tool"] for call in expected["failed_calls"]],
        "interrupts": expected["interrupts"],
        "compactions": expected["compactions"],
        # 2.0.65 says "unknown" for the 429 that later versions call "rate_limit".
        "limits": 1 if expected["api_error"] else 0,
        "errors": 0,
        "last_assistant_text": expected["last_assistant_text"],
    }


def found_in(events: list[model.Event]) -> dict[str, Any]:
    tools = {call.call_id: call.name for call in of(events, model.ToolCall)}
    changed: dict[str, list[str]] = {}
    for edit in of(events, model.FileEdit):
        changed.setdefault(posixpath.relpath(edit.path, PROJECT), []).append(tools[edit.call_id or ""])
    run = [r for r in of(events, model.ToolResult) if r.op == "shell" and r.actor == "model"]
    ends = [end.reason for end in of(events, model.TurnEnd)]
    return {
        "prompts": [(prompt.command, prompt.text) for prompt in of(events, model.UserPrompt)],
        "files_changed": changed,
        "commands": [(r.subject, r.status != "ok") for r in run],
        "failed_calls": [result.name for result in failed_calls(events)],
        "interrupts": ends.count("interrupted"),
        "compactions": len(of(events, model.AgentSummary)),
        "limits": ends.count("limit"),
        "errors": ends.count("error"),
        "last_assistant_text": ([message.text for message in of(events, model.AssistantMessage)] or [""])[-1],
    }


def failed_calls(events: list[model.Event]) -> list[model.ToolResult]:
    return [result for result in of(events, model.ToolResult) if result.status not in ("ok", "unknown")]


def test_every_session_of_the_reading_is_here() -> None:
    assert len(SESSIONS) == len(EXPECTED)


@pytest.mark.parametrize("recording", SESSIONS, ids=str)
def test_a_recording_becomes_what_the_reading_found(recording: Recording) -> None:
    expected = EXPECTED[str(recording.path.relative_to(FIXTURES))]
    events = read_on(AGENT, source_at(AGENT, recording)).events

    assert found_in(events) == wanted_of(expected)
    assert all(prompt.actor == "human" for prompt in of(events, model.UserPrompt))
    for result, call in zip(failed_calls(events), expected["failed_calls"], strict=True):
        if call["rejected_by_user"]:
            assert result.status in ("denied", "interrupted")
        if call["text"].startswith("Exit code"):
            assert result.exit_code == int(call["text"].split()[2])
        refused = ("<tool_use_error>", "Auto mode could not evaluate this action")
        assert result.never_ran is (call["text"].startswith(refused) or result.status == "denied")


@pytest.mark.parametrize(("place", "parent"), [("u1", ID), (None, None)])
def test_a_file_that_goes_on_under_another_id_is_the_same_conversation(place: str | None, parent: str | None) -> None:
    """Claude Desktop (2.1.161): the first record has its place behind the last of the former session. The prompt that
    carries out an accepted plan has none (2.1.63), though an old record may be above it."""
    transcript = Session()
    transcript.user("Read the labels.", parentUuid=None)
    transcript.queue("dequeue", sessionId=SESSION % 7)
    transcript.user("Go on.", parentUuid=place, sessionId=SESSION % 7)
    transcript.user("And on.", parentUuid="u3", sessionId=SESSION % 7)

    facts = [(event.session, event.body) for event in transcript.events if isinstance(event.body, model.SessionInfo)]
    named = [(session, fact.parent) for session, fact in facts if isinstance(fact, model.SessionInfo) and fact.parent]
    assert named == ([(SESSION % 7, parent)] if parent else [])
