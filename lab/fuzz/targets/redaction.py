"""Redacting twice is redacting once, no text grows beyond what `redact` says, and a long one takes no longer for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final
from zlib import crc32

from carryover.redact import redact
from fuzz.bytes import text_of
from support.secret_forms import json_lines

LARGEST: Final = 2_000
_SHORT: Final = 24
_LONG: Final = 200_000
_ONE_IN: Final = 32
_PASSES: Final = 8
"""Of secrets that lie in one another, so many are hidden."""


def check(data: bytes, folder: Path) -> None:
    text = text_of(data)
    once, counts = redact(text)

    assert redact(once) == (once, {}) or sum(counts.values()) >= _PASSES
    assert len(once) <= 5 * len(text) + 20
    assert (once == text) == (not counts)
    assert redact(text) == (once, counts)
    if 0 < len(text) <= _SHORT and crc32(data) % _ONE_IN == 0:  # what is not linear takes longer than a run may
        redact(text * (_LONG // len(text)))


def seeds() -> Iterable[bytes]:
    for text, _ in json_lines("hidden"):
        yield text.encode("utf-8", "surrogatepass")
