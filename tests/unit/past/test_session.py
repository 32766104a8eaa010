from __future__ import annotations

import sqlite3
from collections import defaultdict

import pytest

from carryover.export.session_parts import numbered
from carryover.ledger import events
from carryover.ledger.codec import read_body
from carryover.ledger.events import session_events
from carryover.ledger.queries import session_by_prefix
from carryover.model import AnyBody, FileEdit, ToolResult, UserPrompt
from carryover.past.outline import MOST_CHARS, MOST_SHOWN_TURNS, session_outline, session_turns
from carryover.past.session import OpenedSession
from support.scribe import AGENT, Scribe

PASSED = ToolResult(
    call_id="c", name="Bash", op="shell", status="ok", subject="pytest", output="=== 2 passed in 1s ==="
)


def edit(name: str, diff: str = "@@ +1\n-a\n+b\n+c", **fields: int) -> FileEdit:
    return FileEdit(path=f"/repo/{name}", change="modify", diff=diff, **fields)  # type: ignore[arg-type]


async def test_a_long_session_is_shown_around_a_turn_or_from_its_end(scribe: Scribe) -> None:
    await scribe.tell(*(f"prompt {n}" for n in range(1, 101)))

    around, end = (session_turns(scribe.db, AGENT, "s1", turn) for turn in (30, None))

    assert around is not None and end is not None
    assert (around.first_turn, len(around.turns), around.total_turns) == (25, MOST_SHOWN_TURNS, 100)
    assert around.turns[5].parts[0].text == "prompt 30"
    assert (end.first_turn, end.turns[-1].number) == (100 - MOST_SHOWN_TURNS + 1, 100)


async def test_a_turn_late_in_a_session_is_shown_without_reading_all_before_it(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 101):
        await scribe.tell(f"prompt {number}", scribe.event(f"look around {number}", subagent_id="a1"))
    bodies = []

    def counted(db: sqlite3.Connection, stored: str | bytes) -> AnyBody | None:
        bodies.append(stored)
        return read_body(db, stored)

    monkeypatch.setattr(events, "read_body", counted)
    windows = {turn: session_turns(scribe.db, AGENT, "s1", turn) for turn in (1, 20, 60, 98)}
    read = len(bodies)

    turns = [turn for window in windows.values() if window for turn in window.turns if turn.number]
    assert {turn.number for turn in turns} == {*range(1, 101)}
    said: dict[int, list[str]] = defaultdict(list)
    for number, event in numbered(session_events(scribe.db, session_by_prefix(scribe.db, "s1"))):
        said[number].append(event.body.text)  # type: ignore[union-attr]
    for turn in turns:
        assert [part.text for part in turn.parts] == said[turn.number]
    of_beginnings = len(windows) * 100
    assert read <= of_beginnings + 2 * len(turns) + 2 * len(windows)
    beyond = session_turns(scribe.db, AGENT, "s1", 10**15)
    assert beyond is not None and beyond.turns == ()


async def test_a_huge_session_is_shown_in_part(scribe: Scribe) -> None:
    prompts = [f"prompt {n} " + "x" * 400_000 for n in range(1, 12)]
    await scribe.tell(*prompts)

    answer = session_turns(scribe.db, AGENT, "s1", 8)

    assert answer is not None
    assert [turn.number for turn in answer.turns] == [3, 4, 5, 6, 7, 8]


async def test_a_session_is_its_turns_and_the_files_that_each_of_them_changed(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a\ncart"),
        scribe.event(edit("cart.py")),
        scribe.event(UserPrompt(text="a reminder", actor="model")),
        scribe.event("2026-11-20 17:59:50 | INFO | total 0\n\nand a test"),
        scribe.event(edit("cart.py", added=5, removed=4)),
        scribe.event(edit("test_cart.py", diff=""), subagent_id="a1"),
        scribe.event(PASSED),
    )

    found = session_outline(scribe.db, AGENT, "s1")

    assert found is not None
    assert [(turn.number, turn.prompt, turn.files, turn.added, turn.removed) for turn in found.turns] == [
        (1, "add a cart", 1, 2, 1),
        (2, "and a test", 2, 5, 4),
    ]
    assert (found.turns[1].tests, found.turns[1].test_command) == ("pass", "pytest")
    assert [(file.path, file.added, file.removed) for file in found.files] == [
        ("cart.py", 7, 5),
        ("test_cart.py", 0, 0),
    ]
    assert [(change.turn, change.text) for change in found.files[0].changes] == [
        (turn, "@@ +1\n-a\n+b\n+c") for turn in (1, 2)
    ]
    assert found.files[1].changes[0].subagent_id == "a1"
    assert (found.session.project_id, found.is_cut) == (1, False)
    assert session_outline(scribe.db, AGENT, "none") is None


async def test_diffs_beyond_what_a_page_can_hold_are_left_out(scribe: Scribe) -> None:
    huge = "@@ +1\n+" + "x" * (MOST_CHARS // 3)
    await scribe.tell("add", *(scribe.event(edit("cart.py", huge)) for _ in range(5)))

    found = session_outline(scribe.db, AGENT, "s1")

    assert found is not None
    assert ([bool(change.text) for change in found.files[0].changes], found.is_cut) == ([True] * 3 + [False] * 2, True)


async def test_of_sub_agents_only_what_is_asked_for_is_read(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a cart"),
        scribe.event("look around", subagent_id="a1"),
        scribe.event(edit("cart.py"), subagent_id="a1"),
        scribe.event(edit("test_cart.py")),
        scribe.event("and a test"),
    )
    shown = OpenedSession(scribe.db, session_by_prefix(scribe.db, "s1"))

    def threads(turns: range | None, *, subagents: bool) -> list[str | None]:
        return [part.subagent_id for part in shown.shown_parts(turns, subagents=subagents)]

    assert threads(None, subagents=False) == [None] * 3
    assert threads(range(1, 2), subagents=False) == [None] * 2
    assert threads(range(1, 2), subagents=True) == [None, "a1", "a1", None]
    assert shown.turns == 2
