from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from carryover.config import Config, ProjectsConfig, PublishConfig
from carryover.distill.limit import Limit
from carryover.distill.quotes import estimated_tokens
from carryover.facts import GitFacts
from carryover.ledger.queries import project_by_id
from carryover.ledger.rows import ProjectRow
from carryover.ledger.store import Ledger
from carryover.model import (
    NOTE,
    AgentSummary,
    AnyBody,
    AssistantMessage,
    BackgroundTask,
    FileEdit,
    PlanProposal,
    Question,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from carryover.past import projects
from carryover.past.projects import listed_projects
from carryover.past.timeline import timeline_page
from carryover.past.types import Moment
from carryover.publish.limits import limited_projects
from support.repository import repository
from support.scribe import Scribe

NOW_MS = 100_000
DAY_MS = 86_400_000


JOB = BackgroundTask(task_id="b1", state="running", label="python train.py")


def answered(text: str) -> AssistantMessage:
    return AssistantMessage(text=text, final=True)


@pytest.mark.parametrize(
    ("bodies", "waits"),
    [
        ([answered("Done.")], ("", 0, "")),
        ([answered("Done. Which of the two shall I take?")], ("you", 2000, "Done. Which of the two shall I take?")),
        ([AssistantMessage(text="I look.", final=False)], ("", 0, "")),
        ([ToolCall(call_id="c", name="Bash", op="shell", subject="make")], ("", 0, "")),
        ([Question(call_id="c", text="Euro or cents?")], ("you", 2000, "Euro or cents?")),
        ([PlanProposal(call_id="c", text="1. Cents")], ("approval", 2000, "")),
        ([PlanProposal(call_id="c", text="1. Cents", accepted=True)], ("", 0, "")),
        ([PlanProposal(call_id="c", text="1. Cents"), UserPrompt(text="No")], ("", 0, "")),
        ([TurnEnd(reason="interrupted")], ("", 0, "")),
        ([AssistantMessage(text="Shall I?", final=False), TurnEnd(reason="interrupted")], ("you", 3000, "Shall I?")),
        ([TurnEnd(reason="error", message="500")], ("", 0, "")),
        ([TurnEnd(reason="limit", message="until 3pm", resets="1970-01-02T00:00:00+00:00")], ("a limit", 2000, "")),
    ],
)
async def test_what_a_project_waits_for_is_what_its_records_say(
    scribe: Scribe, bodies: list[AnyBody], waits: tuple[str, int, str]
) -> None:
    await scribe.tell(*map(scribe.event, (UserPrompt(text="add a cart"), *bodies)))

    [project] = listed_projects(scribe.db, Config(), now_ms=NOW_MS).projects

    assert (project.waits_for, project.waits_since_ms, project.asks) == waits
    assert project.resets_ms == (DAY_MS if waits[0] == "a limit" else 0)


@pytest.mark.parametrize(
    ("bodies", "state"),
    [
        ([], "open"),
        ([answered("Done.")], "answered"),
        ([TurnEnd(reason="interrupted")], "interrupted"),
        ([TurnEnd(reason="error", message="500")], "error"),
        ([answered("Done. Which of the two shall I take?")], "asked"),
        ([Question(call_id="c", text="Euro or cents?")], "asked"),
        ([JOB, answered("The training runs.")], "running"),
        ([JOB, replace(JOB, state="done"), answered("It has ended.")], "answered"),
    ],
)
async def test_a_project_says_what_it_is_about_in_its_newest_words_and_how_its_newest_turn_ended(
    scribe: Scribe, bodies: list[AnyBody], state: str
) -> None:
    said = ("add a cart", "Round the\ntotal to whole cents", "yes to all", *bodies)
    await scribe.tell(*map(scribe.event, said))

    [project] = listed_projects(scribe.db, Config(), now_ms=NOW_MS).projects

    assert (project.about, project.state) == ("Round the total to whole cents", state)


async def test_a_project_that_was_handed_over_says_what_is_continued(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("add a cart"))
    await scribe.tell(scribe.event("Read .carryover/handoff.md, then go on", session="another"))

    [project] = listed_projects(scribe.db, Config(), now_ms=NOW_MS).projects

    assert project.about == "Continues: add a cart"


@pytest.mark.parametrize(("pattern", "paused"), [("/srv/shop/", True), ("/srv/shop", True), ("/srv/*", False)])
async def test_a_project_that_its_path_excludes_is_paused(scribe: Scribe, pattern: str, paused: bool) -> None:
    await scribe.tell(scribe.event("add a cart", cwd="/srv/shop"))
    config = Config(projects=ProjectsConfig(exclude=(pattern,)))

    assert [each.is_paused for each in listed_projects(scribe.db, config, now_ms=NOW_MS).projects] == [paused]


async def test_a_job_that_was_not_mentioned_for_a_day_runs_no_more(scribe: Scribe) -> None:
    await scribe.tell("train it", scribe.event(JOB), scribe.event(answered("The training runs.")))

    states = [listed_projects(scribe.db, Config(), now_ms=n * DAY_MS // 2).projects[0].state for n in (1, 3)]
    assert states == ["running", "answered"]


async def test_what_nobody_worked_on_for_long_waits_for_nothing(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("add a cart"), scribe.event(answered("Which one?")))
    config = Config(publish=PublishConfig(active_days=7))

    waits = [listed_projects(scribe.db, config, now_ms=days * DAY_MS).projects[0].waits_for for days in (6, 8)]
    assert waits == ["you", ""]


async def test_projects_come_newest_first_with_who_worked_last(ledger: Ledger, scribe: Scribe) -> None:
    await scribe.tell(scribe.event("old", cwd="/srv/old"), scribe.event("again", cwd="/srv/old", session="s2"))
    await scribe.tell(scribe.event("new", cwd="/srv/new", session="s3"), path="/t/two.jsonl")
    noted = Scribe(ledger, agent=NOTE, written=10)
    await noted.tell(noted.event("an opinion", cwd="/srv/noted", session="note-1"), path="/t/three.jsonl")

    found = listed_projects(scribe.db, Config(), now_ms=NOW_MS).projects

    assert [(each.root, each.name, each.agent, each.sessions) for each in found] == [
        ("/srv/noted", "noted", "", 0),
        ("/srv/new", "new", "made-up", 1),
        ("/srv/old", "old", "made-up", 2),
    ]


async def test_a_note_is_neither_a_session_nor_work(ledger: Ledger, scribe: Scribe) -> None:
    await scribe.tell(scribe.event("old", cwd="/srv/old"))
    await scribe.tell(scribe.event("new", cwd="/srv/new", session="s2"), path="/t/two.jsonl")
    before = listed_projects(scribe.db, Config(), now_ms=NOW_MS).projects
    noted = Scribe(ledger, agent=NOTE, written=10)
    await noted.tell(noted.event("an opinion", cwd="/srv/old", session="note-1"), path="/t/three.jsonl")

    assert listed_projects(scribe.db, Config(), now_ms=NOW_MS).projects == before


LATER_MS = 1_800_000_000_000


def known(db: sqlite3.Connection, project_id: int = 1) -> ProjectRow:
    row = project_by_id(db, project_id)
    assert row is not None
    return row


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_of_the_timeline_leave_nothing_out(scribe: Scribe, limit: int) -> None:
    """Also where several things happened at once, or what happened is not listed."""
    diff = "@@ +1\n-a\u202e\n+b"
    failed = "=== 1 failed in 1s ==="
    run = ToolResult(call_id="c", name="Bash", op="shell", status="error", subject="pytest", output=failed)
    await scribe.tell(
        *(scribe.event(f"prompt {n}", at_ms=1000 * (n // 3 + 1)) for n in range(7)),
        *(scribe.event(AgentSummary(text="so far", source="compaction"), at_ms=5000 + n) for n in range(4)),
        scribe.event(FileEdit(path="/repo/cart.py", change="modify", diff=diff), at_ms=6000),
        scribe.event(run, at_ms=7000),
    )
    found: list[Moment] = []
    more = True
    while more:
        before_ms = found[-1].at_ms if found else None
        page = timeline_page(scribe.db, known(scribe.db), before_ms=before_ms, limit=limit)
        found, more = [*found, *page.moments], page.more

    listed = [(moment.kind, moment.text, moment.diff) for moment in found[:2]]
    assert listed == [("tests", "fail: pytest", UNSET), ("edit", "Edited cart.py", "@@ +1\n-a\n+b")]
    assert [moment.text for moment in found[2:]] == [*(f"prompt {n}" for n in range(6, -1, -1)), "prompt 0"]


async def test_each_line_of_a_handoff_has_its_sources_and_its_size_is_known(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("one", at_ms=LATER_MS - DAY_MS), scribe.event("two", at_ms=LATER_MS))

    handoff = projects.project_handoff(scribe.db, known(scribe.db), Config(), now_ms=LATER_MS)

    assert handoff.handoff is not None
    assert handoff.tokens == estimated_tokens(handoff.handoff.text)
    assert all(all(section.sources) for section in handoff.handoff.sections)


async def test_with_a_slow_git_a_handoff_shows_its_answer_at_the_last_publication(
    ledger: Ledger, scribe: Scribe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path / "shop", {"cart.py": ""})
    await scribe.tell(scribe.event("Add a discount", cwd=str(root), at_ms=LATER_MS))
    await ledger.set_published(1, None, LATER_MS, None, GitFacts(branch="tax", head="abc1234", subject="first"))
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")

    handoff = projects.project_handoff(scribe.db, known(scribe.db), Config(), now_ms=LATER_MS).handoff

    assert handoff is not None
    assert "branch tax at abc1234" in handoff.text
    assert "git did not answer in time" in handoff.text


async def test_a_project_without_work_has_no_lines(scribe: Scribe) -> None:
    await scribe.tell(scribe.event(TurnEnd(reason="interrupted")))

    assert projects.project_handoff(scribe.db, known(scribe.db), Config(), now_ms=LATER_MS).handoff is None


REACHED = TurnEnd(reason="limit", message="limit reached", resets="3pm")


async def limited(scribe: Scribe, cwd: str, at_ms: int) -> None:
    session = f"s-{cwd}"
    await scribe.tell(
        scribe.event("Add a discount to the cart", session=session, cwd=cwd, at_ms=at_ms - 1000),
        scribe.event(REACHED, session=session, cwd=cwd, at_ms=at_ms),
        path=f"/t/{session}",
    )


async def test_projects_that_stopped_at_a_limit_come_newest_first(scribe: Scribe) -> None:
    await limited(scribe, "/one", 10_000)
    await limited(scribe, "/two", 20_000)
    await scribe.tell(scribe.event("Write the docs", session="s3", cwd="/three", at_ms=30_000), path="/t/3")

    limits = limited_projects(scribe.db, ("codex",), since_ms=0, now_ms=NOW_MS)

    assert [*limits.items()] == [
        ("/two", Limit(agent="made-up", at_ms=20_000, resets="3pm", others=("codex",))),
        ("/one", Limit(agent="made-up", at_ms=10_000, resets="3pm", others=("codex",))),
    ]
