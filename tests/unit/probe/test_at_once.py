from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from carryover.probe.at_once import at_once, begun


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


def test_what_is_begun_goes_on_while_its_caller_does_something_else() -> None:
    told = threading.Event()
    answer = begun(lambda: told.wait(60))
    told.set()

    assert answer()


def test_what_was_begun_raises_where_it_is_waited_for() -> None:
    with pytest.raises(ZeroDivisionError):
        begun(lambda: 1 // 0)()


def test_what_was_begun_and_never_ends_does_not_keep_the_process_from_ending() -> None:
    script = "import threading; from carryover.probe.at_once import begun; begun(threading.Event().wait)"

    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
