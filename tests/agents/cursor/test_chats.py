"""Reading a `store.db` while its client writes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.cursor.chats import (
    ID,
    ONE,
    PROJECT,
    TWO,
    ChatStore,
    field,
    message,
    messages,
    said,
    wrapped,
)
from agents.cursor.reading import Told, chat_at
from carryover.model import AssistantMessage, SessionInfo, Skipped, ToolResult, UserPrompt
from contract.damage import HOSTILE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChatStore]:
    store = ChatStore(tmp_path / "chats" / "h" / ID)
    yield store
    store.close()


def reported(store: ChatStore) -> Told:
    return chat_at(store.path)


def prompts(chat: Told) -> list[str]:
    """The prompts that count."""
    return [event.body.text for event in chat.counts if isinstance(event.body, UserPrompt)]


def test_a_conversation_is_shown_in_its_order(store: ChatStore) -> None:
    store.save(messages(ONE))
    chat = reported(store)
    found = chat.bodies()

    assert found[:2] == [UserPrompt(text=ONE[0].text), AssistantMessage(text=ONE[1].text)]
    assert [(body.status, body.exit_code) for body in found if isinstance(body, ToolResult)] == [
        ("ok", None),
        ("error", 1),
    ]
    assert (chat.skipped, chat.oversized, chat.restarts) == ([], 0, 0)
    assert {(event.session, event.cwd) for event in chat.standing} == {(ID, PROJECT)}
    assert chat.infos == [SessionInfo(title="Fix add()")]


def test_each_new_root_brings_only_what_is_new(store: ChatStore) -> None:
    chat = reported(store)
    conversation = messages((*ONE, *TWO))
    for end in range(1, len(conversation) + 1):
        store.save(conversation[:end])
        chat.bodies()

    at_once = reported(store)
    at_once.bodies()
    assert chat.counts == at_once.counts
    assert chat.context.talk == at_once.context.talk
    assert (chat.skipped, chat.restarts) == ([], 0)
    assert len([record for record in chat.records if b'"kind":"message"' in record.data]) == len(conversation)


def test_a_turn_that_the_user_took_back_counts_no_longer(store: ChatStore) -> None:
    chat = reported(store)
    store.save(messages((*ONE, *TWO)))
    chat.read()
    store.save([*messages(ONE), message("user", said(wrapped("No, do not.", 9)))])

    assert chat.bodies() == [UserPrompt(text="No, do not.")]
    assert prompts(chat) == [ONE[0].text, "No, do not."]
    store.save(messages(ONE))
    assert chat.bodies() == []
    assert prompts(chat) == [ONE[0].text]


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_compaction_takes_nothing_back(store: ChatStore, kept: int) -> None:
    """What was said stays true; the client only no longer sends it to the model."""
    chat = reported(store)
    before = messages((*ONE, *TWO))
    store.save(before)
    chat.bodies()
    summary = message("user", said("Summary of the conversation so far: add() was fixed."))
    after = [*before[:2], summary, *before[len(before) - kept :]]
    store.save(after)

    assert chat.bodies() == [UserPrompt(text="Summary of the conversation so far: add() was fixed.", actor="model")]
    store.save([*after, message("user", said(wrapped("Go on", 20)))])
    assert chat.bodies() == [UserPrompt(text="Go on")]


def test_the_same_words_twice_are_two_prompts(store: ChatStore) -> None:
    again = message("user", said("<user_query>continue</user_query>"))
    store.save([*messages(ONE), again, message("assistant", said("Well.")), again])
    chat = reported(store)
    chat.bodies()

    assert prompts(chat) == [ONE[0].text, "continue", "continue"]
    assert len({event.key for event in chat.standing}) == len(chat.standing)


def test_without_meta_json_the_workspace_of_the_root_is_the_folder(tmp_path: Path) -> None:
    store = ChatStore(tmp_path / "x", beside=False, project="/home/dev/my demo")
    store.save(messages(ONE, "/home/dev/my demo"))
    chat = reported(store)
    chat.bodies()
    store.save(messages((*ONE, *TWO), "/home/dev/my demo"), name="Totals")
    chat.bodies()
    store.close()

    assert {event.cwd for event in chat.standing} == {"/home/dev/my demo"}


def test_a_sub_agents_conversation_was_typed_by_nobody(store: ChatStore) -> None:
    store.beside(title="Helper", cwd=PROJECT, isSubagent=True)
    store.save(messages(ONE))
    chat = reported(store)

    assert chat.bodies()[0] == UserPrompt(text=ONE[0].text, actor="model")
    assert {event.subagent_id for event in chat.standing} == {ID}
    assert not any(isinstance(event.body, SessionInfo) for event in chat.standing)


def test_turns_in_blobs_of_their_own_are_followed(store: ChatStore) -> None:
    ids = [store.blob(json.dumps(one).encode()) for one in messages((*ONE, *TWO))]
    turns = [store.blob(field(1, field(2, ident) * 1) + field(9, b"x")) for ident in ids]
    store.save_ids(turns)
    nested = reported(store)
    nested.read()
    store.save_ids(ids)
    plain = reported(store)
    plain.read()

    assert nested.standing == plain.standing
    assert nested.read() == []


def test_messages_nobody_can_read_cost_only_themselves(store: ChatStore) -> None:
    good = [store.blob(json.dumps(one).encode()) for one in messages(ONE)]
    bad = [store.blob(data) for data in (*HOSTILE.values(), b"\x01garbage", b"\xef\xbb\xbf" * 5000)]
    store.save_ids([*good[:3], *bad, hashlib.sha256(b"missing").digest(), *good[3:]])
    chat, clean = reported(store), reported(store)
    chat.bodies()
    store.save_ids(good)
    clean.read()

    assert [event.key for event in chat.standing] == [event.key for event in clean.standing]
    assert len(chat.skipped) == len(bad)


def test_a_store_that_was_only_just_made_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"")
    chat = chat_at(path)
    assert chat.bodies() == []

    store = ChatStore(tmp_path)
    assert chat.bodies() == []
    store.save(messages(ONE))
    assert chat.bodies()[0] == UserPrompt(text=ONE[0].text)
    store.close()


def test_a_message_too_long_to_hold_is_passed_by(store: ChatStore) -> None:
    store.save([*messages(ONE), message("assistant", said("x" * (9 << 20))), message("assistant", said("After"))])
    chat = reported(store)

    assert chat.bodies()[-1] == AssistantMessage(text="After")
    assert chat.oversized == 1


def test_a_root_nobody_can_read_is_counted_once(store: ChatStore) -> None:
    store.save_ids([])
    chat = reported(store)
    chat.bodies()
    chat.bodies()

    assert chat.skipped == [Skipped("conversation", "unexpected root")]
