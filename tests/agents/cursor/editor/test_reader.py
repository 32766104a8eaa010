"""The editor's global database: each bubble once and when final, the newest first, at the cost of what changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agents.cursor import stores
from agents.cursor.editor_here import Editor, texts
from agents.cursor.editor_here import short_chat as chat
from agents.cursor.stores import (
    ONE,
    START_MS,
    TWO,
    Chat,
    EditorStore,
    composer,
    say,
    user,
)
from carryover.agents.cursor.editor import look as editor_look
from carryover.agents.cursor.editor import state as editor_state
from carryover.agents.cursor.editor.reader import EditorReader
from carryover.readers import sqlite

NOW_MS = START_MS + 120_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EditorStore]:
    with closing(EditorStore(tmp_path / "User")) as made:
        yield made


def values_asked_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the values that are fetched from now on."""
    asked: list[str] = []
    real = sqlite.value_at

    def noted(db: sqlite.Connection, query: str, key: str, *, limit: int) -> bytes | None:
        asked.append(key)
        return real(db, query, key, limit=limit)

    monkeypatch.setattr(sqlite, "value_at", noted)
    return asked


@pytest.mark.parametrize("era", ["table", "list", "workspaces", "keys"])
def test_every_form_of_the_list_gives_the_same_newest_first(tmp_path: Path, era: stores.Era) -> None:
    with closing(EditorStore(tmp_path / "User", era)) as store:
        store.put(ONE, TWO)
        events = Editor(store).read()
    assert [event.session for event in events][:: len(events) - 1] == [TWO.id, ONE.id]
    assert texts([event.body for event in events]) == [
        TWO.bubbles[0]["text"],
        TWO.bubbles[3]["text"],
        ONE.bubbles[0]["text"],
        ONE.bubbles[2]["text"],
        ONE.bubbles[5]["text"],
    ]
    assert {event.cwd for event in events} == ({None} if era == "keys" else {stores.PROJECT})


def test_rows_that_no_conversation_lists_never_come_out(store: EditorStore) -> None:
    store.put(ONE, TWO)
    editor = Editor(store)
    editor.read()

    assert b"GHOST" not in b"".join(record.data for batch in editor.batches for record in batch.records)


def test_secrets_and_addresses_stay_in_the_database(store: EditorStore) -> None:
    store.put(ONE)
    store.value(f"composerData:{TWO.id}", {**composer(TWO), "blobEncryptionKey": "SECRET"})
    editor = Editor(store)
    editor.read()

    records = b"".join(record.data for batch in editor.batches for record in batch.records)
    assert b"SECRET" not in records
    assert b"dev@example.com" not in records


def test_nothing_comes_twice(store: EditorStore) -> None:
    store.put(ONE, TWO)
    editor = Editor(store)
    editor.read()

    assert editor.read() == []
    store.put(ONE)
    assert editor.read() == []
    store.fill(5)
    assert editor.read() == []


