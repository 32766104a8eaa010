from __future__ import annotations

import json

import msgspec
import pytest

from carryover.adapter.spooled import SpooledCall, spool_line


def kept(payload: bytes, cwd: str | None = "/home/dev/shop") -> SpooledCall:
    line = spool_line("stop", payload, at_ms=7, cwd=cwd)
    assert line is not None
    assert line.endswith(b"\n") and line.count(b"\n") == 1 and b"\r" not in line
    return msgspec.json.decode(line, type=SpooledCall)


@pytest.mark.parametrize("payload", [b"\xef\xbb\xbf{}", b'{"a": "\xff"}', b'{"a": "\\ud83d"}'])
def test_what_can_be_mended_is_kept(payload: bytes) -> None:
    assert isinstance(json.loads(bytes(kept(payload).payload)), dict)


@pytest.mark.parametrize("payload", [b"", b"words", b'{"a": ', b"{} {}", b"\x00" * 9])
def test_what_is_no_json_is_not_kept(payload: bytes) -> None:
    assert spool_line("stop", payload, at_ms=7, cwd=None) is None


@pytest.mark.parametrize("cwd", [None, "", "relative", "/half\udcff"])
def test_a_folder_that_json_cannot_hold_or_that_is_none_is_left_out(cwd: str | None) -> None:
    assert kept(b"{}", cwd).cwd is None
