"""Users' texts: encoding and line ends, blocks of lines that are added and removed, and what an edit restores. Pure.

A block is always preceded by one line end more than the text has, whether or not the text ends with one. So one line
end before the block is ours, and a text without a final newline has none again once the block is removed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import AnyStr, Final

import msgspec

BOM: Final = b"\xef\xbb\xbf"
_BEGINS: Final = rb"(?:\A|(?<=\n)|(?<=\A\xef\xbb\xbf))"


class EditRefused(Exception):
    """The file can't be edited and stays as it is. The message is a clause, with line and column if known."""


def newline_of(text: AnyStr) -> AnyStr:
    """Returns the most common line end, CRLF or LF; LF if there is none."""
    crlf, lf = (b"\r\n", b"\n") if isinstance(text, bytes) else ("\r\n", "\n")
    return crlf if text.count(crlf) * 2 > text.count(lf) else lf


def is_text(data: bytes) -> bool:
    """Whether lines can be added to the file, as they can't to UTF-16 and binary files. All other encodings keep
    ASCII as it is."""
    return b"\0" not in data


def split_bom(data: bytes) -> tuple[bytes, bytes]:
    """Splits off the byte order mark, which may be empty."""
    rest = data.removeprefix(BOM)
    return data[: len(data) - len(rest)], rest


def decode(data: bytes) -> tuple[bytes, str]:
    """Returns the byte order mark, which may be empty, and the text after it. Raises EditRefused if it is not UTF-8."""
    bom, rest = split_bom(data)
    try:
        return bom, rest.decode()
    except UnicodeDecodeError as error:
        line = rest.count(b"\n", 0, error.start) + 1
        raise EditRefused(f"it is not UTF-8 text (line {line})") from error


def encode(text: str) -> bytes:
    """Encodes a text as UTF-8. Raises EditRefused if a path in it is not UTF-8."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise EditRefused("a path in our hooks cannot be written as UTF-8") from error


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an edit has to bring back.

    `missing`: there was no file. `blank`: the file contained only this white space. `empty`: keys with empty values,
    such as `hooks` or `hooks.<event>`. `unversioned`: a flat file had no `version`. `present`: the list already had our
    entry. If nothing is known (`UNKNOWN`), whatever is empty without our hooks is removed with them.
    """

    missing: bool = False
    blank: str | None = None
    empty: tuple[str, ...] = ()
    unversioned: bool = False
    present: bool = False

    @property
    def began_empty(self) -> bool:
        """Whether there was no file, or a blank one: all that is in it now is ours or was added since."""
        return self.missing or self.blank is not None


UNKNOWN: Final = Origin()


def begun(data: bytes | None) -> Origin | None:
    """Returns the origin of a file that is missing or blank; None for any other. Raises EditRefused."""
    if data is None:
        return Origin(missing=True)
    text = decode(data)[1]
    return None if text.strip() else Origin(blank=text)


def restored(bom: bytes, text: str, origin: Origin, *, is_empty: bool) -> bytes | None:
    """Returns the file after our part was removed; None to delete it. `is_empty`: whether nothing else is in it."""
    if not is_empty or not origin.began_empty:
        return bom + encode(text)
    return None if origin.missing else bom + encode(origin.blank or "")


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
    first = data.find(lines[0], start)  # much faster than the pattern over a long file
    if first < 0:
        return None
    with_lf = _block(lines, b"\n")
    with_crlf = _block(lines, b"\r\n")
    # Both in one search: a second one from each block on would read a file of many blocks as many times.
    found = re.compile(_BEGINS + b"(?:%b|(%b))" % (with_lf, with_crlf)).search(data, first)
    if found is None:
        return None
    return found.start(), found.end(), b"\n" if found[1] is None else b"\r\n"


def _block(lines: Sequence[bytes], eol: bytes) -> bytes:
    return re.escape(eol.join(lines)) + rb"(?=%b|\Z)" % eol


def without_span(data: bytes, span: tuple[int, int, bytes]) -> bytes:
    """Returns `data` without a block found by `find_lines`, and without the line ends that were added with it."""
    start, end, eol = span
    before = data[:start]
    after = data[end:].removeprefix(eol)
    if before in (b"", BOM):
        return before + after.removeprefix(eol)
    shorter = before.removesuffix(eol)
    glued = after and shorter not in (b"", BOM) and not shorter.endswith(b"\n")
    return (before if glued else shorter) + after
