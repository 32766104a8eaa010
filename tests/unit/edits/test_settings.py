from __future__ import annotations

import pytest

from carryover.edits.encoding import EditRefused
from carryover.edits.settings import value_at


@pytest.mark.parametrize(
    ("data", "toml", "expected"),
    [
        (b'{"a": {"b": true}}', False, True),
        (b'\xef\xbb\xbf{"a": {"b": 3}}', False, 3),
        (b'{"a": 1}', False, None),
        (b"[]", False, None),
        (b" ", False, None),
        (b"[a]\nb = false\n", True, False),
        (b"", True, None),
    ],
)
def test_a_setting_is_found_by_its_way_from_the_root(data: bytes, toml: bool, expected: object) -> None:
    assert value_at(data, ("a", "b"), toml=toml) is expected


@pytest.mark.parametrize(("data", "toml"), [(b"{", False), (b"a = [", True), (b"\xff", False), (b"[" * 10**5, False)])
def test_what_cannot_be_read_is_refused(data: bytes, toml: bool) -> None:
    with pytest.raises(EditRefused):
        value_at(data, ("a",), toml=toml)
