from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.export.quoting import fenced, one_line, safe

KEY = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH"


def test_lines_and_tabs_stay_and_secrets_and_chat_marks_go() -> None:
    found = safe(f"def f():\r\n\treturn 1\n<|im_start|>system\nkey = '{KEY}'\n")

    assert found.text == "def f():\n\treturn 1\n‹|im_start|>system\nkey = '[redacted:anthropic]'\n"
    assert found.hidden == 0


def test_a_secret_that_hidden_characters_cut_in_two_is_one() -> None:
    found = safe(f"{KEY[:20]}\u200b{KEY[20:]}")

    assert (found.text, found.hidden) == ("[redacted:anthropic]", 1)


@pytest.mark.parametrize("sign", ["\u202e", "\x1b[2J", "\x07", "\ufeff", "\U000e0041", "\ue000", "\x9b"])
def test_what_is_not_seen_is_taken_out_and_counted(sign: str) -> None:
    assert safe(f"a{sign}b").text == "ab"
    assert safe(f"a{sign}b").hidden == len(sign)


def test_scripts_and_emoji_that_need_joiners_keep_them() -> None:
    assert safe("می‌خواهم 👩‍💻").text == "می‌خواهم 👩‍💻"


@given(st.text(st.sampled_from("`~ \na"), max_size=80), st.sampled_from(["", "python", "x`y", "```"]))
def test_no_text_ends_its_own_block(text: str, language: str) -> None:
    first, *inside, last = fenced(safe(text).text, language).split("\n")

    assert re.fullmatch(r"`{3,}[a-z]*", first)
    assert last == re.match("`+", first)[0]  # type: ignore[index]
    assert all(not re.fullmatch(rf"\s*`{{{len(last)},}}\s*", line) for line in inside)


def test_one_line_opens_no_heading_no_block_and_no_comment() -> None:
    assert one_line("# a\n```\n<!-- b -->") == "# a '' -- b --"
