"""Fields of any shape: what is of another than expected is as if it were absent."""

from __future__ import annotations

import json

import msgspec
import pytest

from carryover.model import Skipped
from carryover.records import rawjson
from carryover.records.lenient import (
    fields_of,
    inside,
    items_of,
    number_of,
    read_as,
    text_and_others,
    text_below,
    text_of,
    time_of,
)
from carryover.records.rawjson import ABSENT, MOST_JSON_ENTRIES, content_text


def raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


@pytest.mark.parametrize(
    ("text", "fields", "items", "number", "plain"),
    [
        ('{"a": 1}', {"a": b"1"}, [], None, ""),
        ("[1, 2]", {}, [b"1", b"2"], None, ""),
        ("5", {}, [], 5, ""),
        ("5.5", {}, [], None, ""),
        ("true", {}, [], None, ""),
        ('"word"', {}, [], None, "word"),
        ("null", {}, [], None, ""),
        ("{", {}, [], None, ""),
        (' {"a": 1}', {"a": b"1"}, [], None, ""),
        ("\n[1]", {}, [b"1"], None, ""),
        (' "word"', {}, [], None, "word"),
        ("[" * 100_000, {}, [], None, ""),
    ],
)
def test_a_field_is_read_as_what_it_is(
    text: str, fields: dict[str, bytes], items: list[bytes], number: int | None, plain: str
) -> None:
    given = raw(text)

    assert {name: bytes(value) for name, value in fields_of(given).items()} == fields
    assert [bytes(item) for item in items_of(given)] == items
    assert (number_of(given), text_of(given)) == (number, plain)
    assert fields_of(text) == fields_of(given)


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1772442000000", 1_772_442_000_000),
        ("1772442000000.5", 1_772_442_000_000),
        ('"2026-03-02T09:00:00.000Z"', 1_772_442_000_000),
        ("218827070170", 218_827_070_170),
        ("1772442000", 0),
        ("5", 0),
        ("4102444800000", 0),
        ("1e300", 0),
        ('"yesterday"', 0),
        ("{}", 0),
    ],
)
def test_a_time_is_a_number_or_a_text_within_reason(text: str, at_ms: int) -> None:
    assert time_of(raw(text)) == at_ms


@pytest.mark.parametrize("absent", [None, ABSENT])
def test_of_a_field_that_is_not_there_nothing_is_read(absent: msgspec.Raw | None) -> None:
    assert (time_of(absent), text_of(absent), fields_of(absent), items_of(absent)) == (0, "", {}, [])
    assert (content_text(absent), text_below(absent, "a"), inside(absent, "a")) == (None, "", ABSENT)


PARTS = '[{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]'


@pytest.mark.parametrize(
    ("text", "plain"), [('"a"', "a"), (PARTS, "a\nb"), ("[]", ""), ("5", None), ('{"text": "a"}', None)]
)
def test_a_content_is_a_text_or_the_texts_of_its_parts(text: str, plain: str | None) -> None:
    assert content_text(raw(text)) == plain


def test_parts_without_a_text_are_counted() -> None:
    assert text_and_others(raw(PARTS)) == ("a\nb", 1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('" a "', "a"),
        ('{"text": "", "message": "a"}', "a"),
        ('{"other": "a"}', ""),
        ('{"message": {"message": {"text": "a"}}}', "a"),
        ('{"message": {"message": {"message": {"message": {"text": "a"}}}}}', ""),
        ("[]", ""),
    ],
)
def test_the_first_text_below_a_field_is_looked_for_at_some_depth(text: str, found: str) -> None:
    assert text_below(raw(text), "text", "message") == found


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        (b'"\\ud83d"', b'"\\ufffd"'),
        (b'"\\ude00"', b'"\\ufffd"'),
        (b'"\\uD83D"', b'"\\ufffd"'),
        (b'"\\ud83d\\ude00"', b'"\\ud83d\\ude00"'),
        (b'"\\ud83d\\ud83d\\ude00"', b'"\\ufffd\\ud83d\\ude00"'),
        (b'"\\ud83d\\ude00\\ude00"', b'"\\ud83d\\ude00\\ufffd"'),
        (b'"\\\\ud83d"', b'"\\\\ud83d"'),
        (b'"\\\\\\ud83d"', b'"\\\\\\ufffd"'),
        ('"ä😀"'.encode(), '"ä😀"'.encode()),
        (b'"\\n\\"\\u00e4"', b'"\\n\\"\\u00e4"'),
        (b'\xef\xbb\xbf"x"', b'"x"'),
        (b'"\xff"', b'"\xef\xbf\xbd"'),
    ],
)
@pytest.mark.parametrize("at_once", [1, 1000])
def test_only_what_is_broken_is_mended(at_once: int, broken: bytes, mended: bytes) -> None:
    assert rawjson.mend(broken, at_once=at_once) == mended
    assert rawjson.mend(mended, at_once=at_once) == mended
    assert read_as(broken, str) == json.loads(mended)


def test_a_list_or_object_with_too_many_entries_is_not_read() -> None:
    entries = [str(number) for number in range(MOST_JSON_ENTRIES + 1)]
    fields = [f'"{entry}":1' for entry in entries]
    most, too_many = (raw(f"[{','.join(of)}]") for of in (entries[1:], entries))
    most_fields, too_many_fields = (raw(f"{{{','.join(of)}}}") for of in (fields[1:], fields))

    assert (len(items_of(most)), items_of(too_many)) == (MOST_JSON_ENTRIES, [])
    assert (len(fields_of(most_fields)), fields_of(too_many_fields)) == (MOST_JSON_ENTRIES, {})


class Said(msgspec.Struct):
    text: str


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"type": "user", "text": 5}', Skipped("user", "unexpected shape at $.text", "1.2")),
        (b'{"type": "user", "version": "2.0", "text": 5}', Skipped("user", "unexpected shape at $.text", "2.0")),
        (b"[1]", Skipped("?", "unexpected shape", "1.2")),
        (b"{", Skipped("?", "not JSON", "1.2")),
    ],
)
def test_a_record_of_another_shape_is_named_with_its_type_and_version(line: bytes, found: Skipped) -> None:
    assert rawjson.read_line(msgspec.json.Decoder(Said), line, version="1.2") == found
