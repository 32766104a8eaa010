from __future__ import annotations

import pytest

from carryover.model import AgentSummary, FileEdit, ToolResult, TurnEnd
from carryover.past.timeline import Wanted, timeline
from carryover.past.types import Moment
from carryover.probe.git_history import GitCommit
from support.scribe import AGENT, Scribe


def moments(scribe: Scribe, *, agent: str | None = None, edits: bool = False) -> list[tuple[str, str, str]]:
    """The agent, kind and text of each moment."""
    amended = GitCommit(id="1a2b3c4d", subject=f"Add a cart, with ghp_{'0aB1' * 9}", authored_ms=0, committed_ms=0)
    found = timeline(scribe.db, 1, Wanted(agent=agent, edits=edits), limit=99, commits=[amended])
    return [(each.agent, each.kind, each.text) for each in found]


def ran(command: str, output: str, *, ok: bool = True) -> ToolResult:
    return ToolResult(
        call_id="c", name="Bash", op="shell", status="ok" if ok else "error", subject=command, output=output
    )


async def test_what_matters_of_a_session_is_listed_newest_first(scribe: Scribe) -> None:
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
        scribe.event(FileEdit(path="/repo/cart.py", change="modify", added=1, removed=0, diff="@@ +1\n+x")),
    )

    plain = [
        (AGENT, "limit", "until 3pm"),
        (AGENT, "compaction", ""),
        (AGENT, "commit", "Add a cart, with [redacted:github]"),
        (AGENT, "tests", "pass: pytest"),
        (AGENT, "tests", "fail: pytest"),
        (AGENT, "prompt", "add a cart with prices"),
        (AGENT, "session", "add a cart with prices"),
    ]
    assert moments(scribe) == plain
    assert moments(scribe, edits=True) == [(AGENT, "edit", "Edited cart.py +1 -0"), *plain]


LOGGED = "2026-11-20 17:59:50 | INFO | epoch 1 | loss 0.4\n2026-11-20 18:02:11 | INFO | epoch 2 | loss 0.9"


@pytest.mark.parametrize(
    ("prompt", "listed"),
    [
        (f"{LOGGED}\n\nwhy does the loss rise?", "why does the loss rise?"),
        ("2026-11-20 17:59:50 | INFO | loss 0.4\n\nstill weak, why?", "still weak, why?"),
        ("```\ndef total(items): ...\n```\nmake this round down", "make this round down"),
        ("Implement the following plan:\n\n# Prices as cents\n\nKeep them.", "Implement the following plan: # Prices"),
        (LOGGED, "2026-11-20 17:59:50 | INFO | epoch 1"),
        ("round down\n\n" + "and say so " * 40, "round down and say so"),
    ],
    ids=["below what was printed", "below one line", "below code", "what a colon leads to", "nothing else", "long"],
)
async def test_a_prompt_is_listed_by_its_words(scribe: Scribe, prompt: str, listed: str) -> None:
    await scribe.tell(scribe.event(prompt))

    [text] = [text for _, kind, text in moments(scribe) if kind == "prompt"]
    assert text.startswith(listed)
    assert len(text) < 200 or (len(text) == 200 and text.endswith("…"))


async def test_what_failed_in_one_session_and_passed_in_another_is_passed_and_said_once(scribe: Scribe) -> None:
    red, green = "=== 1 failed, 2 passed in 0.1s ===", "=== 3 passed in 0.1s ==="
    await scribe.tell("add a cart", scribe.event(ran("pytest", red, ok=False)))
    other = Scribe(scribe.ledger, agent="another", written=10)
    passed = (other.event(ran("pytest", green), session="s2"), other.event(ran("pytest", green), session="s2"))
    await other.tell(other.event("continue", session="s2"), *passed, path="/t/two.jsonl")

    tests = [each for each in moments(scribe) if each[1] == "tests"]
    assert tests == [("another", "tests", "pass: pytest"), (AGENT, "tests", "fail: pytest")]


