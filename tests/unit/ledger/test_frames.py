from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.ledger import codec
from carryover.ledger.codec import NEWEST, DamagedBody, pack, unpack

DICTIONARIES = {1: "2984cc876f2089d155cacd3784a53c58dfe0ec171f214522704d0463d77fe336"}
"""SHA-256 by number. None of these may ever change: what was stored with it could no longer be read."""


def test_each_dictionary_is_as_it_was_released() -> None:
    folder = Path(codec.__file__).parent / "dictionaries"
    found = {int(file.stem): hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}

    assert found == DICTIONARIES
    assert max(found) == NEWEST


RELEASED = "8101243a150100d380022f6c675a4366995f9f0107fc5158a3dd4214f626cfd7cb71123ba98476471aa45d9e6b"


def test_a_frame_of_an_earlier_release_is_read() -> None:
    assert unpack(bytes.fromhex(RELEASED)) == b'{"kind":"user_prompt","text":"Add a discount to the cart"}'


@given(st.binary(min_size=1, max_size=3_000), st.integers(0, 255))
def test_what_was_packed_comes_back(data: bytes, mark: int) -> None:
    packed = pack(data, mark)

    assert (packed[0], packed[1]) == (mark, NEWEST)
    assert unpack(packed) == data


def test_threads_that_pack_at_the_same_time_do_not_disturb_each_other() -> None:
    texts = [f"prompt {n} ".encode() * (n % 40 + 1) for n in range(400)]
    expected = [pack(text, 1) for text in texts]
    together = threading.Barrier(4)

    def packed() -> list[bytes]:
        together.wait()
        return [pack(text, 1) for text in texts]

    with ThreadPoolExecutor(4) as pool:
        results = [pool.submit(packed) for _ in range(4)]
        assert all(result.result() == expected for result in results)


def test_every_changed_byte_is_noticed() -> None:
    packed = pack(b"What is stored is checked when it is read, " * 4, 1)
    for at in range(1, len(packed)):
        damaged = packed[:at] + bytes((packed[at] ^ 0x01,)) + packed[at + 1 :]
        with pytest.raises(DamagedBody):
            unpack(damaged)


def test_a_frame_with_something_after_it_is_refused() -> None:
    with pytest.raises(DamagedBody):
        unpack(pack(b"text", 1) + b"more")


def test_a_frame_that_claims_to_be_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack(bytes(2_000), 1)
    monkeypatch.setattr(codec, "MOST_BYTES", 1_999)

    with pytest.raises(DamagedBody):
        unpack(packed)
