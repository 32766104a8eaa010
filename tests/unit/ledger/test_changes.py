"""What was taken back, told better or told again: only the last counts, and reading again changes nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.adapter.contract import Reemitted
from carryover.distill.digest import Digest
from carryover.ledger.batch import Committed
from carryover.ledger.queries import projects, sessions, totals
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, AssistantMessage, Event, Question, Retracted, SessionInfo, ToolCall, UserPrompt
from carryover.publish.project_view import project_view
from support.scribe import Scribe, execute, writing

LESSER, BETTER = "/t/transcript.jsonl", "/t/state.db"


def texts(scribe: Scribe) -> list[tuple[str, bool]]:
    """The prompts of the session that are shown, and whether each was taken back."""
    return [(each.body.text, each.retracted) for each in scribe.events() if isinstance(each.body, UserPrompt)]


def counted(db: sqlite3.Connection, project_id: int = 1) -> dict[str, int]:
    """The number of prompts in the digests of each session of a project."""
    return {
        view.session: view.digest.prompts + sum(side.prompts for side in view.subagents)
        for view in project_view(db, project_id).sessions
    }


async def test_what_was_taken_back_no_longer_counts_and_keeps_its_place(scribe: Scribe) -> None:
    await scribe.tell("add a parser", "Never use regular expressions.", "and a test")

    commit = await scribe.tell(scribe.event(Retracted(keys=("k2", "k3", "k3:result"))))

    assert commit == Committed(new_events=1, projects={1: 4_000}, newest_ms=4_000)
    assert texts(scribe) == [("add a parser", False), ("Never use regular expressions.", True), ("and a test", True)]
    assert counted(scribe.db) == {"s1": 1}
    assert totals(scribe.db).events == 2


async def test_what_was_taken_back_counts_again_in_its_place(scribe: Scribe) -> None:
    """The user goes back to a branch that was left: the handoff has it again, without what came in between."""
    await scribe.tell("add a parser", "with regular expressions", scribe.event(Retracted(keys=("k2",))), "by hand")

    back = scribe.event(Retracted(keys=("k4",), restored=("k2", "unheard of")))
    assert (await scribe.tell(back, "and a test")).new_events == 2

    said = [("add a parser", False), ("with regular expressions", False), ("by hand", True), ("and a test", False)]
    assert texts(scribe) == said
    assert counted(scribe.db) == {"s1": 3}
    await scribe.tell(back)
    assert texts(scribe) == said


async def test_what_was_said_since_a_time_no_longer_counts_but_what_was_done_does(scribe: Scribe) -> None:
    """It may come from several files, and more may come before it by its time: that was read later."""
    await scribe.tell(scribe.event("add a parser", at_ms=1_000), scribe.event("in C", at_ms=2_000), path="/t/one")
    ran = ToolCall(call_id="c", name="shell", op="shell", subject="make")
    await scribe.tell(scribe.event(ran, at_ms=2_500), scribe.event(Question(call_id="q", text="Which C?"), at_ms=2_600))
    await scribe.tell(scribe.event("elsewhere", at_ms=2_700, session="s2"), path="/t/two")
    back = scribe.event(Retracted(since_ms=2_000), at_ms=9_000)

    await scribe.tell(back, scribe.event("in Rust", at_ms=9_000), path="/t/three")

    said = [("add a parser", False), ("in C", True), ("in Rust", False)]
    assert texts(scribe) == said
    assert [each.retracted for each in scribe.events() if isinstance(each.body, ToolCall | Question)] == [False, True]
    assert scribe.prompts("s2") == ["elsewhere"]
    await scribe.tell(back, path="/t/three")
    assert texts(scribe) == said


async def test_a_sub_agent_that_goes_back_takes_nothing_from_its_conversation(scribe: Scribe) -> None:
    """A sub-agent's thread has files of its own (Codex)."""
    await scribe.tell(scribe.event("add a parser", at_ms=1_000), scribe.event("in C", at_ms=3_000), path="/t/one")
    theirs = [scribe.event(text, at_ms=at_ms, subagent_id="a1") for text, at_ms in (("look", 2_000), ("again", 4_000))]
    await scribe.tell(*theirs, path="/t/two")

    await scribe.tell(scribe.event(Retracted(since_ms=2_000), at_ms=9_000, subagent_id="a1"), path="/t/three")

    said = [("add a parser", False), ("look", True), ("in C", False), ("again", True)]
    assert sorted(texts(scribe)) == sorted(said)


