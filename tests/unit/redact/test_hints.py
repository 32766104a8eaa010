"""One search finds all hints in a text, such as those of places and words of several scripts, even where they overlap
or are cut off at the ends of the text."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from carryover.redact.hints import finder
from carryover.redact.named import NAME_HINTS as OF_NAMES
from carryover.redact.places import HINTS as OF_PLACES

_FILLING = " " * 300
_HINTS = OF_PLACES | OF_NAMES
find = finder(_HINTS)


@given(
    parts=st.lists(st.sampled_from(sorted(_HINTS)).flatmap(lambda hint: st.sampled_from([hint, hint[1:], hint[:-1]])))
)
def test_what_one_search_finds_is_what_stands_in_the_text(parts: list[str]) -> None:
    for text in ("".join(parts), "".join(parts) + _FILLING, _FILLING + "".join(parts)):
        assert find(text) == {hint for hint in _HINTS if hint in text}


def test_a_hint_is_found_in_another_one_and_across_two() -> None:
    for first, second in pairwise(sorted(_HINTS)):
        text = f"{first}{second}{_FILLING}"
        assert find(text) == {hint for hint in _HINTS if hint in text}
