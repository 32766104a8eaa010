"""Settings between bytes and text: UTF-8, with the mark at the beginning kept apart. Pure."""

from __future__ import annotations

from typing import Final

from carryover.configedit.json_document import Refused

_BOM: Final = b"\xef\xbb\xbf"


def decoded(data: bytes) -> tuple[bytes, str]:
    """The byte order mark, empty where there is none, and the text behind it.

    Raises:
        Refused: it is not UTF-8.
    """
    bom = _BOM if data.startswith(_BOM) else b""
    try:
        return bom, data[len(bom) :].decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, len(bom) + error.start) + 1
        raise Refused(f"it is not UTF-8 text (line {line})") from error


def encoded(text: str) -> bytes:
    """The bytes of a text.

    Raises:
        Refused: a path in it is not UTF-8.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Refused("a path in our hooks cannot be written as UTF-8") from error
