"""The decoders of JSON, made one at a time."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec

_T = TypeVar("_T")
_ONE_AT_A_TIME: Final = threading.Lock()


def decoder_of(kind: type[_T]) -> msgspec.json.Decoder[_T]:
    """Returns the decoder for a type.

    msgspec finds out the fields of a type when it first decodes one, and the process dies of a signal if two threads do
    that at once (0.22). So nothing is decoded by `msgspec.json.decode` with a type.
    """
    return _made(cast("Hashable", kind))


@cache
def _made(kind: Any) -> msgspec.json.Decoder[Any]:
    with _ONE_AT_A_TIME:
        return msgspec.json.Decoder(kind)
