from __future__ import annotations

import re

import pytest

from carryover.text import lazy_re


def test_a_pattern_is_compiled_when_it_is_first_used() -> None:
    pattern = lazy_re.compile("(")

    with pytest.raises(re.error):
        pattern.search("text")


def test_it_finds_what_a_compiled_one_finds() -> None:
    pattern = lazy_re.compile(r"(?P<word>b\w+)", lazy_re.I)

    assert [pattern.sub("-", "a Bee c"), pattern.sub("-", "a bat")] == ["a - c", "a -"]
    assert (found := pattern.search("a Bee")) is not None and found["word"] == "Bee"
    assert (pattern.pattern, pattern.groups, dict(pattern.groupindex)) == (r"(?P<word>b\w+)", 1, {"word": 1})
    assert lazy_re.compile(rb"\d").findall(b"a1b2") == [b"1", b"2"]


def test_a_name_that_no_pattern_has_is_an_error_before_and_after_its_use() -> None:
    pattern = lazy_re.compile("a")

    assert not hasattr(pattern, "nothing")
    assert pattern.match("a")
    assert not hasattr(pattern, "nothing")
