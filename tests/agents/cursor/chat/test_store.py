"""The database of a chat, which belongs to its client: read while it is written, and left as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

from agents.cursor.chats import ONE, ChatStore, Told, messages
from carryover.agents.cursor.chat.reader import ChatReader
from carryover.agents.cursor.talk import fold as talk_fold
from carryover.model import UserPrompt

SECRET = b"SECRET-MUST-NOT-BE-COPIED"


def told(store: ChatStore) -> Told:
    return Told(ChatReader(), talk_fold.fold, store.path)


def test_the_store_stays_as_it_was_and_its_writer_is_not_held_up(store: ChatStore) -> None:
    store.save(messages(ONE))
    folder = store.path.parent

    def look() -> dict[str, tuple[bytes, int]]:
        # SQLite shares the index of a WAL between the connections of one process, so here it is the writer's own.
        files = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in sorted(folder.iterdir())}
        return {name: (b"" if name.endswith("-shm") else data, at) for name, (data, at) in files.items()}

    before = look()
    chat = told(store)
    chat.read()
    assert look() == before
    store.db.execute("BEGIN IMMEDIATE")
    assert chat.read() == []
    store.db.execute("COMMIT")
    assert look() == before


def test_the_key_leaves_the_store_neither_in_records_nor_in_the_cursor(store: ChatStore) -> None:
    store.save(messages(ONE))
    chat = told(store)
    chat.read()

    assert chat.cursor is not None
    assert SECRET not in chat.cursor
    assert not any(SECRET in record.data for record in chat.records)


def test_a_copy_with_a_wal_but_no_index_is_read_whole(store: ChatStore, tmp_path: Path) -> None:
    store.save(messages(ONE))
    copy = tmp_path / "copy"
    copy.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{store.path}{suffix}", copy / f"store.db{suffix}")
    names = sorted(copy.iterdir())
    chat = Told(ChatReader(), talk_fold.fold, copy / "store.db")
    chat.read()

    assert [e.body.text for e in chat.events if isinstance(e.body, UserPrompt)] == [ONE[0].text]
    assert sorted(copy.iterdir()) == names
