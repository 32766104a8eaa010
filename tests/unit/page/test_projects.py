from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from carryover.config import Config, PublishConfig
from carryover.ledger.store import Ledger
from carryover.model import (
    NOTE,
    AnyBody,
    AssistantMessage,
    PlanProposal,
    Question,
    ToolCall,
    TurnEnd,
    UserPrompt,
)
from carryover.page.answers import Reset
from carryover.page.projects import listed_projects
from support.scribe import Scribe

Reading = Callable[[], sqlite3.Connection]
NOW_MS = 100_000
DAY_MS = 86_400_000


def answered(text: str) -> AssistantMessage:
    return AssistantMessage(text=text, final=True)


@pytest.mark.parametrize(
    ("bodies", "waits"),
    [
        ([answered("Done.")], ("you", 2000, "")),
        ([answered("Done. Which of the two shall I take?")], ("you", 2000, "Done. Which of the two shall I take?")),
        ([AssistantMessage(text="I look.", final=False)], ("", 0, "")),
        ([ToolCall(call_id="c", name="Bash", op="shell", subject="make")], ("", 0, "")),
        ([Question(call_id="c", text="Euro or cents?")], ("you", 2000, "Euro or cents?")),
        ([PlanProposal(call_id="c", text="1. Cents")], ("approval", 2000, "")),
        ([PlanProposal(call_id="c", text="1. Cents", accepted=True)], ("", 0, "")),
        ([PlanProposal(call_id="c", text="1. Cents"), UserPrompt(text="No")], ("", 0, "")),
        ([TurnEnd(reason="interrupted")], ("you", 2000, "")),
        ([TurnEnd(reason="error", message="500")], ("you", 2000, "")),
        ([TurnEnd(reason="limit", message="until 3pm", resets="1970-01-02T00:00:00+00:00")], ("a limit", 2000, "")),
    ],
)
async def test_what_a_project_waits_for_is_what_its_records_say(
    scribe: Scribe, reading: Reading, bodies: list[AnyBody], waits: tuple[str, int, str]
) -> None:
    await scribe.tell(*map(scribe.event, (UserPrompt(text="add a cart"), *bodies)))

    [project] = listed_projects(reading(), Config(), now_ms=NOW_MS).projects

    assert (project.waits_for, project.waits_since_ms, project.asks) == waits
    assert project.limit == (Reset("made-up", DAY_MS) if waits[0] == "a limit" else None)


async def test_what_nobody_worked_on_for_long_waits_for_nothing(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(scribe.event("add a cart"), scribe.event(answered("Which one?")))
    config = Config(publish=PublishConfig(active_days=7))
    db = reading()

    waits = [listed_projects(db, config, now_ms=days * DAY_MS).projects[0].waits_for for days in (6, 8)]
    assert waits == ["you", ""]


async def test_projects_come_newest_first_with_who_worked_last(
    ledger: Ledger, scribe: Scribe, reading: Reading
) -> None:
    await scribe.tell(scribe.event("old", cwd="/srv/old"), scribe.event("again", cwd="/srv/old", session="s2"))
    await scribe.tell(scribe.event("new", cwd="/srv/new", session="s3"), path="/t/two.jsonl")
    noted = Scribe(ledger, agent=NOTE, written=10)
    await noted.tell(noted.event("an opinion", cwd="/srv/noted", session="note-1"), path="/t/three.jsonl")

    found = listed_projects(reading(), Config(), now_ms=NOW_MS).projects

    assert [(each.root, each.name, each.agent, each.sessions, each.has_handoff) for each in found] == [
        ("/srv/noted", "noted", "", 1, False),
        ("/srv/new", "new", "made-up", 1, False),
        ("/srv/old", "old", "made-up", 2, False),
    ]
