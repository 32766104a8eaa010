"""A log that `/rewind` replaced."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from agents.copilot.contract_case import FIXTURES
from agents.copilot.session import CopilotSession, of, read, source_of
from carryover.agents.copilot import cli
from carryover.agents.copilot.adapter import AGENT
from carryover.model import AssistantMessage, UserPrompt
from carryover.transcript.jsonl import READ_LINES
from contract.case import read_on
from support.shop_in_ledger import counted

REWIND = FIXTURES.parent / "recorded_rewind"


def replace(session: CopilotSession, lines: list[bytes]) -> None:
    """As the client does it: a new file takes the place of the old one."""
    fresh = session.path.with_suffix(".new")
    fresh.write_bytes(b"".join(lines))
    fresh.rename(session.path)


def test_a_recorded_rewind_takes_back_the_turn(tmp_path: Path) -> None:
    ident = json.loads((REWIND / "before.jsonl").read_text().splitlines()[0])["data"]["sessionId"]
    log = tmp_path / "session-state" / ident / "events.jsonl"
    log.parent.mkdir(parents=True)
    source = AGENT.source_of(log, tmp_path / "session-state")
    assert source is not None
    shutil.copy(REWIND / "before.jsonl", log)
    before = read_on(AGENT, source)
    asked = [prompt.text.split()[0] for prompt in of(before.events, UserPrompt)]
    log.unlink()
    shutil.copy(REWIND / "after.jsonl", log)
    after = read_on(AGENT, source, before)

    assert asked == ["first", "second"]
    assert [prompt.text.split()[0] for prompt in of(after.events, UserPrompt)] == ["first", "third"]
    assert [message.text for message in of(after.events, AssistantMessage)] == ["one", "three"]
    assert after.skipped == []


@pytest.mark.parametrize("content", [b"", b"\x00" * 500, b'{"type": "user.message"}\n'])
def test_a_file_that_holds_something_else_takes_nothing_back(session: CopilotSession, content: bytes) -> None:
    session.say("Done.")
    before = read(session)
    prompts = of(before.events, UserPrompt)
    session.path.write_bytes(content)

    assert of(read(session, before).events, UserPrompt) == prompts


@pytest.mark.parametrize("answers", [2, 1_300], ids=["short", "more than two reads"])
async def test_what_was_taken_back_does_not_count_and_the_rest_counts_once(
    session: CopilotSession, tmp_path: Path, answers: int
) -> None:
    async def texts() -> list[tuple[str | None, str]]:
        events = await counted(AGENT, tmp_path / "ledger.sqlite", [source_of(session)], session.session)
        said = [(event.subagent_id, event.body) for event in events]
        return [(agent, body.text) for agent, body in said if isinstance(body, UserPrompt | AssistantMessage)]

    for number in range(answers):
        session.say(f"Answer {number}.")
    kept = session.path.read_bytes().splitlines(keepends=True)
    session.prompt("Undone.")
    session.record("user.message", agent="a1", content="List the tests.", source="agent-x")
    session.say("Undone too.")
    before = await texts()
    replace(session, kept)
    session.record("session.info", infoType="rewind", message="Rewound the conversation.")
    session.prompt("Now the plum.")
    after = await texts()

    left = [(None, "Fix the price."), *((None, f"Answer {number}.") for number in range(answers))]
    undone = [(None, "Undone."), ("a1", "List the tests."), (None, "Undone too.")]
    assert sorted(before, key=str) == sorted([*left, *undone], key=str)
    assert after == [*left, (None, "Now the plum.")]


def test_a_log_that_is_too_large_is_read_in_parts_and_takes_nothing_back(
    session: CopilotSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(READ_LINES):
        session.say(f"Answer {number}.")
    kept = session.path.read_bytes().splitlines(keepends=True)
    session.prompt("Undone.")
    before = read(session)
    replace(session, kept)
    session.prompt("Now the plum.")
    monkeypatch.setattr(cli, "LOOK_BYTES", 64 << 10)
    after = read(session, before)

    assert {"Undone.", "Now the plum."} < {prompt.text for prompt in of(after.events, UserPrompt)}
    assert max(len(batch.records) for batch in after.batches) <= READ_LINES