def test_a_batch_is_bounded_and_any_cut_gives_the_same(store: EditorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(*(chat(number, bubbles=6) for number in range(5)), ONE, TWO)
    whole = Editor(store).read()
    monkeypatch.setattr(editor_look, "READ_RECORDS", 1)
    editor = Editor(store)

    assert editor.read() == whole
    assert max(len(batch.records) for batch in editor.batches) <= 2  # a bubble, and the state of its conversation
    assert [record.number for batch in editor.batches for record in batch.records] == list(
        range(1, sum(len(batch.records) for batch in editor.batches) + 1)
    )


def test_the_bytes_of_a_batch_are_bounded(store: EditorStore) -> None:
    store.put(Chat(name="Long", bubbles=[user("x" * 300_000) for _ in range(20)]))
    editor = Editor(store)

    assert len(editor.read()) == 20
    assert max(sum(len(record.data) for record in batch.records) for batch in editor.batches) < 1_500_000
    assert len(editor.batches) >= 5


def test_what_happens_now_comes_before_history(store: EditorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editor_look, "READ_RECORDS", 2)
    store.put(*(chat(number) for number in range(6)))
    editor = Editor(store)
    editor.step()
    store.put(chat(0).with_bubbles(user("now")), chat(9))
    editor.events.clear()

    editor.step()
    assert texts([event.body for event in editor.events])[:2] == ["prompt 9.0", "answer 9.1"]
    editor.read()
    both = [f"{kind} {number}.{at}" for number in (0, 1, 2, 3, 4, 9) for at, kind in enumerate(("prompt", "answer"))]
    assert sorted(texts([event.body for event in editor.standing()])) == sorted(["now", *both])


def test_a_row_that_takes_the_number_of_a_deleted_one_is_seen(store: EditorStore) -> None:
    editor = Editor(store, now_ms=NOW_MS)
    live = Chat(name="Live", bubbles=(user("Go."), say("We")), status="generating", start_ms=NOW_MS - 40_000)
    store.put(live)
    editor.read()
    (before,) = store.db.execute("SELECT max(rowid) FROM cursorDiskKV").fetchone()
    store.db.execute("DELETE FROM cursorDiskKV WHERE rowid = ?", (before,))
    other = Chat(name="Other", bubbles=())
    store.value(f"composerData:{other.id}", composer(other) | {"conversation": [{"bubbleId": "1", **user("Now.")}]})
    assert store.db.execute("SELECT max(rowid) FROM cursorDiskKV").fetchone() == (before,)

    assert texts(editor.bodies()) == ["Now."]


def test_rows_that_were_numbered_anew_lose_nothing(tmp_path: Path) -> None:
    with closing(EditorStore(tmp_path / "User", "keys")) as store:
        editor = Editor(store)
        store.put(*(chat(number) for number in range(3)))
        store.fill(20)
        store.put(*(chat(number) for number in range(3)))
        editor.read()
        store.db.execute("DELETE FROM cursorDiskKV WHERE key >= 'agentKv:' AND key < 'agentKv;'")
        store.put(chat(7))
        store.db.execute(stores.KV.format("anew"))
        store.db.execute("INSERT INTO anew (key, value) SELECT key, value FROM cursorDiskKV ORDER BY rowid")
        store.db.execute("DROP TABLE cursorDiskKV")
        store.db.execute("ALTER TABLE anew RENAME TO cursorDiskKV")

        editor.read()
        assert len(editor.standing()) == 8
        store.put(chat(1).with_bubbles(user("more")))
        assert texts(editor.bodies()) == ["more"]


def test_rows_that_were_numbered_anew_and_have_gone_past_where_we_were_lose_nothing(tmp_path: Path) -> None:
    """As after a VACUUM, when nobody looked for long."""
    with closing(EditorStore(tmp_path / "User", "keys")) as store:
        editor = Editor(store)
        for _ in range(3):
            store.put(*(chat(number) for number in range(3)))
        editor.read()
        state = editor_state.decoded(editor.cursor)
        store.db.execute("VACUUM")
        store.put(chat(1).with_bubbles(user("more")))
        store.fill(20)
        assert state is not None
        assert store.db.execute("SELECT max(rowid) FROM cursorDiskKV").fetchone() > (state.rowid,)

        editor.read()
        assert "more" in texts([event.body for event in editor.standing()])
        assert len(editor.standing()) == 7


def test_a_change_costs_what_changed(store: EditorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(*(chat(number, bubbles=20) for number in range(60)))
    editor = Editor(store)
    editor.read()
    asked = values_asked_for(monkeypatch)
    editor.read()
    assert len(asked) <= 1  # the last row, for it may have been written again

    asked.clear()
    changed = chat(59, bubbles=20).with_bubbles(user("one more"))
    store.value(f"bubbleId:{changed.id}:{changed.bubble_id(20)}", user("one more"))
    store.value(f"composerData:{changed.id}", composer(changed))
    assert texts(editor.bodies()) == ["one more"]
    assert len(asked) <= 4


def test_big_rows_of_others_are_never_read(store: EditorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(ONE)
    store.fill(50)
    asked = values_asked_for(monkeypatch)
    Editor(store).read()

    assert asked
    assert all(key.startswith(("composerData:", "bubbleId:", ONE.id)) for key in asked)


def test_rows_that_are_changed_in_their_place_are_found_by_the_list(store: EditorStore) -> None:
    """Should an editor ever update rows instead of replacing them."""
    store.put(ONE, TWO)
    editor = Editor(store)
    editor.read()
    more = ONE.with_bubbles(user("one more"), start_ms=TWO.start_ms + 3_600_000)
    key = f"bubbleId:{TWO.id}:{TWO.bubble_id(0)}"  # a row there is stands in for the new one
    store.db.execute("UPDATE cursorDiskKV SET key = ? WHERE key = ?", (f"bubbleId:{ONE.id}:{more.bubble_id(6)}", key))
    for table, column, value in (
        ("cursorDiskKV", "key", f"composerData:{ONE.id}"),
        ("composerHeaders", "composerId", ONE.id),
    ):
        data = json.dumps(composer(more)).encode()
        store.db.execute(f"UPDATE {table} SET value = ? WHERE {column} = ?", (data, value))
    assert editor.read() == []

    store.db.execute("UPDATE composerHeaders SET lastUpdatedAt = ? WHERE composerId = ?", (more.updated_ms, more.id))
    assert texts(editor.bodies()) == [TWO.bubbles[0]["text"]]


def test_a_stream_leaves_the_cursor_as_it_is_and_a_restart_in_it_loses_nothing(
    store: EditorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger would have to write it all anew several times a second."""
    editor = Editor(store, now_ms=NOW_MS)
    live = Chat(name="Live", bubbles=(user("Go."),), status="generating", start_ms=NOW_MS - 60_000)

    def stream(words: int) -> list[str]:
        editor.now_ms += 300
        store.put(live.with_bubbles(say("word " * words), generating=(1,), more={"lastUpdatedAt": editor.now_ms}))
        return texts(editor.bodies())

    store.put(chat(1), live)
    editor.read()
    stream(1)
    before = editor.cursor
    for words in range(2, 40):
        assert stream(words) == []
        assert editor.cursor == before

    editor.reader = EditorReader(lambda: editor.now_ms)
    assert stream(40) == []
    monkeypatch.setattr(editor_state, "MANY_ROWS", 5)
    assert stream(41) == []
    assert editor.cursor != before
    editor.now_ms += 61_000
    assert texts(editor.bodies()) == ["word " * 41]


def test_one_header_that_is_none_hides_no_other(store: EditorStore) -> None:
    row = composer(ONE)
    headers = row["fullConversationHeadersOnly"]
    for odd in (5, {"bubbleId": 5}, {"type": 1}, {"bubbleId": ""}, {"bubbleId": "\ud800", "type": "x"}, None):
        store.put(ONE)
        store.value(f"composerData:{ONE.id}", {**row, "fullConversationHeadersOnly": [odd, *headers]})
        assert len(texts(Editor(store).bodies())) == 3


def test_the_cursor_stays_small(store: EditorStore) -> None:
    store.put(*(chat(number, bubbles=130) for number in range(50)))
    editor = Editor(store)
    editor.read()

    assert len(editor.cursor or b"") < 200_000
