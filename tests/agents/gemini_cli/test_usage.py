"""How the tokens of an answer are told apart where the Gemini API, or one like it, counts them."""

from __future__ import annotations

import json

import pytest

from carryover.agents.gemini_cli.contents import numbers_of, numbers_of_short
from carryover.records.lenient import fields_of


@pytest.mark.parametrize(
    ("tokens", "numbers"),
    [
        ({"input": 100, "cached": 40, "output": 10, "thoughts": 5, "tool": 3, "total": 118}, (63, 15, 40)),
        ({"input": 100, "cached": 40, "output": 15, "thoughts": 5, "total": 115}, (60, 15, 40)),
        ({"input": 100, "output": 10, "thoughts": 5}, (100, 15, 0)),
        ({}, (0, 0, 0)),
    ],
)
def test_no_token_is_counted_twice(tokens: dict[str, int], numbers: tuple[int, int, int]) -> None:
    """Thoughts are output, whether the provider counts them as such or not."""
    found = numbers_of_short(fields_of(json.dumps(tokens).encode()))

    assert (found["input"], found["output"], found["cache_read"]) == numbers


def test_the_apis_own_names_are_read() -> None:
    usage = {"promptTokenCount": 9, "cachedContentTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 11}

    assert numbers_of(fields_of(json.dumps(usage).encode())) == {"input": 5, "output": 2, "cache_read": 4}
