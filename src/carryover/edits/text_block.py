"""Adding a block of lines to a text of the user's, and taking it out again so that every other byte is as it was.

A block is put after one line end more than the text has, whether or not the text ends with one. So one line end before
it is always ours, and a missing last newline comes back with the block's removal.
"""

from __future__ import annotations

from collections.abc import Sequence

from carryover.edits.encoding import BOM, newline_of, split_bom


def whole_file(lines: Sequence[bytes], eol: bytes = b"\n") -> bytes:
    """A new file that holds only the block. Nothing stands before it, so it differs from an empty file with a block."""
    return eol.join(lines) + eol


def with_lines(data: bytes, lines: Sequence[bytes], *, at_top: bool = False) -> bytes:
    """`data` with the block after its end, or before its beginning."""
    eol = newline_of(data)
    if at_top:
        bom, rest = split_bom(data)
        return bom + eol.join(lines) + eol + eol + rest
    return data + eol + eol.join(lines) + eol


def find_lines(data: bytes, lines: Sequence[bytes], start: int = 0) -> tuple[int, int, bytes] | None:
    """Where the block stands unchanged at or after `start`: its first byte, the byte after its last, its line end."""
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
    """`data` without a block that `find_lines` found, and without the line ends that came with it."""
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
