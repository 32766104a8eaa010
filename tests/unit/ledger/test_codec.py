from __future__ import annotations

import hashlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.ledger import codec
from carryover.ledger.codec import (
    BODY_KINDS,
    NEWEST,
    DamagedBody,
    TolerantConnection,
    decode_body,
    encode_body,
    is_of,
    is_same_body,
    pack,
    read_body,
    unpack,
)
from carryover.model import AnyBody, ToolResult

RESULT = ToolResult(call_id="c", name="Bash", op="shell", status="ok", output="collected 12 items\n" * 300)


@pytest.mark.parametrize("kind", BODY_KINDS)
def test_a_query_finds_a_kind_however_it_is_stored(kind: str) -> None:
    plain = f'{{"kind":"{kind}","text":"said"}}'
    other = "turn_end" if kind != "turn_end" else "answer"
    number = BODY_KINDS.index(kind)
    bodies = [plain, bytes((0x80 + number, 1)) + b"frame", plain.replace(kind, other), bytes((0x81 + number, 1))]

    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE event (body)")
        db.executemany("INSERT INTO event VALUES (?)", [(body,) for body in bodies])
        found = [body for (body,) in db.execute(f"SELECT body FROM event WHERE {is_of(kind)}")]

    assert found == bodies[:2]


def test_every_kind_has_its_number_and_keeps_it() -> None:
    kinds = {body.__struct_config__.tag for body in get_args(AnyBody)}

    assert kinds == set(BODY_KINDS)
    assert BODY_KINDS[:3] == ("session_info", "user_prompt", "queued_prompt")
    assert BODY_KINDS[-4:] == ("retracted", "session_start", "session_end", "changed_elsewhere")


def test_a_body_is_the_same_however_it_is_stored() -> None:
    plain = msgspec.json.encode(RESULT).decode()
    other = encode_body(msgspec.structs.replace(RESULT, output="collected 13 items"))

    assert is_same_body(plain, encode_body(RESULT))
    assert not is_same_body(plain, other)
    assert not is_same_body(b"\x78damaged", encode_body(RESULT))


@pytest.mark.parametrize(
    "stored",
    [
        '{"kind":"horoscope","text":"hi"}',
        '{"kind":"user_prompt"}',
        "not JSON",
        b"not deflated",
        b"",
        b"\x87",
        b"\x87\x01",
        b"\x87\x02 a dictionary that does not exist",
        b"\x87" + b"\x01" * 40,
        encode_body(RESULT)[:-7],
        pack(msgspec.json.encode(RESULT), 0x87) + b"more",
        b"\x78\x9c deflated",
    ],
)
def test_a_row_that_is_not_ours_is_refused(stored: str | bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_body(stored)


def test_what_would_inflate_to_more_than_is_stored_is_refused() -> None:
    stored = encode_body(RESULT)
    assert isinstance(stored, bytes)
    with pytest.raises(DamagedBody):
        unpack(stored, most_bytes=5_000)


def test_a_command_skips_and_counts_a_damaged_entry_which_the_daemon_does_not() -> None:
    with closing(sqlite3.connect(":memory:", factory=TolerantConnection)) as db:
        assert (read_body(db, "{"), db.damaged) == (None, 1)
    with closing(sqlite3.connect(":memory:")) as strict, pytest.raises(DamagedBody):
        read_body(strict, "{")


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
