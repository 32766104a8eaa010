"""What a `store.db` and its `meta.json` say of their conversation."""

from __future__ import annotations

import json

from agents.cursor.chats import START_MS
from carryover.agents.cursor.chat.facts import Facts, facts_of
from contract.damage import damaged

ROOT = "ab" * 32
META = {
    "agentId": "x",
    "latestRootBlobId": ROOT.upper(),
    "name": "New Agent",
    "mode": "default",
    "createdAt": START_MS,
    "lastUsedModel": "test-model",
    "blobEncryptionKey": "SECRET",
}
BESIDE = {
    "schemaVersion": 1,
    "createdAtMs": START_MS - 5,
    "updatedAtMs": START_MS + 5,
    "isSubagent": True,
    "title": "Fix add()",
    "cwd": "/home/dev/demo",
}


def as_stored(meta: object) -> bytes:
    return json.dumps(meta).encode().hex().encode()


def test_both_together_tell_of_the_conversation() -> None:
    assert facts_of(as_stored(META), json.dumps(BESIDE).encode()) == Facts(
        root=ROOT,
        encrypted=True,
        created_ms=START_MS,
        updated_ms=START_MS + 5,
        title="Fix add()",
        model="test-model",
        cwd="/home/dev/demo",
        sub_agent=True,
    )


def test_the_key_stays_where_it_is() -> None:
    assert "SECRET" not in repr(facts_of(as_stored(META), None))


def test_without_meta_json_the_row_must_do() -> None:
    found = facts_of(json.dumps({**META, "name": "Totals"}).encode(), None)

    assert found is not None
    assert (found.title, found.created_ms, found.updated_ms, found.cwd, found.sub_agent) == (
        "Totals",
        START_MS,
        0,
        None,
        False,
    )


def test_a_conversation_without_a_name_has_no_title() -> None:
    found = facts_of(as_stored(META), None)

    assert found is not None
    assert found.title is None


def test_a_row_that_is_neither_hex_nor_json_is_none() -> None:
    for value in (b"", b"zz", b"abc", b"5b5d", b"\xff", b"{", b"{" * 100_000):
        assert facts_of(value, None) is None


def test_facts_of_any_shape_raise_nothing() -> None:
    for data in damaged(META):
        facts_of(data.hex().encode(), None)
    for data in (*damaged(BESIDE), b"\xff", b"[]", b""):
        found = facts_of(as_stored(META), data)
        assert found is not None
        assert found.created_ms >= 0
