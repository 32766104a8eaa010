from __future__ import annotations

import threading

import pytest

from carryover.probe.at_once import at_once


def test_several_are_done_at_once_but_not_more_and_answered_in_their_order() -> None:
    both = threading.Barrier(2)  # each waits for the other, so one after the other would never end
    names: list[str] = []

    def twice(number: int) -> int:
        names.append(threading.current_thread().name)
        if number < 2:
            both.wait(60)
        return 2 * number

    assert at_once(twice, range(5), most=2) == [0, 2, 4, 6, 8]
    assert len({*names}) == 2
    assert at_once(twice, [], most=2) == []


def test_what_one_raises_is_raised_once_all_have_ended() -> None:
    ended: list[int] = []

    def odd(number: int) -> None:
        if number == 0:
            raise FileNotFoundError("git")
        ended.append(number)

    with pytest.raises(FileNotFoundError, match="git"):
        at_once(odd, range(4), most=4)
    assert sorted(ended) == [1, 2, 3]
