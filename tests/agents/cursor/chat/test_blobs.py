"""The tree of blobs in a `store.db`."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cursor.chats import field, varint
from carryover.agents.cursor.chat.blobs import MAX_MESSAGES, NotProtobuf, fields, is_json, message_ids, root_of


def ident(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


A, B, C, NODE, INNER = map(ident, ("a", "b", "c", "node", "inner"))
NUMBER = varint(5 << 3) + varint(300)
FIXED = varint(6 << 3 | 1) + b"12345678" + varint(7 << 3 | 5) + b"1234"


def leaves(_: str) -> bytes | None:
    return None


def test_a_root_names_its_messages_in_order() -> None:
    root = field(1, A) + NUMBER + field(1, B) + FIXED + field(1, A) + field(9, b"file:///home/dev") + field(2, C)

    assert message_ids(root_of(root), leaves) == [A.hex(), B.hex(), A.hex()]
    assert root_of(root).workspace == "file:///home/dev"


def test_a_root_may_say_no_workspace() -> None:
    assert root_of(field(1, A)).workspace is None
    assert root_of(field(9, b"\xff")).workspace == "\ufffd"


def test_nodes_between_are_followed() -> None:
    """Newer builds put blobs of turns between; their own shape is not known."""
    nodes = {NODE.hex(): field(1, field(3, A) + NUMBER) + field(2, INNER), INNER.hex(): field(4, B) + field(4, C)}

    assert message_ids(root_of(field(1, NODE) + field(1, C)), nodes.get) == [A.hex(), B.hex(), C.hex(), C.hex()]


def test_a_node_that_names_nothing_stands_for_itself() -> None:
    assert message_ids(root_of(field(1, NODE)), {NODE.hex(): b"\x00\xff"}.get) == [NODE.hex()]
    assert message_ids(root_of(field(1, NODE)), {NODE.hex(): field(1, b"text")}.get) == [NODE.hex()]


def test_nodes_that_name_each_other_end() -> None:
    nodes = {NODE.hex(): field(1, INNER) * 9, INNER.hex(): field(1, NODE) * 9}

    assert len(message_ids(root_of(field(1, NODE) * 900), nodes.get)) <= MAX_MESSAGES


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"\xff",
        varint(1 << 3 | 2) + b"\x40",
        varint(1 << 3 | 3),
        varint(1 << 3 | 1) + b"123",
        b"\x80" * 20,
        b"{}",
    ],
)
def test_what_is_no_protocol_buffer_is_said(data: bytes) -> None:
    with pytest.raises(NotProtobuf):
        root_of(data)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_fields_or_none(data: bytes) -> None:
    with suppress(NotProtobuf):
        assert all(number > 0 for number, _ in fields(data))


def test_a_message_is_told_from_a_node() -> None:
    assert is_json(b' {"role": "user"}')
    assert not is_json(field(1, A))
    assert not is_json(b"")
