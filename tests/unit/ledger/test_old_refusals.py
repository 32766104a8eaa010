"""What ledgers from before 0.2.0 took for the user's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.ledger.schema import newest
from carryover.model import Op, ToolResult, UserPrompt
from support.scribe import Scribe, execute, writing

REFUSAL = "The user doesn't want to proceed with this tool use. The user said: "
BEFORE = f"PRAGMA user_version = {newest() - 1}"


def refusal(op: Op, output: str, words: str, name: str = "tool") -> ToolResult:
    return ToolResult(call_id="c", name=name, op=op, status="denied", output=output, never_ran=True, user_words=words)


async def told(scribe: Scribe, result: ToolResult) -> None:
    ended = scribe.event(result)
    said = scribe.event(result.user_words, key="said", at_ms=ended.at_ms)
    await scribe.tell("Fix it", ended, said, "And then?")


@pytest.mark.parametrize(
    ("name", "op", "output"),
    [
        ("tool", "other", f"{REFUSAL}Ship it"),
        ("tool", "web", f"{REFUSAL}Ship it"),
        ("tool", "read", "File not found. Did you mean: The user rejected permission to use this: Ship it"),
        ("tool", "read", ""),
        ("apply_patch", "edit", "The user rejected permission to use this specific tool call: Ship it"),
    ],
)
async def test_words_that_a_tool_may_have_written_are_the_tools(
    ledger_path: Path, name: str, op: Op, output: str
) -> None:
    async with writing(ledger_path) as scribe:
        await told(scribe, refusal(op, output, "Ship it", name))
    execute(ledger_path, BEFORE)

    async with writing(ledger_path) as scribe:
        assert scribe.prompts() == ["Fix it", "And then?"]
        [result] = [each.body for each in scribe.events() if isinstance(each.body, ToolResult)]
        assert (result.status, result.user_words) == ("error", "")
        assert result.output == "tool refused, it said: Ship it"
        assert (await scribe.state()).cursor is None
        await scribe.ledger.rebuild_outdated()
    [(changed, published)] = execute(ledger_path, "SELECT changed_ms, coalesce(published_ms, 0) FROM project")
    assert changed > published


async def test_a_transcript_that_is_read_again_confirms_the_users(ledger_path: Path) -> None:
    async with writing(ledger_path) as scribe:
        await told(scribe, refusal("other", f"{REFUSAL}Ship it", "Ship it"))
    execute(ledger_path, BEFORE)

    async with writing(ledger_path) as scribe:
        await scribe.tell(scribe.event("Ship it", key="said"))
        assert scribe.prompts() == ["Fix it", "Ship it", "And then?"]


async def test_the_same_words_in_a_record_of_their_own_are_the_users(ledger_path: Path) -> None:
    """The editors' extensions write down what was typed beside the result, which alone was read for it too."""
    async with writing(ledger_path) as scribe:
        await scribe.tell("Fix it", scribe.event(refusal("edit", "", "Ship it")), "Ship it")
    execute(ledger_path, BEFORE)

    async with writing(ledger_path) as scribe:
        assert scribe.prompts() == ["Fix it", "Ship it"]
        [result] = [each.body for each in scribe.events() if isinstance(each.body, ToolResult)]
        assert (result.status, result.user_words) == ("error", "")


async def test_words_that_the_client_recorded_before_the_result_are_the_users(ledger_path: Path) -> None:
    """Copilot has the decision as a record of its own, and the result of a turn that was stopped is empty."""
    async with writing(ledger_path) as scribe:
        await scribe.tell("Fix it", "Not so", scribe.event(refusal("other", "", "Not so")))
        before = scribe.events()
    execute(ledger_path, BEFORE)

    async with writing(ledger_path) as scribe:
        assert scribe.events() == before


async def test_what_only_the_client_can_have_worded_stays(ledger_path: Path) -> None:
    async with writing(ledger_path) as scribe:
        await told(scribe, refusal("edit", f"{REFUSAL}Ship it", "Ship it"))
        before = scribe.events()
    execute(ledger_path, BEFORE)

    async with writing(ledger_path) as scribe:
        assert scribe.events() == before
        assert isinstance(before[2].body, UserPrompt)
        assert (await scribe.state()).cursor == b"1"
