"""Reading a `store.db` while its client writes it, and what its messages become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.cursor.chats import ID, ONE, PROJECT, START_MS, TWO, ChatStore, field, message, messages, said, wrapped
from agents.cursor.reading import Told, chat_at
from carryover import model
from carryover.past.check.damage import HOSTILE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChatStore]:
    store = ChatStore(tmp_path / "chats" / "h" / ID)
    yield store
    store.close()


def reported(store: ChatStore, *conversation: dict[str, Any]) -> Told:
    if conversation:
        store.save(conversation)
    chat = chat_at(store.path)
    chat.read()
    return chat


def prompts(chat: Told) -> list[str]:
    """The prompts that count."""
    return [event.body.text for event in chat.counts if isinstance(event.body, model.UserPrompt)]


def call(name: str, call_id: str = "c", **args: Any) -> dict[str, Any]:
    return message("assistant", {"type": "tool-call", "toolCallId": call_id, "toolName": name, "args": args})


def result(value: Any, call_id: str = "c", **more: Any) -> dict[str, Any]:
    return message("tool", {"type": "tool-result", "toolCallId": call_id, "toolName": "x", "result": value, **more})


def test_a_conversation_is_shown_in_its_order(store: ChatStore) -> None:
    chat = reported(store, *messages(ONE))

    bodies = [event.body for event in chat.counts]
    assert bodies[:2] == [model.UserPrompt(text=ONE[0].text), model.AssistantMessage(text=ONE[1].text)]
    assert [(body.status, body.exit_code) for body in bodies if isinstance(body, model.ToolResult)] == [
        ("ok", None),
        ("error", 1),
    ]
    assert (chat.skipped, chat.oversized) == ([], 0)
    assert {(event.session, event.cwd) for event in chat.standing} == {(ID, PROJECT)}
    assert chat.infos == [model.SessionInfo(title="Fix add()")]


def test_a_text_goes_on_with_the_text_before_a_thought(store: ChatStore) -> None:
    """As in the editor (July 2026), in one message or two."""
    thought = {"type": "reasoning", "text": "Ask."}
    asked = message("user", said(wrapped("Ship it.")))
    told = message("user", said("<user_query>Briefly inform the user about the task result.</user_query>"))
    chat = reported(
        store,
        asked,
        message("assistant", thought, said("A. Cents"), thought, said("B. Floats")),
        message("assistant", thought),
        message("assistant", said("Say A or B.")),
        call("Shell", command="make"),
        result("ok"),
        message("assistant", said("Done.")),
        told,
        message("assistant", said("The job ended.")),
    )

    answers = [event.body for event in chat.counts if isinstance(event.body, model.AssistantMessage)]
    texts = {answer.text: answer.goes_on for answer in answers}
    assert texts == {"A. Cents": False, "B. Floats": True, "Say A or B.": True, "Done.": False, "The job ended.": False}


def test_a_compaction_takes_nothing_back(store: ChatStore) -> None:
    """What was said stays true; the client only no longer sends it to the model."""
    before = messages((*ONE, *TWO))
    chat = reported(store, *before)
    text = "Summary of the conversation so far: add() was fixed."
    summary = message("user", said(text))
    store.save([*before[:2], summary, before[-1]])

    assert chat.bodies() == [model.UserPrompt(text=text, actor="model")]
    store.save([*before[:2], summary, before[-1], message("user", said(wrapped("Go on", 20)))])
    assert chat.bodies() == [model.UserPrompt(text="Go on")]


def test_the_same_words_twice_are_two_prompts(store: ChatStore) -> None:
    again = message("user", said("<user_query>continue</user_query>"))
    chat = reported(store, *messages(ONE), again, message("assistant", said("Well.")), again)

    assert prompts(chat) == [ONE[0].text, "continue", "continue"]
    assert len({event.key for event in chat.standing}) == len(chat.standing)


def test_a_sub_agents_conversation_was_typed_by_nobody(store: ChatStore) -> None:
    store.beside(title="Helper", cwd=PROJECT, isSubagent=True)
    chat = reported(store, *messages(ONE))

    assert chat.counts[0].body == model.UserPrompt(text=ONE[0].text, actor="model")
    assert {event.subagent_id for event in chat.standing} == {ID}
    assert chat.infos == []


def test_turns_in_blobs_of_their_own_are_followed(store: ChatStore) -> None:
    ids = [store.blob(json.dumps(one).encode()) for one in messages((*ONE, *TWO))]
    store.save_ids([store.blob(field(1, field(2, ident)) + field(9, b"x")) for ident in ids])
    nested = reported(store)
    store.save_ids(ids)
    store.db.execute("UPDATE meta SET value = ?", (json.dumps(store.meta),))  # as it is, not in hex

    assert nested.standing == reported(store).standing
    assert nested.read() == []


def test_messages_that_cannot_be_read_cost_only_themselves(store: ChatStore) -> None:
    good = [store.blob(json.dumps(one).encode()) for one in messages(ONE)]
    bad = [store.blob(data) for data in (*HOSTILE.values(), b"\x01garbage")]
    long = store.blob(json.dumps(message("assistant", said("x" * (9 << 20)))).encode())
    store.save_ids([*good[:3], *bad, long, b"m" * 32, *good[3:]])
    chat = reported(store)
    store.save_ids(good)

    assert [event.key for event in chat.standing] == [event.key for event in reported(store).standing]
    assert (len(chat.skipped), chat.oversized) == (len(bad), 1)


def test_a_store_that_was_only_just_made_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"")
    chat = chat_at(path)
    assert chat.bodies() == []

    store = ChatStore(tmp_path)
    assert chat.bodies() == []
    store.save_ids([])
    assert chat.bodies() == chat.bodies() == []
    assert chat.skipped == [model.Skipped("conversation", "unexpected root")]
    store.save(messages(ONE))
    assert chat.bodies()[0] == model.UserPrompt(text=ONE[0].text)
    store.close()


def test_an_answer_closes_its_question(store: ChatStore) -> None:
    asked = call("AskQuestion", questions=[{"prompt": "Go on?"}, {"prompt": "How?"}])
    answered = reported(store, asked, result("Yes, slowly")).counts
    bodies = [event.body for event in answered]

    assert bodies[1:3] == [model.Question(call_id="c", text="Go on?"), model.Question(call_id="c", text="How?")]
    assert bodies[-1] == model.Answer(call_id="c", question="Go on? / How?", text="Yes, slowly")
    assert [event.at_ms - START_MS for event in (answered[0], answered[-1])] == [0, 600_000]


@pytest.mark.parametrize(
    ("one", "skipped"),
    [
        ({"role": "judge", "content": ""}, model.Skipped("message", "unknown role")),
        (message("assistant", {"type": "new"}), model.Skipped("assistant/new", "unknown block")),
        (message("assistant", {"text": "x"}), model.Skipped("assistant", "unexpected block")),
        (call("", "c"), model.Skipped("tool-call", "no usable id or name")),
        (call("Shell", "c" * 5000), model.Skipped("tool-call", "no usable id or name")),
        (result("", ""), model.Skipped("tool-result", "no usable id")),
        (call("TodoWrite", todos=5), model.Skipped("tool-call/TodoWrite", "unexpected input")),
    ],
)
def test_what_is_not_understood_is_counted(store: ChatStore, one: dict[str, Any], skipped: model.Skipped) -> None:
    assert reported(store, one).skipped == [skipped]
