"""Places in a JSON text, and edits that change nothing else."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.edits.json_document import added, inside, layout_of, own_line, read, removed, replaced
from support.settings_texts import formatted

VALUES = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3) | st.lists(st.booleans()), max_size=4)


@given(data=formatted(VALUES))
@settings(max_examples=100, deadline=None)
def test_each_item_is_found_where_it_stands(data: bytes) -> None:
    text = data.decode()
    root = read(text)

    assert text[root.opening] + text[root.closing] == "{}"
    assert {item.key: item.value for item in root.items} == json.loads(text)
    for item in root.items:
        assert json.loads("{" + text[item.start : item.end] + "}") == {item.key: item.value}
        assert json.loads(text[item.value_start : item.end]) == item.value
        if isinstance(item.value, list):
            assert [element.value for element in inside(text, item.value_start).items] == item.value


@given(data=formatted(VALUES), outer=st.sampled_from([None, "", "  "]), value=st.sampled_from([1, [], {"a": [1]}]))
@settings(max_examples=100, deadline=None)
def test_what_was_added_can_be_removed(data: bytes, outer: str | None, value: Any) -> None:
    text = data.decode()
    root = read(text)
    more = added(text, root, "new key", value, layout_of(text), outer)

    assert json.loads(more) == {**json.loads(text), "new key": value}
    assert removed(more, read(more), len(root.items)) == text


def test_any_item_can_be_removed_or_replaced() -> None:
    text = '{"a": 1,\n  "b" : [2],\n  "c": 3 }'
    root = read(text)

    assert [removed(text, root, number) for number in range(3)] == [
        '{"b" : [2],\n  "c": 3 }',
        '{"a": 1,\n  "c": 3 }',
        '{"a": 1,\n  "b" : [2] }',
    ]
    assert replaced(text, root, 1, {"x": 1}, layout_of(text)) == ('{"a": 1,\n  "b" : {\n    "x": 1\n  },\n  "c": 3 }')
    assert [own_line(text, root, number) for number in range(3)] == [None, "  ", "  "]
