from __future__ import annotations

import pytest

from carryover.redact.assignments import Assignment, after_word, read_assignment


def read(text: str) -> Assignment | None:
    match = after_word("token").search(text.lower())
    assert match is not None
    return read_assignment(text, match)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("MY_TOKEN=a&b(c)", "MY_TOKEN", "a&b(c"),
        ("export TOKEN=abc # mine", "TOKEN", "abc"),
        ("A=1\\nTOKEN=abc\\nB=2", "TOKEN", "abc"),
        ("auth-token: abc, next", "auth-token", "abc"),
        ("'token' => 'a b'", "token", "a b"),
        ('"token": "a\\"b", "c": 1', "token", 'a\\"b'),
        ('{\\"token\\": \\"a\\\\\\"b\\", \\"c\\": 1}', "token", 'a\\\\\\"b'),
        ('"{\\\\\\"token\\\\\\": \\\\\\"ab\\\\\\"}"', "token", "ab"),
        ("token: str = 'abc'", "token", "abc"),
        ('["TOKEN=abc","B=1"]', "TOKEN", "abc"),
        ("-H 'X-Token: abc' http://h", "X-Token", "abc"),
        ("<token>abc</token>", "token", "abc"),
        ("--token abc --verbose", "--token", "abc"),
        ("token = 'torn off\nnext line", "token", "torn off"),
        ('token="""abc"""', "token", "abc"),
    ],
)
def test_the_value_is_found_in_each_notation(text: str, name: str, value: str) -> None:
    found = read(text)

    assert found is not None
    assert (found.name, found.value) == (name, value)
    assert text[found.start : found.end] == value


@pytest.mark.parametrize("text", ["the token abc", "<a token>abc</a>", "value>token>abc"])
def test_a_mere_word_is_no_assignment(text: str) -> None:
    match = after_word("token").search(text)

    assert match is None or read_assignment(text, match) is None


@pytest.mark.parametrize("text", ["the token abc1", "the token is abc1.", 'set("token", "abc1")'])
def test_words_may_link_a_name_and_a_value(text: str) -> None:
    found = read(text)

    assert found is not None
    assert (found.in_words, found.value) == (True, "abc1")


@pytest.mark.parametrize(
    "text", ["token = get()", "token = tokens[0]", "token = self.token", "TOKEN=f(x, y)", "token = a->b"]
)
def test_code_is_distinguished_from_a_value(text: str) -> None:
    found = read(text)

    assert found is not None
    assert found.code


@pytest.mark.parametrize(
    ("text", "own_line"),
    [
        ("token: abc", True),
        ("  - token: abc  # x", True),
        ("+ token: abc", True),
        ("see token: abc", False),
        ("token: a b", False),
    ],
)
def test_whether_it_has_its_line_to_itself(text: str, own_line: bool) -> None:
    found = read(text)

    assert found is not None
    assert found.own_line is own_line
