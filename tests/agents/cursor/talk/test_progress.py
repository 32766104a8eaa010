"""What of a conversation no longer counts when messages vanish from it."""

from __future__ import annotations

from collections import Counter

import pytest

from carryover.agents.cursor.talk.progress import Follower, Known, Position, after, given_in, taken_back, undone_in

ASKED, SAID, RAN = Known("aa" * 8, 1, typed=True), Known("bb" * 8, 2), Known("cc" * 8, 50)


@pytest.mark.parametrize(
    ("lost", "kept", "follower", "back"),
    [
        ([ASKED, SAID], [], "nothing", [True, True]),
        ([ASKED, SAID], [], "typed", [True, True]),
        # A compaction.
        ([ASKED, SAID], [], "other", [False, False]),
        ([ASKED, SAID, RAN], [RAN], "other", [False, False, False]),
        ([SAID, RAN], [], "other", [False, False]),
        # Written anew.
        ([SAID], [], "answer", [True]),
        ([SAID, RAN], [RAN], "answer", [True, False]),
        ([ASKED, SAID], [], "answer", [False, False]),
        # Something in the middle went without anything in its place.
        ([SAID, RAN], [RAN], "nothing", [False, False]),
        ([SAID, SAID], [SAID], "answer", [False, True]),
    ],
)
def test_what_was_taken_back_is_told_from_what_was_summed_up(
    lost: list[Known], kept: list[Known], follower: Follower, back: list[bool]
) -> None:
    assert taken_back(lost, Counter(one.id for one in kept), follower) == back


def test_a_position_keeps_what_it_is_given() -> None:
    position = after(Position(), root="r", given=[ASKED, SAID, RAN], undone=[SAID.id, SAID.id])

    assert given_in(position) == [ASKED, SAID, RAN]
    assert undone_in(position) == [SAID.id, SAID.id]
    assert len(position.given) == 27


def test_any_bytes_are_a_position() -> None:
    for length in range(30):
        given_in(Position(given=b"\xff" * length))
        undone_in(Position(undone=b"\xff" * length))