async def test_of_what_one_read_retracts_and_restores_the_last_counts(scribe: Scribe) -> None:
    away = scribe.event("one"), scribe.event("two"), scribe.event(Retracted(keys=("k1", "k2")))
    await scribe.tell(*away, scribe.event(Retracted(restored=("k1", "k2"))), scribe.event(Retracted(keys=("k2",))))

    assert texts(scribe) == [("one", False), ("two", True)]


async def test_other_sessions_keep_what_they_share_a_key_with(scribe: Scribe) -> None:
    """A fork that takes back a turn of its copied history takes nothing from its parent."""
    await scribe.tell("add a parser")

    await scribe.tell(scribe.event(Retracted(keys=("k1", "unheard of")), session="s2"), path="/t/fork")

    assert (scribe.prompts(), counted(scribe.db)) == (["add a parser"], {"s1": 1, "s2": 0})


async def test_an_event_that_was_lost_is_taken_back_when_it_is_read_again(scribe: Scribe, ledger_path: Path) -> None:
    """From a damaged ledger the row of what took it back may be all that was saved."""
    reported = [scribe.event("add a parser"), scribe.event("in C"), scribe.event(Retracted(keys=("k2",)))]
    await scribe.tell(*reported)
    execute(ledger_path, "DELETE FROM event WHERE id = 2")

    assert (await scribe.tell(reported[1])).new_events == 1
    assert await scribe.tell(reported[2]) == Committed(projects={1: 3_000})

    assert (texts(scribe), counted(scribe.db)) == ([("add a parser", False), ("in C", True)], {"s1": 1})


async def test_a_lesser_source_is_passed_by_once_a_better_one_has_spoken(ledger: Ledger, scribe: Scribe) -> None:
    await scribe.tell(scribe.event("add a parser"), scribe.event(SessionInfo(title="Parser")), path=BETTER, rank=2)
    before = (project_view(scribe.db, 1), sessions(scribe.db, limit=5))

    reported = scribe.prepared(
        scribe.event("add a parser", cwd="/elsewhere", at_ms=99_000),
        scribe.event(SessionInfo(title="Another"), at_ms=99_000),
        scribe.event(Retracted(keys=("k1",)), at_ms=99_000),
        cursor=b"after it",
        redacted={"token": 1},
    )
    for _ in range(2):
        assert await scribe.commit(reported, path=LESSER) == Committed()

    assert (project_view(scribe.db, 1), sessions(scribe.db, limit=5)) == before
    assert [row.root for row in projects(scribe.db)] == ["/repo"]
    assert (scribe.prompts(), totals(scribe.db).redactions) == (["add a parser"], {})
    state = await scribe.state(LESSER)
    assert (state.cursor, state.rev) == (b"after it", 2)


async def test_the_better_source_decides_when_and_where_a_session_was(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("a", cwd="/guessed", at_ms=90_000), path=LESSER)

    await scribe.tell(scribe.event("a", cwd=None, at_ms=10_000), path=BETTER, rank=2)
    await scribe.tell(scribe.event("b", cwd="/repo", at_ms=20_000), path=BETTER, rank=2)

    (session,) = sessions(scribe.db, limit=5)
    assert (session.root, session.started_ms, session.last_ms) == ("/repo", 10_000, 20_000)
    assert [row.root for row in projects(scribe.db)] == ["/repo"]


