"""Printing any text: nothing in it is obeyed by a terminal or hidden, and what is promised as one line is one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from carryover.errors import UserError, visible
from carryover.terminal.output import columns, cut_to_width, wrapped
from carryover.terminal.streams import shown, shown_lines
from carryover.terminal.table import Column, table
from carryover.text.harmless import harmless, one_line, without_unseen
from fuzz.bytes import chosen, text_of
from fuzz.shown import assert_shown

LARGEST: Final = 600
_HEADS: Final = (Column("NAME", least=4), Column("PATH", least=6, keep_end=True), Column("N", right=True))


def check(data: bytes, folder: Path) -> None:
    width, rest = chosen(data, range(1, 130))
    text = text_of(rest)
    for line in (visible(text), str(UserError(text))):
        assert_shown(line, breaks=False)
    kept = shown(text)
    assert_shown(kept, breaks=False)
    assert_shown(shown_lines(text))
    line = one_line(text, width)
    assert_shown(line.encode("utf-8", "replace").decode(), breaks=False)
    assert len(line) <= width
    assert_shown(harmless(text).encode("utf-8", "replace").decode())
    assert harmless(harmless(text)) == harmless(text)
    assert without_unseen(without_unseen(text)) == without_unseen(text)
    for keep_end in (False, True):
        assert columns(cut_to_width(kept, width, keep_end=keep_end)) <= width
    assert_shown(wrapped(kept, width))
    rows = table(_HEADS, [[text, text, "1"], ["a", "b", text[:3]]], width)
    assert len(rows) == 3
    for row in rows:
        assert_shown(row, breaks=False)


def seeds() -> Iterable[bytes]:
    for text in (
        "a\x1b[2Jb\x1b]0;title\x07c\rd\x9b31me\tf\ng",
        "\x1b[31m\u2713 red\x1b[0m",
        "a\u202eb\u200bc\u2066d\ufeffe\U000e0041f g\u200dh",
        "می\u200cخواهم 👩\u200d💻 日本語 e\u0301\u0301\u0301",
        "/a/very/long/path/with `a command in backquotes` and\u2028more",
    ):
        yield b"\x28" + text.encode()
        yield b"\x05" + text.encode()
