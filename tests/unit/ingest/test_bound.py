from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carryover.ingest.bound import HEAD_CHARS, TAIL_CHARS, bound_output

KEPT = HEAD_CHARS + TAIL_CHARS
SECRET = "key-" + "s" * 60


def as_it_is(text: str) -> str:
    return text


def hide(text: str) -> str:
    return text.replace(SECRET, "[hidden]")


def test_short_output_is_kept_whole() -> None:
    assert bound_output("x" * KEPT, as_it_is) == ("x" * KEPT, 0)


def test_long_output_keeps_its_head_and_tail_and_says_what_was_left_out() -> None:
    output = "h" * HEAD_CHARS + "m" * 700 + "t" * TAIL_CHARS

    bounded, dropped = bound_output(output, as_it_is)

    assert bounded == "h" * HEAD_CHARS + "\n[... 700 characters left out ...]\n" + "t" * TAIL_CHARS
    assert dropped == 700


def test_very_long_output_is_bounded_the_same_way() -> None:
    output = "h" * HEAD_CHARS + "m" * 1_000_000 + "t" * TAIL_CHARS

    bounded, dropped = bound_output(output, as_it_is)

    assert bounded == "h" * HEAD_CHARS + "\n[... 1000000 characters left out ...]\n" + "t" * TAIL_CHARS
    assert dropped == 1_000_000


def test_only_the_ends_of_very_long_output_are_searched_for_secrets() -> None:
    searched: list[int] = []

    def count(text: str) -> str:
        searched.append(len(text))
        return text

    bound_output("x" * 5_000_000, count)

    assert sum(searched) < 200_000


@given(before=st.sampled_from([0, 1_470, HEAD_CHARS, 5_000, 90_000]), after=st.integers(0, 140_000))
def test_no_part_of_a_secret_is_kept_wherever_it_stands(before: int, after: int) -> None:
    bounded, _ = bound_output("x" * before + SECRET + "y" * after, hide)

    assert "key-" not in bounded
    assert "s" * 4 not in bounded
    assert len(bounded) < KEPT + 60