async def test_another_agent_that_takes_over_is_named_and_agents_can_be_left_out(scribe: Scribe) -> None:
    await scribe.tell("add a cart")
    other = Scribe(scribe.ledger, agent="another", written=1)
    await other.tell(other.event("continue", session="s2"), path="/t/two.jsonl")

    began = ("another", "session", "Continues: add a cart")
    theirs = [("another", "prompt", "continue"), ("another", "hand-over", AGENT), began]
    assert moments(scribe) == [*theirs, (AGENT, "prompt", "add a cart"), (AGENT, "session", "add a cart")]
    assert moments(scribe, agent="another") == theirs


async def test_a_commit_with_the_edits_of_a_session_is_listed_with_it_if_it_came_soon(scribe: Scribe) -> None:
    """The user's own commit: the session that made one by a command names it itself."""
    await scribe.tell(
        scribe.event("add a cart", at_ms=1_000),
        scribe.event(FileEdit(path="/repo/cart.py", change="modify"), at_ms=2_000),
        scribe.event(FileEdit(path="/repo/total.py", change="modify"), at_ms=3_000),
    )
    soon, late = (
        GitCommit(id=name, subject=name, authored_ms=at_ms, committed_ms=at_ms, files=(file,))
        for name, at_ms, file in (("soon", 3_603_000, "cart.py"), ("late", 3_603_001, "total.py"))
    )

    found = timeline(scribe.db, 1, Wanted(), limit=99, commits=[soon, late])

    commits = [(each.text, each.how, each.turn, each.at_ms) for each in found if each.kind == "commit"]
    assert commits == [("soon", "edits", 1, 3_603_000)]


async def test_a_commit_that_a_session_made_is_listed_once_by_its_whole_id(scribe: Scribe) -> None:
    made = GitCommit(id="1a2b3c4d", subject="Add a cart", authored_ms=2_500, committed_ms=2_500, files=("cart.py",))
    await scribe.tell(
        scribe.event(FileEdit(path="/repo/cart.py", change="modify"), at_ms=2_000),
        scribe.event(ran("git commit -am x", "[main 1a2b3c4] Add a cart\n 1 file changed"), at_ms=3_000),
        scribe.event(ran("git commit -am x", "[main 5e6f7a8] Rebased away\n 1 file changed"), at_ms=4_000),
    )

    found = timeline(scribe.db, 1, Wanted(), limit=99, commits=[made])

    commits = [(each.commit, each.text, each.how) for each in found if each.kind == "commit"]
    assert commits == [("5e6f7a8", "Rebased away", "command"), ("1a2b3c4d", "Add a cart", "command")]


async def test_many_sessions_within_an_hour_are_sorted_a_few_times_and_not_once_each(scribe: Scribe) -> None:
    await scribe.tell(*(scribe.event("add a cart", session=f"s{n}") for n in range(200)))
    asked = 0

    class Counted(Wanted, frozen=True):
        def has(self, moment: Moment) -> bool:
            nonlocal asked
            asked += 1
            return super().has(moment)

    assert len(timeline(scribe.db, 1, Counted(), limit=1000)) == 400
    assert asked < 400 * 12


async def test_after_a_long_session_only_those_that_may_have_a_later_commit_are_read(scribe: Scribe) -> None:
    hour = 3_600_000
    old = [scribe.event("old", session=f"s{n}", at_ms=10 * hour - n * hour // 20) for n in range(1, 60)]
    await scribe.tell(*(scribe.event("new", session="new", at_ms=10 * hour + n) for n in range(400)), *old)
    asked = set()

    class Noted(Wanted, frozen=True):
        def has(self, moment: Moment) -> bool:
            asked.add(moment.session)
            return super().has(moment)

    assert {moment.session for moment in timeline(scribe.db, 1, Noted(), limit=300)} == {"new"}
    assert len(asked) <= 1 + 20