def better_and_lesser(scribe: Scribe) -> dict[str, list[Event]]:
    """One session, with a sub-agent, as two kinds of sources tell it."""
    said: list[tuple[AnyBody, str | None]] = [
        (UserPrompt(text="Add a parser. Never push to main."), None),
        (AssistantMessage(text="The parser is written and its tests pass.", final=True), None),
        (UserPrompt(text="Find the tests."), "a1"),
        (UserPrompt(text="Now the printer. Always ask first."), None),
        (AssistantMessage(text="They are in tests/.", final=True), "a1"),
        (AssistantMessage(text="Shall I use the old one?"), None),
    ]
    return {
        path: [
            scribe.event(body, key=f"{path}:{n}", at_ms=1_000 * n + 1_000, subagent_id=subagent_id)
            for n, (body, subagent_id) in enumerate(said)
        ]
        for path in (LESSER, BETTER)
    }


@settings(max_examples=10, deadline=None)
@given(turns=st.lists(st.sampled_from([LESSER, BETTER, "again"]), max_size=14))
async def test_however_two_sources_alternate_only_the_better_counts(
    tmp_path_factory: pytest.TempPathFactory, turns: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("ledgers")
    async with writing(folder / "mixed.sqlite") as mixed, writing(folder / "alone.sqlite") as alone:
        said = better_and_lesser(mixed)
        ranks = {LESSER: 0, BETTER: 2}
        reported = {LESSER: 0, BETTER: 0}
        for turn in turns:
            if turn == "again":
                for path, rank in ranks.items():
                    assert (await mixed.tell(*said[path][: reported[path]], path=path, rank=rank)).new_events == 0
            elif reported[turn] < len(said[turn]):
                await mixed.tell(said[turn][reported[turn]], path=turn, rank=ranks[turn])
                reported[turn] += 1
        best = BETTER if reported[BETTER] else LESSER
        for event in said[best][: reported[best]]:
            await alone.tell(event, path=best, rank=ranks[best])

        db, expected = mixed.db, alone.db
        assert [row.root for row in projects(db)] == [row.root for row in projects(expected)]
        if projects(db):
            seen, wanted = project_view(db, 1).sessions[0], project_view(expected, 1).sessions[0]
            assert seen.digest == wanted.digest
            assert [side for side in seen.subagents if side.last_ms] == list(wanted.subagents)
            assert totals(db).events == totals(expected).events


WHOLE = Reemitted(session="s1")


async def reemitted(scribe: Scribe, *keys: str, how: Reemitted = WHOLE, rank: int = 0) -> Committed:
    """Tell prompts again, `key` or `key=text`, each at a time of its own."""
    events = []
    for number, each in enumerate(keys, 1):
        key, _, text = each.partition("=")
        events.append(
            scribe.event(text or key, key=key, at_ms=1_000 * number, session=how.session, subagent_id=how.subagent_id)
        )
    return await scribe.commit(scribe.prepared(*events, reemitted=(how,)), rank=rank)


async def test_what_is_the_same_costs_nothing_however_it_is_stored(scribe: Scribe, ledger_path: Path) -> None:
    said = "Never use tabs, in no file of this project."
    first = await reemitted(scribe, "a", f"b={said}", "c")
    before = scribe.db.execute("SELECT id, key, at_ms FROM event").fetchall()
    [(stored,)] = execute(ledger_path, "SELECT body FROM event WHERE id = 2")
    execute(ledger_path, f"""UPDATE event SET body = '{{"kind":"user_prompt","text":"{said}"}}' WHERE id = 2""")
    again = await reemitted(scribe, "a", f"b={said}", "c")
    changed = await reemitted(scribe, "a", "b=Never use spaces.", "c")

    assert isinstance(stored, bytes)
    assert (first.new_events, again, changed) == (3, Committed(), Committed(projects={1: 3_000}))
    assert scribe.db.execute("SELECT id, key, at_ms FROM event").fetchall() == before
    assert scribe.prompts() == ["a", "Never use spaces.", "c"]


async def test_what_it_takes_back_itself_is_the_same_too(scribe: Scribe) -> None:
    """Aider's /undo: the commit stands in the history as before, and so does what takes it back."""
    said = [scribe.event(text, key=text, at_ms=1_000 * number) for number, text in enumerate(("a", "b", "c"), 1)]
    events = [*said, scribe.event(Retracted(keys=("b",)), key="undo", at_ms=4_000)]
    first = await scribe.commit(scribe.prepared(*events, reemitted=(WHOLE,)))
    before = scribe.db.execute("SELECT id, key, retracted FROM event").fetchall()
    again = await scribe.commit(scribe.prepared(*events, reemitted=(WHOLE,)))

    assert (first.new_events, again) == (4, Committed())
    assert scribe.db.execute("SELECT id, key, retracted FROM event").fetchall() == before

    await scribe.commit(scribe.prepared(*said, reemitted=(WHOLE,)))
    assert texts(scribe) == [("a", False), ("b", False), ("c", False)], "nothing takes it back any more"


async def test_nor_does_what_it_takes_back_without_reporting_it_cost_anything(scribe: Scribe) -> None:
    first, back, last = (scribe.event(text, key=text) for text in ("a", "b", "c"))
    undone = scribe.event(Retracted(keys=("b",)), key="undo")
    for events in ([first, back, last, undone], [first, last, undone]):
        await scribe.commit(scribe.prepared(*events, reemitted=(WHOLE,)))

    assert await scribe.commit(scribe.prepared(first, last, undone, reemitted=(WHOLE,))) == Committed()
    assert texts(scribe) == [("a", False), ("b", True), ("c", False)]


async def test_a_thread_may_be_reported_in_several_commits(scribe: Scribe) -> None:
    await reemitted(scribe, "a", "b", "c", "d", "e")
    assert await reemitted(scribe, "a", "b", how=Reemitted(session="s1", more=True)) == Committed()
    assert await reemitted(scribe, "c", how=Reemitted(session="s1", after="b", more=True)) == Committed()
    assert scribe.prompts() == ["a", "b", "c", "d", "e"]

    await reemitted(scribe, "d=other", how=Reemitted(session="s1", after="c"))
    assert scribe.prompts() == ["a", "b", "c", "other"]


async def test_without_the_event_that_it_comes_after_nothing_is_taken_back(scribe: Scribe) -> None:
    """Should a salvaged ledger have lost it."""
    await reemitted(scribe, "a", "b")
    await reemitted(scribe, "c", how=Reemitted(session="s1", after="lost"))

    assert scribe.prompts() == ["a", "b", "c"]


async def test_an_event_that_moves_to_another_thread_is_gone_from_the_former(scribe: Scribe) -> None:
    """A sub-agent whose conversation becomes known later."""
    await reemitted(scribe, "a", "b", how=Reemitted(session="child", subagent_id="child"))
    await reemitted(scribe, "a", "b", how=Reemitted(session="s1", subagent_id="child"))

    assert scribe.prompts() == ["a", "b"]
    assert [view.session for view in project_view(scribe.db, 1).sessions] == ["s1"]


async def test_a_lesser_source_takes_nothing_back(scribe: Scribe) -> None:
    await reemitted(scribe, "a", "b", rank=2)

    assert await reemitted(scribe, rank=1) == Committed()
    assert await reemitted(scribe, "c", rank=1) == Committed()
    assert scribe.prompts() == ["a", "b"]


_texts = st.sampled_from(["go on", "Never push to main.", "Add a parser."])


@settings(max_examples=8, deadline=None)
@given(states=st.lists(st.lists(st.tuples(st.sampled_from("abcdef"), _texts), max_size=6), min_size=1, max_size=5))
async def test_it_is_as_if_only_the_last_had_been_reported(
    tmp_path_factory: pytest.TempPathFactory, states: list[list[tuple[str, str]]]
) -> None:
    async def reported(name: str, *states: list[tuple[str, str]]) -> tuple[list[str], Digest]:
        async with writing(folder / name) as scribe:
            # The session and its project are there in both; the time of what is told is that of its key.
            await scribe.commit(scribe.prepared(scribe.event("first", key="0", at_ms=1)))
            for state in states:
                each = [scribe.event(text, key=key, at_ms=1_000 + ord(key)) for key, text in dict(state).items()]
                await scribe.commit(scribe.prepared(*each, reemitted=(Reemitted(session="s1", after="0"),)))
            (view,) = project_view(scribe.db, 1).sessions
            return scribe.prompts(), view.digest

    folder = tmp_path_factory.mktemp("ledgers")
    assert await reported("each.sqlite", *states) == await reported("last.sqlite", states[-1])
