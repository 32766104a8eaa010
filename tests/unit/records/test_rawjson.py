"""Reading lines: what is mended, what is refused, and what is said about it."""

from __future__ import annotations

import pytest

from carryover.records import rawjson


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
