"""Reading lines: what is mended, what is refused, and what is said about it."""

from __future__ import annotations

import msgspec
import pytest

from carryover.model import Skipped
from carryover.records import rawjson


class Line(msgspec.Struct, frozen=True):
    type: str
    uuid: str | None = None


LINE = msgspec.json.Decoder(Line)


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        (b'"\\ud83d"', b'"\\ufffd"'),
        (b'"\\ude00"', b'"\\ufffd"'),
        (b'"\\ud83d\\ude00"', b'"\\ud83d\\ude00"'),
        (b'"\\ud83d\\ud83d\\ude00"', b'"\\ufffd\\ud83d\\ude00"'),
        (b'"\\\\ud83d"', b'"\\\\ud83d"'),
        (b'"\\n\\"\\u00e4"', b'"\\n\\"\\u00e4"'),
        (b'\xef\xbb\xbf"x"', b'"x"'),
        (b'"\xff"', b'"\xef\xbf\xbd"'),
    ],
)
def test_only_what_is_broken_is_mended(broken: bytes, mended: bytes) -> None:
    assert rawjson.mend(broken) == mended
    assert rawjson.mend(mended) == mended


def test_a_record_of_a_quiet_type_may_have_any_shape() -> None:
    quiet = rawjson.read_line(LINE, b'{"type":"mode","uuid":5}', quiet=("mode",))

    assert quiet is None
    assert rawjson.read_line(LINE, b'{"type":"user","uuid":5,"version":"2.1.0"}') == Skipped(
        "user", "unexpected shape at $.uuid", "2.1.0"
    )


@pytest.mark.parametrize("name", ["words of the user", "x" * 61, "ä", "", "a\nb", None])
def test_names_that_are_no_names_are_not_repeated(name: str | None) -> None:
    assert rawjson.label(name) == "?"
    assert rawjson.skipped(name, "reason", name) == Skipped("?", "reason", "?" if name else None)


def test_text_is_a_string_or_blocks() -> None:
    assert rawjson.text_of(msgspec.Raw(b'"a"')) == "a"
    blocks = msgspec.Raw(b'[{"type":"text","text":"a"},{"type":"image"},{"type":"text","text":"b"}]')
    assert rawjson.text_of(blocks) == "a\nb"
    assert rawjson.text_of(msgspec.Raw(b"5")) is None
    assert rawjson.text_of(rawjson.ABSENT) is None
