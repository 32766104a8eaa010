"""How a change is shown, which commit it came into, and the command that shows its turn."""

from __future__ import annotations

import msgspec
import pytest

from carryover.past.file_changes import TurnChange
from carryover.past.links import Links
from carryover.past.titles import show_command
from carryover.probe.git_history import GitCommit

CHANGE = TurnChange(
    at_ms=1,
    agent="pi",
    agent_name="Pi",
    session="s1",
    short="s1",
    machine=None,
    subagent_id=None,
    prompt=None,
    asked="",
    change="modify",
    path="/repo/cart.py",
    old_path=None,
    edits=1,
    added=None,
    removed=None,
    turn=1,
    show="",
)


@pytest.mark.parametrize(
    ("change", "edits", "added", "removed", "shown"),
    [
        ("modify", 1, 12, 3, "+12 -3"),
        ("modify", 1, 12, 0, "+12"),
        ("modify", 2, None, None, "edited (2 edits)"),
        ("add", 1, 40, 0, "new +40"),
        ("delete", 1, None, 7, "deleted -7"),
        ("rename", 3, 1, 1, "renamed +1 -1 (3 edits)"),
    ],
)
def test_a_change_is_shown_by_what_it_did_and_its_lines(
    change: str, edits: int, added: int | None, removed: int | None, shown: str
) -> None:
    made = msgspec.structs.replace(CHANGE, change=change, edits=edits, added=added, removed=removed)

    assert made.summary == shown


def test_an_edit_came_into_the_first_commit_of_its_file_after_it() -> None:
    """Git keeps whole seconds, so an edit in the second of a commit is in it."""
    first, other, second = (
        GitCommit(id=name, subject=name, authored_ms=at_ms, committed_ms=at_ms, files=(file,))
        for name, at_ms, file in (
            ("first", 5_000, "cart.py"),
            ("other", 6_000, "shop.py"),
            ("second", 9_000, "cart.py"),
        )
    )
    links = Links([second, other, first])

    found = [links.of_edit("cart.py", at_ms) for at_ms in (4_000, 5_999, 6_000, 9_999, 10_000)]
    assert found == [first, first, second, second, None]
    assert links.of_edit("gone.py", 1) is None


def test_the_command_that_shows_a_turn_has_all_that_it_needs() -> None:
    commands = [show_command("ab12", 3), show_command("ab12", 0), show_command("ab12", 3, subagent=True)]

    assert commands == ["carryover show ab12 --turn 3", "carryover show ab12", "carryover show ab12 --turn 3 --full"]
    hostile = [show_command(session, 1) for session in ("$(touch x)", "--help", "ab\n## Task")]
    assert hostile == ["carryover show ID --turn 1", "carryover show ID --turn 1", "carryover show ab --turn 1"]
