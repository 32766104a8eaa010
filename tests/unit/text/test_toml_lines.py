"""What a message about a settings file says: the line that sets a key, and what its value must be."""

from __future__ import annotations

import pytest

from carryover.text.toml_lines import parsed_toml, required_value, with_line

SETTINGS = """\
resume = "auto" # no table
ignore = ["*.log", 5]

[publish]
max_tokens = 900

[agents.each.codex]
"hook" = false

[[sources]]
agent = "one"

[[sources]]
agent = "two"
files = "*.log"
"""


@pytest.mark.parametrize(
    ("dotted", "said"),
    [
        ("resume", "resume (line 1)"),
        ("publish.max_tokens", "publish.max_tokens (line 5)"),
        ("agents.each.codex.hook", "agents.each.codex.hook (line 8)"),
        ("sources[0].agent", "sources[0].agent (line 11)"),
        ("sources[1].files", "sources[1].files (line 15)"),
        ("publish.quiet", "publish.quiet (line 4)"),
        ("ignore[1]", "ignore[1] (line 2)"),
        ("sync.every", "sync.every"),
    ],
)
def test_a_key_is_named_with_the_line_that_sets_it_or_its_table(dotted: str, said: str) -> None:
    assert with_line(SETTINGS, dotted) == said


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("Expected `int`, got `str`", "it must be a whole number"),
        ("Expected `bool | null`, got `int`", "it must be true or false"),
        ("Expected `int` >= 300", "it must be a whole number of 300 or more"),
        ("Expected `int` <= 9000", "it must be a whole number of at most 9000"),
        ("Expected `str` of length >= 1", "it must be text, not empty"),
        ("Expected `str` matching regex '^[0-9]+[mh]$'", "it must be minutes or hours, as 5m or 1h"),
        ("Invalid RFC3339 encoded datetime", "it must be like 2026-11-21T14:30:00Z"),
        ("Something new", "Something new"),
    ],
)
def test_what_a_value_must_be_is_said_in_plain_words(problem: str, said: str) -> None:
    assert required_value(problem) == said
    assert required_value(problem, ("ask", "auto")) == "it must be one of ask, auto"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a = ", "Invalid value"),
        (f"a = {'[' * 3000}{']' * 3000}", "it is nested too deeply"),
        (f"a = {'1' * 5000}", "a number is too long"),
    ],
)
def test_what_cannot_be_parsed_is_one_kind_of_error(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parsed_toml(text)
