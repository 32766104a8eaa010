"""What Claude Code's hooks hand over, as recorded of 2.1.328, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import pytest

from agents.claude_code.contract_case import FIXTURES, SESSION, SLUG
from carryover.adapter.contract import HookEvent, Source
from carryover.agents.claude_code.adapter import AGENT
from carryover.ledger.provisional import content_fingerprint
from carryover.model import AssistantMessage, Event, Skipped
from contract.case import read_on

RECORDED: Final = FIXTURES / "2.1.328"
NOW_MS: Final = 1_795_000_000_000
assert AGENT.hooks is not None
HOOKS: Final = AGENT.hooks


def recorded(name: str) -> HookEvent | Skipped:
    return HOOKS.read(name.partition(".")[0], (RECORDED / "hooks" / f"{name}.json").read_bytes(), NOW_MS)


def reading_of(session: str, **fields: object) -> HookEvent:
    transcript = f"/home/dev/.claude/projects/{SLUG}/{session}.jsonl"
    common = {"session": session, "cwd": "/home/dev/shop", "cwd_moves": True, "transcript": transcript}
    return msgspec.convert({**common, **fields}, HookEvent)


def test_the_end_of_a_turn_brings_the_last_words_before_the_transcript_has_them() -> None:
    text = (
        "Done: `discount()` works and its test passes. Next: wire it into checkout.\n\n"
        "Should the discount be capped at 50 percent?"
    )
    session = SESSION % 1
    early = Event(
        key=f"hook/{session}/stop/{NOW_MS}",
        session=session,
        at_ms=NOW_MS,
        body=AssistantMessage(text=text, final=True),
        cwd="/home/dev/shop",
    )

    assert recorded("Stop") == reading_of(session, action="turn_end", provisional=(early,))


@pytest.mark.parametrize("name", ["Stop", "StopFailure.rate_limit"])
def test_what_is_reported_early_is_known_again_in_the_transcript_of_the_same_session(name: str) -> None:
    """Otherwise it would stand beside the transcript's own record for good."""
    reading = recorded(name)
    assert isinstance(reading, HookEvent)
    path = RECORDED / "projects" / SLUG / f"{reading.session}.jsonl"

    events = read_on(AGENT, Source(agent="claude-code", path=str(path), session=reading.session)).events

    (early,) = reading.provisional
    assert content_fingerprint(early.body) in {content_fingerprint(event.body) for event in events}


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
