from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from carryover.config import Config, PublishConfig
from carryover.distill.quotes import estimated_tokens
from carryover.distill.render import render
from carryover.ledger.queries import project_by_id
from carryover.ledger.rows import ProjectRow
from carryover.ledger.store import Ledger
from carryover.model import (
    NOTE,
    AgentSummary,
    AnyBody,
    AssistantMessage,
    FileEdit,
    PlanProposal,
    Question,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from carryover.page import projects
from carryover.page.answers import Entry
from carryover.page.projects import listed_projects
from carryover.publish.make import made_handoff
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
    assert project.resets_ms == (DAY_MS if waits[0] == "a limit" else 0)


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

    assert [(each.root, each.name, each.agent, each.sessions) for each in found] == [
        ("/srv/noted", "noted", "", 1),
        ("/srv/new", "new", "made-up", 1),
        ("/srv/old", "old", "made-up", 2),
    ]


LATER_MS = 1_800_000_000_000


def known(db: sqlite3.Connection, project_id: int = 1) -> ProjectRow:
    row = project_by_id(db, project_id)
    assert row is not None
    return row


async def test_the_handoff_has_all_lines_of_the_file_and_their_sources(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(
        scribe.event("add a cart"),
        scribe.event(FileEdit(path="/repo/cart.py", change="add")),
        scribe.event(AssistantMessage(text="Added. Shall I test it?", final=True)),
    )
    db = reading()
    made = made_handoff(db, 1, Config(), now_ms=LATER_MS)
    assert made.handoff is not None

    answer = projects.handoff(db, known(db), Config(), frozenset, now_ms=LATER_MS)

    text = render(made.handoff)
    lines = [f"## {line.text}" if line.kind == "title" else line.text for line in answer.lines]
    assert "\n".join(lines) + "\n" == text
    assert answer.tokens == estimated_tokens(text)
    assert all(line.sources for line in answer.lines if line.kind == "line")
    [asked] = [line for line in answer.lines if "Shall I test it?" in line.text]
    assert [(source.session, source.turn) for source in asked.sources] == [("s1", 1)]


async def test_a_project_without_work_has_no_lines(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(scribe.event(TurnEnd(reason="interrupted")))
    db = reading()

    assert projects.handoff(db, known(db), Config(), frozenset, now_ms=LATER_MS).lines == ()


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_of_the_timeline_leave_nothing_out(scribe: Scribe, reading: Reading, limit: int) -> None:
    """Also where several things happened at once, or what happened is not listed."""
    diff = "@@ +1\n-a\u202e\n+b"
    await scribe.tell(
        *(scribe.event(f"prompt {n}", at_ms=1000 * (n // 3 + 1)) for n in range(7)),
        *(scribe.event(AgentSummary(text="so far", source="compaction"), at_ms=5000 + n) for n in range(4)),
        scribe.event(FileEdit(path="/repo/cart.py", change="modify", diff=diff), at_ms=6000),
        scribe.event(
            ToolResult(
                call_id="c", name="Bash", op="shell", status="error", subject="pytest", output="=== 1 failed in 1s ==="
            ),
            at_ms=7000,
        ),
    )
    db = reading()
    found: list[Entry] = []
    before_ms = None
    while True:
        page = projects.history(db, known(db), before_ms=before_ms, limit=limit)
        found += page.entries
        if not page.more:
            break
        before_ms = page.entries[-1].at_ms

    assert [(entry.kind, entry.text, entry.detail) for entry in found[:2]] == [
        ("tests", "pytest", "fail"),
        ("edit", "Edited cart.py", ""),
    ]
    assert found[1].diff == "@@ +1\n-a\n+b"
    assert [entry.text for entry in found[2:]] == [*(f"prompt {n}" for n in range(6, -1, -1)), ""]


@pytest.mark.usefixtures("utc")
async def test_work_is_counted_by_day_and_agent_as_far_back_as_the_pictures_reach(
    scribe: Scribe, reading: Reading
) -> None:
    limit = TurnEnd(reason="limit", message="until 3pm", resets="2027-01-15T12:00:00+00:00")
    await scribe.tell(
        scribe.event("too old", at_ms=LATER_MS - 100 * DAY_MS),
        scribe.event("one", at_ms=LATER_MS - DAY_MS),
        scribe.event(UserPrompt(text="a reminder", actor="model"), at_ms=LATER_MS - DAY_MS),
        scribe.event("two", at_ms=LATER_MS - DAY_MS),
        scribe.event("three", at_ms=LATER_MS),
        scribe.event("a sub-agent's", at_ms=LATER_MS, subagent_id="a1"),
        scribe.event(limit, at_ms=LATER_MS),
    )
    db = reading()

    answer = projects.work(db, known(db), Config(), frozenset, now_ms=LATER_MS)

    assert [(day.day, day.agents) for day in answer.days] == [
        ("2027-01-14", {"made-up": 2}),
        ("2027-01-15", {"made-up": 1}),
    ]
    assert [(each.at_ms, each.agent, each.resets_ms) for each in answer.limits] == [
        (LATER_MS, "made-up", 1_800_014_400_000)
    ]
    text = projects.handoff(db, known(db), Config(), frozenset, now_ms=LATER_MS)
    assert {each.section for each in answer.handoff_tokens} == {
        "",
        *(line.text for line in text.lines if line.kind == "title"),
    }
