from __future__ import annotations

import sqlite3
from collections.abc import Callable

from carryover.ledger.queries import sessions
from carryover.model import AssistantMessage, ToolCall, ToolResult, UserPrompt
from carryover.page import conversations
from carryover.page.conversations import MOST_TURNS
from support.scribe import Scribe

Reading = Callable[[], sqlite3.Connection]


async def test_a_hit_is_in_the_turn_that_show_prints(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(
        scribe.event("add a parser"),
        scribe.event(UserPrompt(text="a reminder", actor="model")),
        scribe.event(AssistantMessage(text="needle one")),
        scribe.event("needle two"),
        scribe.event("and a lexer"),
        scribe.event(AssistantMessage(text="needle three"), subagent_id="a1"),
        scribe.event("needle four", session="s2"),
    )

    hits = conversations.found(reading(), "needle", None, limit=9, now_ms=0).hits

    assert {hit.after.strip(): (hit.turn, hit.project) for hit in hits} == {
        "one": (1, 1),
        "two": (2, 1),
        "three": (3, 1),
        "four": (1, 1),
    }


async def test_a_hit_is_cut_around_its_words(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(f"{'before ' * 90}needle{' after' * 90}", "needle at first", "the last needle")

    answer = conversations.found(reading(), "needle", None, limit=2, now_ms=0)
    whole = conversations.found(reading(), "needle", None, limit=3, now_ms=0)

    assert (len(answer.hits), answer.more, whole.more) == (2, True, False)
    long, *short = sorted((hit.before, hit.words, hit.after) for hit in whole.hits)[::-1]
    assert short == [("the last ", "needle", ""), ("", "needle", " at first")]
    assert (long[0][0], long[1], long[2][-1], len("".join(long))) == ("…", "needle", "…", 202)


async def test_what_has_no_word_finds_nothing(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell("add a parser")

    assert conversations.found(reading(), ' "*', None, limit=9, now_ms=0).hits == ()


async def test_a_long_session_is_shown_around_a_turn_or_from_its_end(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(*(f"prompt {n}" for n in range(1, 101)))
    db = reading()
    [row] = sessions(db, limit=1)

    around, end = conversations.session(db, row, 30), conversations.session(db, row, None)

    assert (around.first_turn, len(around.turns), around.total_turns) == (25, MOST_TURNS, 100)
    assert around.turns[5].parts[0].text == "prompt 30"
    assert (end.first_turn, end.turns[-1].number) == (100 - MOST_TURNS + 1, 100)


async def test_a_call_is_shown_with_its_result_or_without_one(scribe: Scribe, reading: Reading) -> None:
    call = ToolCall(call_id="c1", name="Bash", op="shell", subject="pytest")
    result = ToolResult(call_id="c1", name="Bash", op="shell", subject="pytest", status="error", output="1 failed")
    await scribe.tell(
        scribe.event("test it"),
        scribe.event(call),
        scribe.event(result),
        scribe.event(ToolCall(call_id="c2", name="Bash", op="shell", subject="make")),
    )
    db = reading()
    [row] = sessions(db, limit=1)
    [turn] = conversations.session(db, row, 1).turns

    assert [(part.kind, part.name, part.text, part.is_error) for part in turn.parts] == [
        ("user", "You", "test it", False),
        ("result", "Bash pytest (error)", "1 failed", True),
        ("result", "Bash make (no result recorded)", "", True),
    ]


async def test_a_huge_session_is_shown_in_part(scribe: Scribe, reading: Reading) -> None:
    prompts = [f"prompt {n} " + "x" * 400_000 for n in range(1, 12)]
    await scribe.tell(*prompts)
    db = reading()
    [row] = sessions(db, limit=1)

    answer = conversations.session(db, row, 8)

    assert [turn.number for turn in answer.turns] == [3, 4, 5, 6, 7, 8]
