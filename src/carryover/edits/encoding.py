"""Users' texts as bytes: encoding, byte order mark and line ends, and the refusal to edit one. Pure."""

from __future__ import annotations

from typing import AnyStr, Final

BOM: Final = b"\xef\xbb\xbf"


class EditRefused(Exception):
    """The file stays as it is. The message is a clause for people, with line and column where the cause has them."""


def newline_of(text: AnyStr) -> AnyStr:
    """The line end of most lines: CRLF or LF. LF where there are none."""
    crlf, lf = (b"\r\n", b"\n") if isinstance(text, bytes) else ("\r\n", "\n")
    return crlf if text.count(crlf) * 2 > text.count(lf) else lf


def is_text(data: bytes) -> bool:
    """False for UTF-16 and binary files, which take no line of ours. Every other encoding keeps ASCII as it is."""
    return b"\0" not in data


def split_bom(data: bytes) -> tuple[bytes, bytes]:
    """The byte order mark, empty where there is none, and the rest."""
    rest = data.removeprefix(BOM)
    return data[: len(data) - len(rest)], rest


def decode(data: bytes) -> tuple[bytes, str]:
    """The byte order mark, empty where there is none, and the text after it.

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
    """The bytes of a text.

    Raises:
        EditRefused: a path in it is not UTF-8.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise EditRefused("a path in our hooks cannot be written as UTF-8") from error
