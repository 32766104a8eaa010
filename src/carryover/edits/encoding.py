"""Encoding, byte order marks and line ends of users' texts, and the error for texts that can't be edited. Pure."""

from __future__ import annotations

from typing import AnyStr, Final

BOM: Final = b"\xef\xbb\xbf"


class EditRefused(Exception):
    """The file can't be edited and stays as it is. The message is a clause, with line and column if known."""


def newline_of(text: AnyStr) -> AnyStr:
    """Returns the most common line end, CRLF or LF; LF if there is none."""
    crlf, lf = (b"\r\n", b"\n") if isinstance(text, bytes) else ("\r\n", "\n")
    return crlf if text.count(crlf) * 2 > text.count(lf) else lf


def is_text(data: bytes) -> bool:
    """Whether a line can be added: not to UTF-16 and binary files. All other encodings keep ASCII as it is."""
    return b"\0" not in data


def split_bom(data: bytes) -> tuple[bytes, bytes]:
    """Splits off the byte order mark, which may be empty."""
    rest = data.removeprefix(BOM)
    return data[: len(data) - len(rest)], rest


def decode(data: bytes) -> tuple[bytes, str]:
    """Returns the byte order mark, which may be empty, and the text after it.

    Raises:
        EditRefused: the text is not UTF-8.
    """
    bom, rest = split_bom(data)
    try:
        return bom, rest.decode()
    except UnicodeDecodeError as error:
        line = rest.count(b"\n", 0, error.start) + 1
        raise EditRefused(f"it is not UTF-8 text (line {line})") from error


def encode(text: str) -> bytes:
    """Encodes a text as UTF-8.

    Raises:
        EditRefused: a path in it is not UTF-8.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise EditRefused("a path in our hooks cannot be written as UTF-8") from error
