"""Adds a block of lines to a user's text, and removes it again with every other byte unchanged. Pure.

The block is always preceded by one line end more than the text has, whether or not the text ends with one. So one line
end before the block is ours, and a text without a final newline has none again once the block is removed.
"""

from __future__ import annotations

from collections.abc import Sequence

from carryover.edits.encoding import BOM, newline_of, split_bom


def whole_file(lines: Sequence[bytes], eol: bytes = b"\n") -> bytes:
    """Returns a new file that contains only the block. Unlike in an empty existing file, nothing precedes it."""
    return eol.join(lines) + eol


def with_lines(data: bytes, lines: Sequence[bytes], *, at_top: bool = False) -> bytes:
    """Returns `data` with the block appended, or inserted at the top."""
    eol = newline_of(data)
    if at_top:
        bom, rest = split_bom(data)
        return bom + eol.join(lines) + eol + eol + rest
    return data + eol + eol.join(lines) + eol


def find_lines(data: bytes, lines: Sequence[bytes], start: int = 0) -> tuple[int, int, bytes] | None:
    """Returns bounds in bytes and line end of the first unchanged block at or after `start`; None if there is none."""
    best = None
    for eol in (b"\n", b"\r\n"):
        block = eol.join(lines)
        at = data.find(block, start)
        while at >= 0 and not _is_whole_lines(data, at, at + len(block), eol):
            at = data.find(block, at + 1)
        if at >= 0 and (best is None or at < best[0]):
            best = at, at + len(block), eol
    return best


def without_span(data: bytes, span: tuple[int, int, bytes]) -> bytes:
    """Returns `data` without a block found by `find_lines`, and without the line ends that were added with it."""
    start, end, eol = span
    before, after = data[:start], data[end:].removeprefix(eol)
    if before in (b"", BOM):
        return before + after.removeprefix(eol)
    shorter = before.removesuffix(eol)
    glued = after and shorter not in (b"", BOM) and not shorter.endswith(b"\n")
    return (before if glued else shorter) + after


def _is_whole_lines(data: bytes, start: int, end: int, eol: bytes) -> bool:
    begins = start == 0 or data[start - 1 : start] == b"\n" or data[:start] == BOM
    return begins and (end == len(data) or data.startswith(eol, end))
