"""One entry comes into a list of an agent's settings and leaves it again; every other byte stays as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.edits.encoding import EditRefused
from carryover.edits.hooks import Origin
from carryover.edits.json_comments import blanked
from carryover.edits.settings_list import has_entry, origin_of, with_entry, without_entry
from support.settings_texts import formatted

KEY, ENTRY = "instructions", ".carryover/handoff.md"
VALUES = st.dictionaries(st.text(max_size=3), st.integers() | st.lists(st.text(max_size=3)), max_size=3)
LISTS = st.lists(st.text(max_size=4) | st.integers(), max_size=3)


@st.composite
def with_lists(draw: st.DrawFn) -> bytes:
    """Settings with or without the list, with comments and trailing commas."""
    before, after = draw(VALUES), draw(VALUES)
    value = {**before, **({KEY: draw(LISTS)} if draw(st.booleans()) else {}), **after}
    return draw(formatted(st.just(value), comments=True))


def installed(data: bytes | None) -> bytes:
    return with_entry(data, KEY, ENTRY)


def uninstalled(before: bytes | None, after: bytes) -> bytes | None:
    return without_entry(after, KEY, ENTRY, origin_of(before, KEY, ENTRY))


@given(data=with_lists() | st.sampled_from([b"", b" \n", b"\xef\xbb\xbf{}"]))
def test_uninstall_is_the_inverse_of_install(data: bytes) -> None:
    after = installed(data)
    values = json.loads(blanked(after.decode("utf-8-sig")))

    assert values[KEY][-1] == ENTRY
    assert has_entry(after, KEY, ENTRY)
    assert installed(after) == after
    assert uninstalled(data, after) == data


def test_a_missing_file_is_made_and_goes_again() -> None:
    after = installed(None)

    assert after == b'{\n  "instructions": [\n    ".carryover/handoff.md"\n  ]\n}\n'
    assert uninstalled(None, after) is None


def test_the_entry_follows_the_users_own_and_their_comments() -> None:
    data = b'{\n  // mine\n  "instructions": [\n    "docs/a.md", // first\n  ],\n  "model": "x"\n}\n'
    after = installed(data)

    assert after == data.replace(b"first\n", b'first\n    ".carryover/handoff.md",\n')
    assert uninstalled(data, after) == data


def test_what_the_user_added_stays_when_the_entry_leaves() -> None:
    before = b'{"model": "x"}'
    after = installed(before).replace(b'handoff.md"', b'handoff.md", "mine.md"')
    made = installed(None).replace(b"{\n", b'{\n  "model": "x",\n', 1)

    assert uninstalled(before, after) == b'{"model": "x", "instructions": ["mine.md"]}'
    assert uninstalled(None, made) == b'{\n  "model": "x"\n}\n'


def test_an_entry_that_was_there_before_stays() -> None:
    data = b'{"instructions": [".carryover/handoff.md"]}'
    origin = origin_of(data, KEY, ENTRY)

    assert origin == Origin(present=True)
    assert installed(data) == data
    assert uninstalled(data, data) == data
    assert origin_of(data, KEY, ENTRY, Origin(missing=True)) == Origin(missing=True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"instructions": "a.md"}', '"instructions" (line 1) is a string instead of a list'),
        (b'{\n"instructions": [],\n"instructions": []}', '"instructions" is there twice (lines 2, 3)'),
        (b'{"a": 1', "it is not valid JSON (line 1, column 8: Expecting ',' delimiter)"),
        (b"[]", "it holds a list instead of an object"),
        (b"\xff{}", "it is not UTF-8 text (line 1)"),
    ],
)
def test_settings_of_another_form_are_refused_in_words(data: bytes, reason: str) -> None:
    for ask in (installed, lambda given: without_entry(given, KEY, ENTRY), lambda given: has_entry(given, KEY, ENTRY)):
        with pytest.raises(EditRefused) as raised:
            ask(data)
        assert str(raised.value) == reason
