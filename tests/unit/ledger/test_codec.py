from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from typing import get_args

import msgspec
import pytest

from carryover.ledger.codec import KINDS, decode_body, encode_body, is_same_body, may_be
from carryover.ledger.connect import DamagedBody
from carryover.model import (
    AnyBody,
    ToolResult,
)

RESULT = ToolResult(call_id="c", name="Bash", op="shell", status="ok", output="collected 12 items\n" * 300)


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_finds_a_kind_however_it_is_stored(kind: str) -> None:
    plain = f'{{"kind":"{kind}","text":"said"}}'
    other = "turn_end" if kind != "turn_end" else "answer"
    number = KINDS.index(kind)
    bodies = [plain, bytes((0x80 + number, 1)) + b"frame", plain.replace(kind, other), bytes((0x81 + number, 1))]

    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE event (body)")
        db.executemany("INSERT INTO event VALUES (?)", [(body,) for body in bodies])
        found = [body for (body,) in db.execute(f"SELECT body FROM event WHERE {may_be(kind)}")]

    assert found == bodies[:2]


def test_an_edit_that_was_deflated_is_found_too() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE event (body)")
        db.execute("INSERT INTO event VALUES (?)", (zlib.compress(b"{}"),))
        counted = [
            db.execute(f"SELECT count(*) FROM event WHERE {may_be(kind)}").fetchone()[0]
            for kind in ("file_edit", "user_prompt")
        ]

    assert counted == [1, 0], "what was said was never deflated"


def test_every_kind_has_its_number_and_keeps_it() -> None:
    kinds = {body.__struct_config__.tag for body in get_args(AnyBody)}

    assert kinds == set(KINDS)
    assert KINDS[:3] == ("session_info", "user_prompt", "queued_prompt")
    assert KINDS[-3:] == ("retracted", "session_start", "session_end")


@pytest.mark.parametrize("former", [msgspec.json.encode(RESULT).decode(), zlib.compress(msgspec.json.encode(RESULT))])
def test_a_body_is_the_same_however_it_is_stored(former: str | bytes) -> None:
    other = encode_body(msgspec.structs.replace(RESULT, output="collected 13 items"))

    assert is_same_body(former, encode_body(RESULT))
    assert not is_same_body(former, other)
    assert not is_same_body(b"\x78damaged", encode_body(RESULT))


def test_what_would_inflate_to_more_than_is_stored_is_refused() -> None:
    bomb = zlib.compressobj()
    packed = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(65)) + bomb.flush()
    with pytest.raises(DamagedBody):
        decode_body(packed)


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
        zlib.compress(msgspec.json.encode(RESULT))[:-7],
    ],
)
def test_a_row_that_is_not_ours_is_refused(stored: str | bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_body(stored)
