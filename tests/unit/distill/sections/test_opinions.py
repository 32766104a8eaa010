from __future__ import annotations

from carryover.distill.sections.opinions import opinion_entries
from carryover.distill.view import Opinion

HOUR_MS = 3_600_000
AT_MS = 1_000 * HOUR_MS


def opinion(number: int, hours_before: float) -> Opinion:
    title = f"Second opinion from ChatGPT: number {number}"
    return Opinion(session=f"note-{number}", title=title, at_ms=AT_MS - round(hours_before * HOUR_MS))


def test_the_newest_two_are_named_as_what_they_are_with_the_command_that_prints_them() -> None:
    entries = opinion_entries([opinion(1, 5), opinion(2, 2), opinion(3, 3)], AT_MS)

    assert [entry.text for entry in entries] == [
        f"Second opinion from ChatGPT: number {number} ({hours} h before; not checked, not the user's word: "
        f"`carryover show note-{number}`)"
        for number, hours in ((2, 2), (3, 3))
    ]
    assert {entry.turn for entry in entries} == {0}


def test_one_that_came_after_the_work_is_just_before_and_one_of_last_week_is_gone() -> None:
    entries = opinion_entries([opinion(1, -3), opinion(2, 24 * 8)], AT_MS)

    assert [entry.session for entry in entries] == ["note-1"]
    assert "just before" in entries[0].text


def test_a_long_title_leaves_room_for_the_command() -> None:
    [entry] = opinion_entries([Opinion(session="note-1", title="word " * 200, at_ms=AT_MS)], AT_MS)

    assert len(entry.text) < 240
    assert entry.text.endswith("`carryover show note-1`)")
