"""Conversations of versions before 0.43."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.cursor.stores import PROJECT, START_MS, EditorStore
from carryover.adapter.contract import Source
from carryover.agents.cursor import folding
from carryover.agents.cursor.context import Context
from carryover.agents.cursor.editor import old_chats
from carryover.agents.cursor.editor.old_chats import OldChatsReader
from carryover.model import AssistantMessage, Event, SessionInfo, Skipped, UserPrompt
from contract.damage import damaged

TAB: dict[str, Any] = {
    "tabId": "t1",
    "chatTitle": "add",
    "lastSendTime": START_MS,
    "bubbles": [
        {"type": "user", "text": "What does add do?"},
        {"type": "ai", "text": "It subtracts."},
        {"type": "ai", "text": ""},
        {"type": "user", "text": "Thanks."},
    ],
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EditorStore]:
    with closing(EditorStore(tmp_path / "User")) as made:
        yield made


def read(path: Path, cursor: bytes | None = None) -> tuple[list[Event], list[Skipped], bytes]:
    """What there is to read: events, what was skipped, and the cursor."""
    events: list[Event] = []
    skipped: list[Skipped] = []
    context, more = Context(), True
    while more:
        batch = OldChatsReader().read(path, cursor)
        cursor, more = batch.cursor, batch.more
        for record in batch.records:
            context, folded = folding.fold(Source(agent="cursor", path=str(path)), context, record)
            events += folded.events
            skipped += folded.skipped
    assert cursor is not None
    return events, skipped, cursor


def test_each_tab_is_a_session(store: EditorStore) -> None:
    path = store.old_chats(PROJECT, [TAB, TAB | {"tabId": "t2"}])
    events, skipped, _ = read(path)

    assert skipped == []
    assert {event.session for event in events} == {"t1", "t2"}
    assert {(event.cwd, event.at_ms) for event in events} == {(PROJECT, START_MS)}
    assert [event.body for event in events if event.session == "t1"] == [
        UserPrompt(text="What does add do?"),
        AssistantMessage(text="It subtracts.", final=False),
        UserPrompt(text="Thanks."),
        SessionInfo(title="add"),
    ]


def test_it_is_read_again_only_when_it_changed_and_keeps_its_keys(store: EditorStore) -> None:
    path = store.old_chats(PROJECT, [TAB])
    before, _, cursor = read(path)
    assert read(path, cursor)[0] == []

    more = TAB | {"bubbles": [*TAB["bubbles"], {"type": "ai", "text": "You are welcome."}]}
    store.old_chats(PROJECT, [more])
    after, _, _ = read(path, cursor)
    assert {event.key for event in before} <= {event.key for event in after}
    assert len(after) == len(before) + 1


def test_it_is_read_in_batches(store: EditorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.old_chats(PROJECT, [TAB])
    whole = read(path)[0]
    monkeypatch.setattr(old_chats, "READ_RECORDS", 1)

    assert read(path)[0] == whole


def test_a_conversation_without_a_time_is_as_old_as_its_database(store: EditorStore) -> None:
    path = store.old_chats(PROJECT, [{name: TAB[name] for name in ("tabId", "bubbles")}])

    assert {event.at_ms for event in read(path)[0]} == {path.stat().st_mtime_ns // 1_000_000}


def test_a_remote_window_is_counted(store: EditorStore) -> None:
    path = store.old_chats(PROJECT, [TAB])
    (path.parent / "workspace.json").write_text('{"folder": "vscode-remote://box/srv"}')

    assert read(path)[:2] == ([], [Skipped("conversation", "remote workspace")])


def test_anything_else_gives_nothing_and_raises_nothing(store: EditorStore) -> None:
    path = store.old_chats(PROJECT, [])
    assert read(path)[:2] == ([], [])
    for data in damaged({"tabs": [TAB]}):
        with closing(EditorStore(store.user)) as other:
            other.db.execute("ATTACH ? AS w", (str(path),))
            other.db.execute("UPDATE w.ItemTable SET value = ?", (data,))
        events = read(path)[0]
        assert msgspec.json.encode(events)
    assert OldChatsReader().read(path, b"noise").restarted
