"""The editor's database when it holds what no editor writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agents.cursor import stores
from agents.cursor.reading import Editor, texts
from agents.cursor.stores import ONE, Chat, EditorStore, composer, say, shell, user
from contract.damage import damaged


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EditorStore]:
    with closing(EditorStore(tmp_path / "User")) as made:
        yield made


def test_a_value_too_large_to_hold_is_counted(store: EditorStore) -> None:
    store.put(Chat(name="Big", bubbles=(user("Look."), say("x" * (9 << 20)), say("Done."))))
    editor = Editor(store)

    assert texts(editor.bodies()) == ["Look.", "Done."]
    assert sum(batch.oversized for batch in editor.batches) == 1
    editor.read()
    assert sum(batch.oversized for batch in editor.batches) == 1


def test_a_database_without_conversations_is_read_and_nothing_comes(tmp_path: Path) -> None:
    with closing(EditorStore(tmp_path / "User")) as store:
        assert Editor(store).read() == []
        store.db.execute("DROP TABLE cursorDiskKV")
        store.db.execute("DROP TABLE composerHeaders")
        store.db.execute("CREATE TABLE composerHeaders (composerId TEXT)")
        editor = Editor(store)
        assert editor.read() == []
        store.db.execute(stores.KV.format("cursorDiskKV"))
        store.value(f"composerData:{ONE.id}", composer(ONE))
        assert editor.read() == []


def test_any_field_of_any_type_raises_nothing(store: EditorStore) -> None:
    value = composer(Chat(name="damaged", bubbles=(user("Go."), shell("make", "ok\n"), say("Done."))))
    store.put(Chat(name="damaged", bubbles=(user("Go."), shell("make", "ok\n"), say("Done."))))
    store.put(ONE)
    editor = Editor(store)
    store.db.execute("BEGIN")
    for number, data in enumerate(damaged(value)):
        store.db.execute("INSERT INTO cursorDiskKV VALUES (?, ?)", (f"composerData:{number}", data))
    store.db.execute("COMMIT")

    assert editor.read()
    assert json.dumps([skipped.reason for skipped in editor.skipped])
