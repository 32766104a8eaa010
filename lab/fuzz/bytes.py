"""Makes of bytes what a target takes: a text, a choice, parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")
END: Final = b"\x00\xff"
"""Ends a part. Mutating bytes rarely makes one by chance, and a dictionary may hold it."""


def text_of(data: bytes) -> str:
    """Returns any text at all, also one with lone surrogates."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")


def chosen(data: bytes, options: Sequence[T]) -> tuple[T, bytes]:
    """Returns the option that the first byte stands for, and the other bytes."""
    return options[(data[0] if data else 0) % len(options)], data[1:]


def parts(data: bytes, most: int) -> list[bytes]:
    """Returns exactly `most` parts, empty ones at the end if there are fewer."""
    found = data.split(END, most - 1)
    return [*found, *[b""] * (most - len(found))]
