"""Lines whose edits do not say what they wrote, as in a ledger of an earlier version: git narrows the turns down."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from carryover.facts import ProjectRoot
from carryover.ledger.queries import connect_read_only, project_by_root
from carryover.model import FileEdit
from carryover.views.history import LineHistory, line_history
from support.claude_work import commit
from support.repository import git, repository
from support.scribe import Scribe

HOUR_MS = 3_600_000
NOW_MS = 1_795_000_000_000


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop", {"notes.txt": "\n"})


async def edited(scribe: Scribe, shop: Path, prompt: str, text: str, hour: int, *, anchor: str | None = None) -> None:
    """A turn that leaves the file with this content, and does not say what it wrote."""
    at_ms = NOW_MS + hour * HOUR_MS
    edit = FileEdit(path=str(shop / "cart.py"), change="modify", anchor=anchor)
    (shop / "cart.py").write_text(text)
    await scribe.tell(
        scribe.event(prompt, at_ms=at_ms, cwd=str(shop)), scribe.event(edit, at_ms=at_ms + 1, cwd=str(shop))
    )


def origin(ledger_path: Path, shop: Path, line: int) -> LineHistory:
    with closing(connect_read_only(ledger_path)) as db:
        return line_history(db, project_by_root(db, str(shop)), str(shop), shop / "cart.py", line)


def prompts(history: LineHistory) -> list[str | None]:
    return [turn.prompt for turn in history.turns]


async def test_the_commit_of_a_line_tells_which_turns_may_have_written_it(
    ledger_path: Path, scribe: Scribe, shop: Path
) -> None:
    await edited(scribe, shop, "one", "one\n", 1)
    commit(shop, "first", at=datetime.fromtimestamp(NOW_MS / 1000 + 2 * 3600, UTC))
    await edited(scribe, shop, "two", "one\ntwo\n", 3)
    await edited(scribe, shop, "three", "one\ntwo\nthree\n", 4)
    commit(shop, "second", at=datetime.fromtimestamp(NOW_MS / 1000 + 5 * 3600, UTC))
    await edited(scribe, shop, "four", "one\ntwo\nthree\nfour\n", 6)

    found = [origin(ledger_path, shop, line) for line in (1, 2, 3, 4)]

    assert {each.found for each in found} == {"turns"}
    assert [prompts(each) for each in found] == [["one"], ["three", "two"], ["three", "two"], ["four"]]


async def test_the_first_line_of_an_edit_is_known_by_its_text(ledger_path: Path, scribe: Scribe, shop: Path) -> None:
    await edited(scribe, shop, "one", "one\n", 1, anchor="one")
    await edited(scribe, shop, "two", "one\n    two\n", 2, anchor="    two")

    assert [prompts(origin(ledger_path, shop, line)) for line in (1, 2)] == [["one"], ["two"]]


async def test_a_file_written_whole_in_a_worktree_does_not_hide_the_edits_of_the_main_checkout(
    ledger_path: Path, scribe: Scribe, shop: Path
) -> None:
    git(shop, "worktree", "add", "--quiet", str(shop.parent / "tree"), "-b", "other")
    (shop / "cart.py").write_text("one = 1\ntwo = 2\n")
    for number, (root, prompt, diff) in enumerate(
        ((shop, "Count to two", "+one = 1\n+two = 2"), (shop.parent / "tree", "Count to nine", "+nine = 9"))
    ):
        at_ms = NOW_MS + number * HOUR_MS
        edit = FileEdit(path=str(root / "cart.py"), change="modify", diff=diff, added=diff.count("+"), removed=0)
        session, checkout = f"s{number}", ProjectRoot(str(root), None if root == shop else str(shop))
        events = [scribe.event(body, at_ms=at_ms, cwd=str(root), session=session) for body in (prompt, edit)]
        batch = msgspec.structs.replace(scribe.prepared(*events), roots={str(root): checkout})
        await scribe.commit(batch, path=f"/t/{session}.jsonl")

    history = origin(ledger_path, shop, 2)

    assert (history.found, prompts(history)) == ("followed", ["Count to two"])
