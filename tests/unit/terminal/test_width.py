from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.terminal.width import STYLE, columns, fitted


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("日本語", 6), ("e\u0301", 1), ("\x1b[1;33mab\x1b[0m", 2), ("ｆ", 2), ("👩", 2), ("", 0)],
)
def test_a_line_is_as_wide_as_a_terminal_shows_it(text: str, width: int) -> None:
    assert columns(text) == width


@pytest.mark.parametrize(
    ("text", "width", "line"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 4, "abc…"),
        ("ab cdef", 4, "ab…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("\x1b[1mabcdef\x1b[0m", 4, "\x1b[1mabc\x1b[0m…\x1b[0m"),
        ("abc", 0, ""),
    ],
)
def test_what_is_cut_off_leaves_a_mark(text: str, width: int, line: str) -> None:
    assert fitted(text, width) == line


@given(text=st.text(alphabet="ab 日e\u0301", max_size=30), width=st.integers(0, 20), keep_end=st.booleans())
def test_what_is_fitted_is_never_wider_than_asked(text: str, width: int, keep_end: bool) -> None:
    assert columns(fitted(text, width, keep_end=keep_end)) <= width


@given(st.text(alphabet="ab日", max_size=20), st.integers(0, 19))
def test_no_style_is_left_open(text: str, width: int) -> None:
    styles = STYLE.findall(fitted(f"\x1b[1m{text}\x1b[0m", width))

    assert not styles or styles[-1] == "\x1b[0m"
