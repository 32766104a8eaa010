from __future__ import annotations

import sqlite3
from collections.abc import Callable

from carryover.ledger.events import last_answer, prompts_at
from carryover.model import AssistantMessage, ToolCall, UserPrompt
from support.scribe import Scribe

Reading = Callable[[], sqlite3.Connection]


async def test_prompts_are_found_by_their_times_in_their_project_alone(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(
        scribe.event("first", at_ms=10),
        scribe.event("second", at_ms=20),
        scribe.event(UserPrompt(text="of the agent", actor="model"), at_ms=10),
        scribe.event("of a sub-agent", at_ms=10, subagent_id="a1"),
        scribe.event("elsewhere", at_ms=10, session="s2", cwd="/other"),
    )

    with reading() as db:
        assert prompts_at(db, 1, [10, 0, 99]) == [("s1", 10, "first")]
        assert prompts_at(db, 1, []) == []


async def test_the_last_answer_is_the_newest_text_of_the_main_conversation(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(
        scribe.event("bake"),
        scribe.event(AssistantMessage(text="I look.")),
        scribe.event(AssistantMessage(text="Done."), at_ms=9_000),
        scribe.event(AssistantMessage(text="  "), at_ms=9_001),
        scribe.event(ToolCall(call_id="c", name="Bash", op="shell"), at_ms=9_002),
        scribe.event(AssistantMessage(text="Below."), subagent_id="a1"),
    )

    with reading() as db:
        assert last_answer(db, 1, "s1") == (9_000, "Done.")
        assert last_answer(db, 2, "s1") is None
        assert last_answer(db, 1, "s9") is None
