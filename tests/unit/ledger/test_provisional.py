"""What a hook tells before the transcript has it: there at once, gone when the transcript's own record is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carryover.ledger.batch import Committed, event_key
from carryover.ledger.machines import ReceivedEvents
from carryover.ledger.provisional import forget_provisional
from carryover.ledger.queries import project_by_root, sessions
from carryover.ledger.rows import StoredEvent
from carryover.ledger.tombstones import Tombstones, short_key
from carryover.model import AnyBody, AssistantMessage, QueuedPrompt, SessionInfo, ToolCall, TurnEnd, UserPrompt
from carryover.publish.project_view import project_view
from support.scribe import AGENT, Scribe, execute

NOW_MS = 1_000_000
DONE = AssistantMessage(text="Done.", final=True)
CALL = ToolCall(call_id="c1", name="Bash", op="shell", subject="ls")


async def told_early(scribe: Scribe, body: AnyBody, *, at_ms: int = 500_000, **fields: Any) -> Committed:
    return await scribe.hint(body, at_ms=at_ms, now_ms=NOW_MS, **fields)


def waiting(scribe: Scribe) -> list[AnyBody]:
    """What stands there provisionally."""
    return [event.body for event in scribe.events() if event.provisional]


async def test_it_comes_last_in_its_session_and_is_marked(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("add a parser"), scribe.event("find it", subagent_id="a1", at_ms=700_000))

    await told_early(scribe, DONE)
    await told_early(scribe, AssistantMessage(text="Found.", final=True), at_ms=400_000, subagent_id="a1")

    assert scribe.events() == [
        StoredEvent(at_ms=1_000, subagent_id=None, body=UserPrompt(text="add a parser")),
        StoredEvent(at_ms=700_000, subagent_id="a1", body=UserPrompt(text="find it")),
        StoredEvent(at_ms=500_000, subagent_id=None, body=DONE, provisional=True),
    ]


@pytest.mark.parametrize(
    "record",
    [
        AssistantMessage(text="Done."),
        AssistantMessage(text="\nDone. ", final=True),
        TurnEnd(reason="limit", message="Done."),
    ],
    ids=["same words", "white space", "told as an answer, recorded as an error"],
)
async def test_the_transcripts_record_takes_its_place(scribe: Scribe, record: AnyBody) -> None:
    await scribe.tell("add a parser")
    await told_early(scribe, DONE)

    commit = await scribe.tell(scribe.event(record, at_ms=499_950))

    assert (commit.new_events, commit.projects) == (1, frozenset({1}))
    assert [event.body for event in scribe.events()] == [UserPrompt(text="add a parser"), record]


@pytest.mark.parametrize(
    ("other", "fields", "stays"),
    [
        (AssistantMessage(text="Half way."), {"at_ms": 499_999}, True),
        (UserPrompt(text="add tests"), {"at_ms": 499_999}, True),
        (QueuedPrompt(text="add tests"), {"at_ms": 600_000}, True),
        (SessionInfo(title="Parser"), {"at_ms": 600_000}, True),
        (DONE, {"at_ms": 600_000, "subagent_id": "a1"}, True),
        (DONE, {"at_ms": 600_000, "session": "s2"}, True),
        (UserPrompt(text="and now?"), {"at_ms": 500_000}, False),
        (CALL, {"at_ms": 500_000}, False),
        (AssistantMessage(text="In other words: done."), {"at_ms": 500_000}, False),
    ],
)
async def test_it_stays_until_its_conversation_has_gone_on(
    scribe: Scribe, other: AnyBody, fields: dict[str, Any], stays: bool
) -> None:
    """Transcripts are written in order, so what is newer than the hook comes after the record of what it told."""
    await told_early(scribe, DONE)

    await scribe.tell(scribe.event(other, **fields))

    assert waiting(scribe) == ([DONE] if stays else [])


async def test_a_hook_that_comes_after_the_next_prompt_is_too_late(scribe: Scribe) -> None:
    """A queued prompt follows the end of a turn within milliseconds."""
    await scribe.tell(scribe.event("add a parser"), scribe.event(DONE), scribe.event("add tests", at_ms=500_010))

    assert await told_early(scribe, DONE) == Committed()


async def test_words_of_an_earlier_turn_can_be_said_again(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("add a parser"), scribe.event(DONE), scribe.event("add tests"))

    commit = await told_early(scribe, DONE)

    assert commit.new_events == 1
    [view] = project_view(scribe.db, 1).sessions
    assert view.digest.turn is not None and view.digest.turn.answer == "Done."


async def test_nothing_was_reported_later_than_now(scribe: Scribe) -> None:
    """A time from the future would outlast every prompt to come."""
    commit = await told_early(scribe, DONE, at_ms=NOW_MS + 1)

    assert commit.newest_event_ms == NOW_MS
    assert sessions(scribe.db, limit=9)[0].last_ms == NOW_MS


async def test_what_a_known_session_tells_in_another_project_is_left_to_its_transcript(scribe: Scribe) -> None:
    """It must show in neither: which of the two it belongs to only the transcript tells."""
    await scribe.tell("add a parser")

    commit = await told_early(scribe, DONE, cwd="/elsewhere")

    assert (commit.new_events, commit.projects) == (0, frozenset())
    assert waiting(scribe) == []
    assert project_by_root(scribe.db, "/elsewhere") is None


async def test_what_was_never_confirmed_is_forgotten(scribe: Scribe, ledger_path: Path) -> None:
    await told_early(scribe, DONE, at_ms=100)
    await told_early(scribe, AssistantMessage(text="Really."), at_ms=200)
    execute(ledger_path, "UPDATE project SET changed_ms = 0")

    assert await scribe.ledger.write(forget_provisional, before_ms=200) == 1
    assert waiting(scribe) == [AssistantMessage(text="Really.")]
    assert execute(ledger_path, "SELECT changed_ms > 0 FROM project") == [(1,)]
    assert await scribe.ledger.write(forget_provisional, before_ms=200) == 0


async def test_it_goes_with_a_session_that_another_machine_forgot(scribe: Scribe, ledger_path: Path) -> None:
    await scribe.tell(scribe.event("add a parser", key="a"))
    await told_early(scribe, DONE)

    await scribe.ledger.store_received(
        ReceivedEvents(machine="laptop", tombstones=Tombstones(keys=(short_key(event_key(AGENT, "a")),)))
    )

    assert sessions(scribe.db, limit=9) == []
    assert execute(ledger_path, "SELECT count(*) FROM provisional") == [(0,)]
