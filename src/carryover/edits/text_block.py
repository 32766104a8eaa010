"""Adds a block of lines to a user's text, and takes it out again with every other byte as it was. Pure.

A block always follows one line end more than the text has, whether or not the text ends with one. So one line end
before the block is ours, and a text without a final newline has none again once the block is removed.
"""

from __future__ import annotations

from collections.abc import Sequence

from carryover.edits.encoding import BOM, newline_of, split_bom


def whole_file(lines: Sequence[bytes], eol: bytes = b"\n") -> bytes:
    """A new file that holds only the block. Nothing precedes it, unlike in an empty file that got the block."""
    return eol.join(lines) + eol


def with_lines(data: bytes, lines: Sequence[bytes], *, at_top: bool = False) -> bytes:
    """`data` with the block appended, or inserted at the top."""
    eol = newline_of(data)
    if at_top:
        bom, rest = split_bom(data)
        return bom + eol.join(lines) + eol + eol + rest
    return data + eol + eol.join(lines) + eol


def find_lines(data: bytes, lines: Sequence[bytes], start: int = 0) -> tuple[int, int, bytes] | None:
    """The first unchanged block at or after `start`: its bounds in bytes and its line end; None where there is none."""
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
    """`data` without a block that `find_lines` found, and without the line ends that were added with it."""
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
