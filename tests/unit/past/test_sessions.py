from __future__ import annotations

from typing import Any

import pytest

from carryover.distill.own_text import go_on_prompt
from carryover.ledger.queries import sessions
from carryover.ledger.store import Ledger
from carryover.model import NOTE, FileEdit, SessionInfo, ToolResult, UserPrompt
from carryover.past.sessions import listed, session_page
from carryover.past.titles import title_of
from carryover.past.types import Session
from support.scribe import AGENT, Scribe

FAILED = ToolResult(
    call_id="c", name="Bash", op="shell", status="error", subject="pytest", output="=== 1 failed in 1s ==="
)


def names(scribe: Scribe, limit: int = 100, **wanted: Any) -> list[str]:
    """The ids of the sessions that are listed, page after page."""
    found: list[str] = []
    after = None
    while True:
        page = session_page(scribe.db, limit=limit, after=after, **wanted)
        found += (each.id for each in page.sessions)
        after = page.after
        if after is None:
            return found


async def test_a_session_is_listed_with_what_it_was_about_and_what_it_did(scribe: Scribe) -> None:
    edits = [scribe.event(FileEdit(path=f"/repo/{name}.py", change="modify")) for name in ("cart", "total", "cart")]
    await scribe.tell("add a\ncart", *edits, scribe.event(FAILED), "yes")
    await scribe.tell(scribe.event(SessionInfo(title="Named"), session="s2", cwd="desk:/srv/shop"), path="/t/2.jsonl")

    other, session = session_page(scribe.db, limit=9).sessions

    assert session == Session(
        id="s1",
        short="s1",
        agent=AGENT,
        agent_name=AGENT,
        title="add a cart",
        project="/repo",
        project_id=1,
        started_ms=1000,
        last_ms=6000,
        prompts=2,
        files=2,
        tests="fail",
    )
    assert (other.title, other.project, other.project_id) == ("Named", "desk:/srv/shop", 0)


async def test_a_session_is_called_the_same_everywhere_in_the_users_words(scribe: Scribe) -> None:
    await scribe.tell("yes to both", "number the vouchers", scribe.event(SessionInfo(title="## Voucher Numbering")))
    [row] = sessions(scribe.db, None, limit=9)

    assert title_of(scribe.db, row) == "number the vouchers"
    assert [session.title for session in session_page(scribe.db, limit=9).sessions] == ["number the vouchers"]
    [session] = listed(scribe.db, [row])
    assert (session.title, session.task) == ("number the vouchers", "number the vouchers")


async def test_a_session_in_which_nothing_else_was_asked_yet_is_said_to_go_on(scribe: Scribe) -> None:
    await scribe.tell(go_on_prompt(".carryover/handoff.md"))
    [row] = sessions(scribe.db, None, limit=9)
    assert title_of(scribe.db, row) == "(continues from the handoff)"

    await scribe.tell("let's start", "number the vouchers")
    assert title_of(scribe.db, row) == "number the vouchers"


async def test_a_session_that_a_schedule_began_is_called_by_what_was_scheduled(scribe: Scribe) -> None:
    await scribe.tell("number the vouchers")
    takings = UserPrompt(text="Write down the takings.", actor="model", scheduled=True)
    edit = FileEdit(path="/repo/takings.md", change="add")
    nightly = [scribe.event(body, session="s2") for body in (takings, edit)]
    await scribe.tell(*nightly, path="/t/2.jsonl")

    [newest] = listed(scribe.db, sessions(scribe.db, None, limit=1))
    assert "Write down the takings." in (newest.title or "")


@pytest.mark.parametrize(
    "asked", [("continue",), ("Let’s start!",), ("Hallo", "weiter"), (go_on_prompt(".carryover/handoff.md"),)]
)
async def test_a_session_that_only_goes_on_is_called_by_the_work_it_goes_on_with(
    scribe: Scribe, asked: tuple[str, ...]
) -> None:
    """Also if that has been resumed since, and over another session that only goes on."""
    older = [scribe.event("count the stock", session="older")]
    lead = [scribe.event("number the vouchers", session="lead"), scribe.event("continue", session="between")]
    elsewhere = [scribe.event("write a novel", session="elsewhere", cwd="/srv/other")]
    goes_on = [scribe.event(prompt, session="goes-on") for prompt in asked]
    since = [scribe.event("and print them", session="lead"), scribe.event("paint the shop", session="since")]
    await scribe.tell(*older, *lead, *elsewhere, *goes_on, *since)

    titles = {session.id: session.title for session in session_page(scribe.db, limit=9).sessions}
    assert titles["goes-on"] == titles["between"] == "Continues: number the vouchers"


@pytest.mark.parametrize("greeted", ["hi", "thanks", "yes to both"])
async def test_a_session_that_does_not_say_to_go_on_keeps_its_words(scribe: Scribe, greeted: str) -> None:
    await scribe.tell(scribe.event("number the vouchers", session="lead"), scribe.event(greeted, session="s2"))

    newest, _ = session_page(scribe.db, limit=9).sessions
    assert newest.title == greeted


async def test_a_greeting_for_which_work_was_done_goes_on(scribe: Scribe) -> None:
    lead = scribe.event("number the vouchers", session="lead")
    await scribe.tell(lead, scribe.event("let's start", session="s2"), scribe.event(FAILED, session="s2"))

    newest, _ = session_page(scribe.db, limit=9).sessions
    assert newest.title == "Continues: number the vouchers"


@pytest.mark.parametrize(
    ("agents_title", "title"),
    [("Number the vouchers", "Number the vouchers"), ("Yes to all", "yes to both"), ("## User Input", "yes to both")],
)
async def test_a_session_of_short_replies_is_called_by_its_agent_if_that_names_work(
    scribe: Scribe, agents_title: str, title: str
) -> None:
    await scribe.tell("yes to both", scribe.event(SessionInfo(title=agents_title)))
    [row] = sessions(scribe.db, None, limit=9)

    assert title_of(scribe.db, row) == title


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_leave_nothing_out_and_repeat_nothing(scribe: Scribe, limit: int) -> None:
    """Also where sessions ended in the same millisecond."""
    await scribe.tell(*(scribe.event("add", session=f"s{n}", at_ms=1000 + n // 3) for n in range(8)))

    assert names(scribe, limit) == [f"s{n}" for n in range(7, -1, -1)]


async def test_sessions_are_those_of_a_project_an_agent_and_a_day(ledger: Ledger, scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a cart", session="old", at_ms=1000),
        scribe.event("add a cart", session="long", at_ms=2000),
        scribe.event("go on", session="long", at_ms=5000),
        scribe.event("add a cart", session="elsewhere", cwd="/srv/other", at_ms=6000),
    )
    codex = Scribe(ledger, agent="codex", written=10)
    await codex.tell(codex.event("add a cart", session="codex", at_ms=7000), path="/t/codex.jsonl")
    note = Scribe(ledger, agent=NOTE, written=20)
    await note.tell(note.event("an opinion", session="note-1", at_ms=8000), path="/t/note.jsonl")

    assert names(scribe) == ["codex", "elsewhere", "long", "old"]
    assert names(scribe, project_id=1) == ["codex", "long", "old"]
    assert names(scribe, agent=AGENT, project_id=1) == ["long", "old"]
    assert names(scribe, since_ms=2500, until_ms=6000) == ["long"], "it had begun the day before"
    assert session_page(scribe.db, limit=9, agent="codex").agents == {AGENT: 3, "codex": 1}
