from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carryover.distill.clip import clip, clip_middle, estimated_tokens


@given(text=st.text(max_size=400), chars=st.integers(4, 200), tokens=st.integers(4, 80))
def test_a_clipped_text_keeps_both_bounds_in_any_script(text: str, chars: int, tokens: int) -> None:
    clipped = clip(text, chars=chars, tokens=tokens)

    assert len(clipped) <= chars
    assert estimated_tokens(clipped) <= tokens


def test_text_within_bounds_is_left_as_it_is() -> None:
    assert clip("add a discount", chars=14, tokens=10) == "add a discount"


def test_a_cut_falls_between_words_and_shows() -> None:
    assert clip("add a discount function", chars=16) == "add a discount…"


def test_the_middle_of_a_long_text_goes_first() -> None:
    assert clip_middle("begin " + "x" * 100 + " end", chars=20).split("\n") == ["begin", "…", "xxxxxxxx end"]
