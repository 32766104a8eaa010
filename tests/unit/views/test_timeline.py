from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec

from carryover.adapter.contract import Source
from carryover.ledger.batch import Entry
from carryover.ledger.connect import connect_read_only
from carryover.model import AgentSummary, FileEdit, ToolResult, TurnEnd
from carryover.views.timeline import Moment, Wanted, timeline
from support.scribe import AGENT, Scribe


def moments(ledger_path: Path, *, limit: int = 99, since_ms: int = 0, agent: str | None = None) -> list[Moment]:
    with closing(connect_read_only(ledger_path)) as db:
        return timeline(db, 1, Wanted(since_ms=since_ms, agent=agent), limit=limit)


def ran(command: str, output: str, *, ok: bool = True) -> ToolResult:
    return ToolResult(
        call_id="c", name="Bash", op="shell", status="ok" if ok else "error", subject=command, output=output
    )


async def test_what_matters_of_a_session_is_listed_newest_first(ledger_path: Path, scribe: Scribe) -> None:
    red, green = "=== 1 failed, 2 passed in 0.1s ===", "=== 3 passed in 0.1s ==="
    await scribe.tell(
        scribe.event("add a cart\nwith prices"),
        scribe.event(ran("pytest", green)),
        scribe.event(ran("pytest", red, ok=False)),
        scribe.event(ran("pytest", red, ok=False)),
        scribe.event(ran("pytest", green)),
        scribe.event(ran("git commit -am x", "[main 1a2b3c4] Add a cart\n 1 file changed")),
        scribe.event(AgentSummary(text="so far", source="compaction")),
        scribe.event(TurnEnd(reason="limit", message="until 3pm")),
    )

    assert [(each.kind, each.text) for each in moments(ledger_path)] == [
        ("limit", "until 3pm"),
        ("compaction", ""),
        ("commit", "Add a cart"),
        ("tests", "pass: pytest"),
        ("tests", "fail: pytest"),
        ("prompt", "add a cart"),
        ("session", ""),
    ]


async def test_another_agent_that_takes_over_is_named_and_agents_can_be_left_out(
    ledger_path: Path, scribe: Scribe
) -> None:
    await scribe.tell("add a cart")
    event = scribe.event("continue", session="s2")
    prepared = scribe.prepared(event)
    entries = (Entry.of("another", event, {}),)
    source = Source(agent="another", path="/t/two.jsonl")
    await scribe.ledger.commit(source, msgspec.structs.replace(prepared, entries=entries), seen_rev=0)

    assert [(each.agent, each.kind, each.text) for each in moments(ledger_path)] == [
        ("another", "prompt", "continue"),
        ("another", "hand-over", AGENT),
        ("another", "session", ""),
        (AGENT, "prompt", "add a cart"),
        (AGENT, "session", ""),
    ]
    assert {each.agent for each in moments(ledger_path, agent="another")} == {"another"}


async def test_edits_are_listed_where_they_are_wanted(ledger_path: Path, scribe: Scribe) -> None:
    edit = FileEdit(path="/repo/cart.py", change="modify", added=1, removed=0, diff="@@ +1\n+x")
    await scribe.tell(scribe.event("add a cart"), scribe.event(edit))

    with closing(connect_read_only(ledger_path)) as db:
        plain, whole = (timeline(db, 1, Wanted(edits=edits), limit=9) for edits in (False, True))
    [moment] = [each for each in whole if each.kind == "edit"]
    assert (moment.text, moment.turn, moment.diff) == ("Edited cart.py +1 -0", 1, "@@ +1\n+x")
    assert [each for each in whole if each.kind != "edit"] == plain
    assert all(b'"diff"' not in msgspec.json.encode(each) for each in plain)
