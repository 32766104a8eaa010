"""Compresses small texts for the ledger: zstd frames with a dictionary that comes with the program.

A stored frame begins with a mark, which its owner chooses, and the number of its dictionary; the magic number of zstd,
the same for all, is left out. A dictionary is never changed, so that what an earlier Carryover stored stays readable. A
new one gets the next number and comes with a migration, so that an earlier program refuses the ledger. Blocking; a
typical event takes 9 µs to compress and 12 µs to read.

Before Python 3.14 this needs `backports.zstd`, which has the same API: 1.8 MB installed and 1.3 ms to import, where
`zstandard` takes 24 MB and 8 ms.
"""

from __future__ import annotations

import sys
import threading
from functools import cache
from pathlib import Path
from typing import Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

NEWEST: Final = 1
"""The number of the dictionary for new frames."""

MOST_BYTES: Final = 64 << 20
"""A longer body is not compressed, and a frame that claims to be longer is not read: records have at most 8 MiB."""

_LEVEL: Final = 4
"""Level 3 takes half the time for a 5 % longer result; level 7 takes twice the time for the same length."""

_HEAD_BYTES: Final = 2
_DIGEST: Final = b"\xff"
"""The mark of a digest. No JSON begins with it, and the marks of bodies are lower."""
_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_FOLDER: Final = Path(__file__).parent / "dictionaries"
_DICTIONARIES: Final = {
    number: zstd.ZstdDict((_FOLDER / f"{number}.zdict").read_bytes()) for number in range(1, NEWEST + 1)
}
"""Loaded with this module, since an upgrade replaces the files of a running daemon."""


class DamagedFrame(ValueError):
    """The stored bytes are not a frame that Carryover wrote."""


def pack(data: bytes, mark: int) -> bytes:
    """Compresses at most `MOST_BYTES`. `mark`, 0 to 255, is the first byte of the result."""
    with _lock:
        frame = _compressor().compress(data, zstd.ZstdCompressor.FLUSH_FRAME)
    return bytes((mark, NEWEST)) + frame[len(_MAGIC) :]


def unpack(stored: bytes) -> bytes:
    """Returns the data given to `pack`. Raises DamagedFrame, also if the result would exceed `MOST_BYTES`."""
    number = int.from_bytes(stored[1:_HEAD_BYTES])
    if not 1 <= number <= NEWEST:
        raise DamagedFrame("no frame of a dictionary that there is")
    try:
        frame = _MAGIC + stored[_HEAD_BYTES:]
        # A frame declares the length of its content and zstd returns no more, so no frame can fill the memory.
        size = zstd.get_frame_info(frame).decompressed_size
        if size is None or size > MOST_BYTES:
            raise DamagedFrame("no frame of a size that is stored")
        decompressor = zstd.ZstdDecompressor(_DICTIONARIES[number])
        data = decompressor.decompress(frame, max_length=size)
    except zstd.ZstdError as error:
        raise DamagedFrame("no frame that can be read") from error
    if not decompressor.eof or decompressor.unused_data:
        raise DamagedFrame("not one whole frame")
    return data


def pack_digest(digest: bytes) -> bytes:
    """Compresses a thread's digest as the reducer encoded it; an empty one stays empty."""
    return pack(digest, _DIGEST[0]) if 0 < len(digest) <= MOST_BYTES else digest


def unpack_digest(stored: bytes) -> bytes:
    """Returns the digest as its reducer encoded it (before version 9, the stored bytes).

    For a damaged digest, returns bytes that no reducer can read.
    """
    if stored[:1] != _DIGEST:
        return stored
    try:
        return unpack(stored)
    except DamagedFrame:
        return _DIGEST


@cache
def _compressor() -> zstd.ZstdCompressor:
    parameter = zstd.CompressionParameter
    return zstd.ZstdCompressor(
        # The checksum detects damage; the dictionary's number is already in the header.
        options={parameter.compression_level: _LEVEL, parameter.checksum_flag: 1, parameter.dict_id_flag: 0},
        # Loaded once, for this level. A digested dictionary would bring its own level and ignore this one.
        zstd_dict=_DICTIONARIES[NEWEST].as_undigested_dict,
    )


_lock: Final = threading.Lock()
