"""Reading a `store.db` while its client writes it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.cursor.chats import (
    ID,
    ONE,
    PROJECT,
    START_MS,
    TWO,
    ChatStore,
    Step,
    Told,
    field,
    message,
    messages,
    said,
    wrapped,
)
from carryover.agents.cursor.chat import reader as chat_reader
from carryover.agents.cursor.chat.reader import ChatReader
from carryover.agents.cursor.talk import fold as talk_fold
from carryover.model import AssistantMessage, SessionInfo, Skipped, ToolResult, Undone, UserPrompt
from contract.damage import HOSTILE, damaged


def told(store: ChatStore) -> Told:
    return Told(ChatReader(), talk_fold.fold, store.path)


def prompts(chat: Told) -> list[str]:
    """The prompts that still count."""
    undone = {key for event in chat.events if isinstance(event.body, Undone) for key in event.body.keys}
    return [e.body.text for e in chat.events if isinstance(e.body, UserPrompt) and e.key not in undone]


def test_a_conversation_is_told_in_its_order(store: ChatStore) -> None:
    store.save(messages(ONE))
    chat = told(store)
    found = chat.read()

    assert found[:2] == [UserPrompt(text=ONE[0].text), AssistantMessage(text=ONE[1].text)]
    assert [(body.status, body.exit_code) for body in found if isinstance(body, ToolResult)] == [
        ("ok", None),
        ("error", 1),
    ]
    assert (chat.skipped, chat.oversized, chat.restarts) == ([], 0, 0)
    assert {(event.session, event.cwd) for event in chat.events} == {(ID, PROJECT)}
    assert chat.events[0].body == SessionInfo(title="Fix add()")


def test_each_new_root_brings_only_what_is_new(store: ChatStore) -> None:
    chat = told(store)
    conversation = messages((*ONE, *TWO))
    for end in range(1, len(conversation) + 1):
        store.save(conversation[:end])
        chat.read()

    at_once = told(store)
    at_once.read()
    assert chat.events == at_once.events
    assert chat.context == at_once.context
    assert (chat.skipped, chat.restarts) == ([], 0)
    # All of them once, and one record for the facts.
    assert len(chat.records) == len(conversation) + 1


def test_a_look_without_news_gives_nothing(store: ChatStore) -> None:
    store.save(messages(ONE))
    chat = told(store)
    chat.read()
    before = chat.cursor
    assert before is not None

    assert chat.read() == []
    assert chat.cursor == before


def test_a_turn_that_the_user_took_back_is_undone(store: ChatStore) -> None:
    chat = told(store)
    store.save(messages((*ONE, *TWO)))
    chat.read()
    store.save([*messages(ONE), message("user", said(wrapped("No, do not.", 9)))])
    found = chat.read()

    assert isinstance(found[0], Undone)
    assert prompts(chat) == [ONE[0].text, "No, do not."]
    taken = {event.key for event in chat.events if event.at_ms > START_MS + 250_000} & set(found[0].keys)
    left = told(store)
    left.read()
    assert taken
    assert set(found[0].keys).isdisjoint(event.key for event in left.events)


def test_every_event_of_what_was_taken_back_is_named(store: ChatStore) -> None:
    todos = {"todos": [{"id": "1", "content": "Fix add"}]}
    asked = {"questions": [{"prompt": "Go on?"}]}
    rich = [
        message("user", said(wrapped("Do it", 1))),
        message(
            "assistant",
            said("Well"),
            {"type": "tool-call", "toolCallId": "t", "toolName": "TodoWrite", "args": todos},
            {"type": "tool-call", "toolCallId": "a", "toolName": "AskQuestion", "args": asked},
            {"type": "tool-call", "toolCallId": "w", "toolName": "Write", "args": {"path": "/p/a", "contents": "x"}},
        ),
        message(
            "tool",
            {"type": "tool-result", "toolCallId": "a", "toolName": "AskQuestion", "result": "Yes"},
            {"type": "tool-result", "toolCallId": "w", "toolName": "Write", "result": "Wrote"},
        ),
    ]
    chat = told(store)
    store.save([*messages(ONE), *rich])
    chat.read()
    count = len(chat.events)
    store.save(messages(ONE))
    (undone,) = chat.read()

    assert isinstance(undone, Undone)
    plain = told(store)
    plain.read()
    of_rich = {event.key for event in chat.events[:count]} - {event.key for event in plain.events}
    assert len(of_rich) >= 9
    assert of_rich <= set(undone.keys)


def test_what_comes_back_after_it_was_taken_back_counts_again(store: ChatStore) -> None:
    chat = told(store)
    for conversation in (messages((*ONE, *TWO)), messages(ONE), messages((*ONE, *TWO))):
        store.save(conversation)
        chat.read()

    assert prompts(chat) == [ONE[0].text, TWO[0].text]
    assert len({event.key for event in chat.events}) == len(chat.events)


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_compaction_takes_nothing_back(store: ChatStore, kept: int) -> None:
    """What was said stays true; the client only no longer sends it to the model."""
    chat = told(store)
    before = messages((*ONE, *TWO))
    store.save(before)
    chat.read()
    summary = message("user", said("Summary of the conversation so far: add() was fixed."))
    after = [*before[:2], summary, *before[len(before) - kept :]]
    store.save(after)

    assert chat.read() == [UserPrompt(text="Summary of the conversation so far: add() was fixed.", actor="model")]
    store.save([*after, message("user", said(wrapped("Go on", 20)))])
    assert chat.read() == [UserPrompt(text="Go on")]


def test_a_message_that_is_written_anew_counts_once(store: ChatStore) -> None:
    """An answer that grows while it is streamed, and one that changes when its call has come back."""
    chat = told(store)
    head, (call, result) = messages(ONE)[:4], messages(ONE)[4:6]
    for tail in (
        [message("assistant", said("I will"))],
        [message("assistant", said("I will look."))],
        [message("assistant", said("I will look.")), call],
        [message("assistant", said("I will look."), id="1"), call, result],
    ):
        store.save([*head, *tail])
        chat.read()

    at_once = told(store)
    at_once.read()
    undone = {key for event in chat.events if isinstance(event.body, Undone) for key in event.body.keys}
    left = [event for event in chat.events if event.key not in undone and not isinstance(event.body, Undone)]
    assert {event.key: event.body for event in left} == {event.key: event.body for event in at_once.events}


def test_the_same_words_twice_are_two_prompts(store: ChatStore) -> None:
    again = message("user", said("<user_query>continue</user_query>"))
    store.save([*messages(ONE), again, message("assistant", said("Well.")), again])
    chat = told(store)
    chat.read()

    assert prompts(chat) == [ONE[0].text, "continue", "continue"]
    assert len({event.key for event in chat.events}) == len(chat.events)


def test_a_long_history_comes_in_batches(store: ChatStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_reader, "READ_BYTES", 3000)
    store.save(messages(tuple(Step("say", f"{number} " + "x" * 1000) for number in range(20))))
    chat = told(store)
    batch = chat.reader.read(store.path, None)
    assert batch.more
    assert len(batch.records) < 8

    assert len(chat.read()) == 20
    once = told(store)
    monkeypatch.undo()
    once.read()
    assert chat.events == once.events


def test_what_was_read_half_goes_on_after_another_root(store: ChatStore, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = tuple(Step("say", f"{number} " + "x" * 1000) for number in range(9))
    store.save(messages(steps[:6]))
    chat = told(store)
    monkeypatch.setattr(chat_reader, "READ_BYTES", 3000)
    batch = chat.reader.read(store.path, None)
    for record in batch.records:
        chat.fold_in(record)
    chat.cursor = batch.cursor
    store.save(messages(steps))
    chat.read()

    assert [e.body.text for e in chat.events if isinstance(e.body, AssistantMessage)] == [step.text for step in steps]


def test_a_message_too_long_to_hold_is_passed_by(store: ChatStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carryover.agents.cursor.chat.store.MAX_BLOB_BYTES", 1000)
    monkeypatch.setattr("carryover.agents.cursor.chat.store.Store.blob.__defaults__", (1000,))
    store.save([*messages(ONE), message("assistant", said("x" * 2000)), message("assistant", said("After"))])
    chat = told(store)

    assert chat.read()[-1] == AssistantMessage(text="After")
    assert chat.oversized == 1
    chat.read()
    assert chat.oversized == 1


def test_the_title_is_told_again_when_it_changes(store: ChatStore) -> None:
    store.save(messages(ONE))
    chat = told(store)
    chat.read()
    store.beside(title="Totals", cwd=PROJECT)
    chat.read()
    store.save(messages(ONE), lastUsedModel="test-model")
    chat.read()

    assert [event.body for event in chat.events if isinstance(event.body, SessionInfo)] == [
        SessionInfo(title="Fix add()"),
        SessionInfo(title="Totals"),
        SessionInfo(title="Totals", model="test-model"),
    ]


def test_without_meta_json_the_workspace_of_the_root_is_the_folder(tmp_path: Path) -> None:
    store = ChatStore(tmp_path / "x", beside=False, project="/home/dev/my demo")
    store.save(messages(ONE, "/home/dev/my demo"))
    chat = told(store)
    chat.read()
    store.save(messages((*ONE, *TWO), "/home/dev/my demo"), name="Totals")
    chat.read()
    store.close()

    assert {event.cwd for event in chat.events} == {"/home/dev/my demo"}


def test_a_sub_agents_conversation_was_typed_by_nobody(store: ChatStore) -> None:
    store.beside(title="Helper", cwd=PROJECT, isSubagent=True)
    store.save(messages(ONE))
    chat = told(store)

    assert chat.read()[0] == UserPrompt(text=ONE[0].text, actor="model")
    assert {event.sidechain for event in chat.events} == {ID}
    assert not any(isinstance(event.body, SessionInfo) for event in chat.events)


def test_turns_in_blobs_of_their_own_are_followed(store: ChatStore) -> None:
    ids = [store.blob(json.dumps(one).encode()) for one in messages((*ONE, *TWO))]
    turns = [store.blob(field(1, field(2, ident) * 1) + field(9, b"x")) for ident in ids]
    store.save_ids(turns)
    nested = told(store)
    nested.read()
    store.save_ids(ids)
    plain = told(store)
    plain.read()

    assert nested.events == plain.events
    assert nested.read() == []


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        (b"\x8f\x01\xff\x00" * 20, "encrypted"),
        (field(2, b"x"), "root without messages"),
        (b"", "root without messages"),
    ],
)
def test_a_root_nobody_can_read_is_counted_once(store: ChatStore, root: bytes, reason: str) -> None:
    store.save_root(root)
    chat = told(store)

    assert chat.read() == []
    store.save_root(root, name="x")
    assert chat.read() == []
    assert chat.skipped == [Skipped(record_type="conversation", reason=reason)]
    store.save(messages(ONE))
    assert prompts(chat) == []
    assert chat.read()[0] == UserPrompt(text=ONE[0].text)


def test_messages_nobody_can_read_cost_only_themselves(store: ChatStore) -> None:
    good = [store.blob(json.dumps(one).encode()) for one in messages(ONE)]
    bad = [store.blob(data) for data in (*HOSTILE.values(), b"\x01garbage", b"", b"\xef\xbb\xbf" * 5000)]
    store.save_ids([*good[:3], *bad, hashlib.sha256(b"missing").digest(), *good[3:]])
    chat, clean = told(store), told(store)
    chat.read()
    store.save_ids(good)
    clean.read()

    assert [event.key for event in chat.events] == [event.key for event in clean.events]
    assert len(chat.skipped) == len(bad) + 1


def test_rows_of_any_type_raise_nothing(store: ChatStore) -> None:
    store.save(messages(ONE))
    for value in (None, 5, 1.5, "", "zz", b"\xff", "7b7d", "5b5d"):
        store.db.execute("UPDATE meta SET value = ?", (value,))
        told(store).read()
    store.save(messages(ONE))
    for value in (None, 5, 1.5, "text", ""):
        store.db.execute("UPDATE blobs SET data = ? WHERE length(data) > 200", (value,))
        told(store).read()


def test_a_store_that_was_only_just_made_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"")
    chat = Told(ChatReader(), talk_fold.fold, path)
    assert chat.read() == []

    store = ChatStore(tmp_path)
    assert chat.read() == []
    store.save(messages(ONE))
    assert chat.read()[0] == UserPrompt(text=ONE[0].text)
    store.close()


def test_what_cannot_be_read_now_is_said(store: ChatStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ChatReader().read(tmp_path / "none" / "store.db", None)
    (tmp_path / "store.db").write_bytes(b"no database" * 1000)
    with pytest.raises(OSError, match="cannot be read now"):
        ChatReader().read(tmp_path / "store.db", None)


def test_a_cursor_of_another_form_begins_anew(store: ChatStore) -> None:
    store.save(messages(ONE))
    chat = told(store)
    chat.cursor = msgspec.msgpack.encode({"x": 1})
    chat.read()

    assert chat.restarts == 1
    assert prompts(chat) == [ONE[0].text]


def test_a_cursor_stays_small(store: ChatStore) -> None:
    store.save(messages(tuple(Step("say", str(number)) for number in range(2000))))
    chat = told(store)
    chat.read()

    assert chat.cursor is not None
    assert len(chat.cursor) < 20_000
    assert len(msgspec.json.encode(chat.context)) < 2000


def test_a_change_of_the_last_message_reads_little(store: ChatStore) -> None:
    """However long the conversation is: SQLite's own count of steps tells."""
    steps = tuple(Step("say", str(number)) for number in range(2000))
    store.save(messages(steps))
    chat = told(store)
    chat.read()
    store.save(messages((*steps, Step("say", "last"))))
    statements: list[str] = []
    connect = sqlite3.connect

    def traced(*args: Any, **more: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*args, **more)
        db.set_trace_callback(statements.append)
        return db

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", traced)
        assert chat.read() == [AssistantMessage(text="last")]
    assert 0 < len(statements) < 20


def test_records_of_any_shape_raise_nothing(store: ChatStore) -> None:
    store.save(messages(ONE))
    chat = told(store)
    chat.read()
    store.save(messages(()))
    chat.read()
    for record in chat.records:
        for data in damaged(json.loads(record.data)):
            context, folded = talk_fold.fold(chat.source, chat.context, msgspec.structs.replace(record, data=data))
            assert all(event.at_ms > 0 for event in folded.events)
            assert isinstance(context, type(chat.context))
