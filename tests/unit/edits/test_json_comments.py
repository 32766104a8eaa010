"""Comments and trailing commas in settings are read, kept, and never swallow what comes after them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.edits.encoding import EditRefused
from carryover.edits.json_comments import blanked
from carryover.edits.json_document import added, check_strict, inside, layout_of, read, removed, replaced
from support.settings_texts import formatted

VALUES = st.dictionaries(
    st.text(max_size=3), st.integers() | st.sampled_from(["//", "/*", "a,]", '"']) | st.lists(st.booleans()), max_size=4
)


@given(data=formatted(VALUES, comments=True))
def test_a_blanked_text_is_json_of_the_same_shape(data: bytes) -> None:
    text = data.decode()
    plain = blanked(text)

    assert len(plain) == len(text)
    assert [at for at, sign in enumerate(plain) if sign in "\r\n"] == [
        at for at, sign in enumerate(text) if sign in "\r\n"
    ]
    assert {item.key: item.value for item in read(text).items} == json.loads(plain)


@given(data=formatted(VALUES))
def test_json_without_comments_is_left_unchanged(data: bytes) -> None:
    text = data.decode()

    assert blanked(text) == text
    check_strict(text)


@given(data=formatted(VALUES, comments=True), value=st.sampled_from([1, [], {"a": [1]}]))
def test_what_was_added_can_be_removed(data: bytes, value: object) -> None:
    text = data.decode()
    root = read(text)
    more = added(text, root, "new key", value, layout_of(text), "")

    assert json.loads(blanked(more)) == {**json.loads(blanked(text)), "new key": value}
    assert removed(more, read(more), len(root.items)) == text


@given(data=formatted(VALUES.filter(bool), comments=True), draw=st.data())
def test_any_item_can_be_removed_and_every_comment_stays(data: bytes, draw: st.DataObject) -> None:
    text = data.decode()
    root = read(text)
    number = draw.draw(st.integers(0, len(root.items) - 1))
    left = removed(text, root, number)

    expected = [(item.key, item.value) for item in root.items if item is not root.items[number]]
    assert [(item.key, item.value) for item in read(left).items] == expected


def test_a_new_item_follows_the_comment_on_the_line_of_the_last_one() -> None:
    text = '{\n  "a": 1, // first\n  "b": [\n    "x", // why x\n  ] /* done */ // b\n}\n'
    root = read(text)
    items = inside(text, root.items[1].value_start)

    assert added(text, items, None, "y", layout_of(text), "  ") == text.replace("why x\n", 'why x\n    "y",\n')
    assert added(text, root, "c", 2, layout_of(text), "") == text.replace(
        "] /* done */ // b\n", '], /* done */ // b\n  "c": 2\n'
    )


@pytest.mark.parametrize(
    ("text", "number", "left"),
    [
        ('{"a": {// c\n"b": 1 /* 2\n */,\n"c": 2}}', 0, '{"a": {// c\n /* 2\n */\n"c": 2}}'),
        ('{"a": [1, // one\n 2]}', 1, '{"a": [1 // one\n ]}'),
        ('{"a": [1, // one\n 2,]}', 1, '{"a": [1, // one\n ]}'),
        ('{"a": [1, // one\n 2, 3]}', 1, '{"a": [1, // one\n  3]}'),
        ('{"a": [1, // one\n 2 /* two */, // 2\n 3]}', 1, '{"a": [1, // one\n  /* two */ // 2\n 3]}'),
        ('{"a": [// none\n 1, ]}', 0, '{"a": [// none\n  ]}'),
        ('{"a": [\n  // why\n  1,\n]}', 0, '{"a": [\n  // why\n]}'),
        ('{"a": [ 1, ]}', 0, '{"a": []}'),
    ],
)
def test_a_removed_item_takes_no_comment_along(text: str, number: int, left: str) -> None:
    assert removed(text, inside(text, 6), number) == left
    read(left)


@pytest.mark.parametrize(
    "text", ["{,}", '{"a": [,]}', '{"a": 1,,}', '{"a": ,}', '{"a": 1} /* no end', "// only this", "{} / x"]
)
def test_what_is_not_json_even_without_them_is_refused(text: str) -> None:
    with pytest.raises(EditRefused):
        read(text)


@pytest.mark.parametrize("text", ['{"a": 1,}', "{} // x", "/* x */ {}"])
def test_a_strict_agent_gets_none(text: str) -> None:
    read(text)
    with pytest.raises(EditRefused, match=r"a comma after the last item|a comment"):
        check_strict(text)


def test_a_value_is_replaced_in_its_layout() -> None:
    text = '{"a": 1,\n  "b" : [2],\n  "c": 3 }'

    assert replaced(text, read(text), 1, {"x": 1}, layout_of(text)) == text.replace("[2]", '{\n    "x": 1\n  }')
