from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carryover.ingest.arrival import TOLERANCE_MS, with_bounded_times
from carryover.model import Event, UserPrompt

NOW_MS = 1_795_200_000_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS


def events(*times: int, session: str = "s1") -> list[Event]:
    return [Event(key=str(n), session=session, at_ms=at_ms, body=UserPrompt(text="x")) for n, at_ms in enumerate(times)]


def bounded(*times: int, written_ms: int = NOW_MS) -> list[int]:
    return [event.at_ms for event in with_bounded_times(events(*times), now_ms=NOW_MS, written_ms=written_ms)]


def test_times_that_can_be_stay_whatever_their_order() -> None:
    times = (NOW_MS - DAY_MS, NOW_MS - 2 * DAY_MS, NOW_MS, NOW_MS + TOLERANCE_MS)

    assert bounded(*times) == list(times)


def test_a_record_from_the_future_happened_when_it_arrived() -> None:
    assert bounded(NOW_MS - MINUTE_MS, NOW_MS + YEAR_MS) == [NOW_MS - MINUTE_MS, NOW_MS]


def test_a_whole_file_from_the_future_keeps_its_order() -> None:
    assert bounded(NOW_MS + DAY_MS, NOW_MS + DAY_MS + 1, NOW_MS + YEAR_MS) == [NOW_MS] * 3


def test_in_old_history_a_wrong_date_is_no_later_than_the_last_write_and_the_record_after_it() -> None:
    old = NOW_MS - 30 * DAY_MS

    assert bounded(old, NOW_MS + YEAR_MS, old + MINUTE_MS, written_ms=old + DAY_MS)[1] == old + MINUTE_MS
    assert bounded(old, NOW_MS + YEAR_MS, written_ms=old + DAY_MS)[1] == old + DAY_MS


def test_a_file_with_an_old_date_of_its_own_takes_no_record_back_behind_the_one_before() -> None:
    assert bounded(NOW_MS - MINUTE_MS, NOW_MS + YEAR_MS, written_ms=1)[1] == NOW_MS - MINUTE_MS


def test_a_record_without_a_time_goes_with_the_one_before_it() -> None:
    assert bounded(NOW_MS - DAY_MS, 0, -5) == [NOW_MS - DAY_MS] * 3


def test_at_the_head_of_a_file_it_goes_with_the_one_after_it_or_with_the_file() -> None:
    assert bounded(0, NOW_MS - DAY_MS) == [NOW_MS - DAY_MS] * 2
    assert bounded(0, written_ms=NOW_MS - DAY_MS) == [NOW_MS - DAY_MS]
    assert bounded(0, written_ms=0) == [NOW_MS]
    assert bounded(0, written_ms=NOW_MS + DAY_MS) == [NOW_MS]


def test_sessions_that_share_a_source_do_not_lend_each_other_their_times() -> None:
    mixed = [*events(NOW_MS - DAY_MS, session="a"), *events(0, session="b"), *events(0, session="a")]

    found = with_bounded_times(mixed, now_ms=NOW_MS, written_ms=NOW_MS - MINUTE_MS)

    assert [event.at_ms for event in found] == [NOW_MS - DAY_MS, NOW_MS - MINUTE_MS, NOW_MS - DAY_MS]


TIMES = st.integers(-1, 10) | st.integers(NOW_MS - DAY_MS, NOW_MS + DAY_MS) | st.just(NOW_MS + YEAR_MS)


@given(times=st.lists(TIMES, max_size=12), written_ms=TIMES)
def test_every_time_is_one_that_can_be_and_the_same_when_bounded_again(times: list[int], written_ms: int) -> None:
    once = with_bounded_times(events(*times), now_ms=NOW_MS, written_ms=written_ms)

    assert [event.key for event in once] == [str(n) for n in range(len(times))]
    assert all(0 < event.at_ms <= NOW_MS + TOLERANCE_MS for event in once)
    assert with_bounded_times(once, now_ms=NOW_MS, written_ms=written_ms) == once


@given(good=st.lists(st.integers(NOW_MS - DAY_MS, NOW_MS), max_size=12).map(sorted), written_ms=TIMES, data=st.data())
def test_records_in_order_stay_in_order_whichever_of_them_lie_ahead_or_have_no_time(
    good: list[int], written_ms: int, data: st.DataObject
) -> None:
    times = [data.draw(st.sampled_from((at_ms, 0, NOW_MS + YEAR_MS))) for at_ms in good]

    found = [e.at_ms for e in with_bounded_times(events(*times), now_ms=NOW_MS, written_ms=written_ms)]

    assert found == sorted(found)
