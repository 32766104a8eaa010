"""How a thread's newest turn was cut off, read from its stored digest without the rest of it: hundreds can be asked."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.distill.digest import FOLD_VERSION, Ending


class _Ended(msgspec.Struct):
    ending: Ending | None = None


_decoder: Final = msgspec.json.Decoder(_Ended)


def may_end_at_limit(fold_version: int, stored: bytes) -> bool:
    """Whether the newest turn of a thread with this digest may have ended at a usage limit; True if the digest must be
    rebuilt."""
    if fold_version != FOLD_VERSION or not stored:
        return True
    try:
        ending = _decoder.decode(stored).ending
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return True
    return ending is not None and ending.reason == "limit"
