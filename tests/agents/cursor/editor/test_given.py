"""The editor's conversations while they go on: what is final, what was left in the middle, and what is taken back."""

from __future__ import annotations

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
    Chat,
    EditorStore,
    say,
    shell,
    thinking,
    tool,
    uid,
    user,
)
from carryover.agents.cursor.editor import look as editor_look
from carryover.agents.cursor.editor import state as editor_state
from carryover.model import AssistantMessage, ToolCall, ToolResult, Undone, UserPrompt

NOW_MS = START_MS + 120_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EditorStore]:
    with closing(EditorStore(tmp_path / "User")) as made:
        yield made


def test_a_prompt_is_known_at_once_and_an_answer_when_it_is_whole(store: EditorStore) -> None:
    editor = Editor(store, now_ms=NOW_MS)
    asked = Chat(name="Live", bubbles=(user("Fix add()."),), status="generating", start_ms=NOW_MS - 30_000)
    store.put(asked)
    assert texts(editor.bodies()) == ["Fix add()."]

    store.put(asked.with_bubbles(say("I wi"), generating=(1,)))
    assert editor.bodies() == []
    store.put(asked.with_bubbles(say("I will look."), thinking("hm")))
    assert editor.bodies() == []  # whether it ended the turn, only what follows tells
    store.put(asked.with_bubbles(say("I will look."), thinking("hm"), shell("make", status="loading")))
    assert editor.bodies() == [AssistantMessage(text="I will look.", final=False)]

    done = asked.with_bubbles(
        say("I will look."), thinking("hm"), shell("make", "ok\n"), say("Done."), status="completed"
    )
    store.put(done)
    assert [type(body) for body in editor.bodies()] == [ToolCall, ToolResult, AssistantMessage]
    assert [batch.look_again_s is None for batch in editor.batches] == [True, False, False, False, True]


def test_what_nobody_finished_is_taken_as_it_is_after_a_minute(store: EditorStore) -> None:
    editor = Editor(store, now_ms=NOW_MS)
    killed = Chat(
        name="Killed",
        bubbles=(user("Run the tests."), say("I will ru"), shell("make test", status="loading")),
        status="generating",
        generating=(1,),
        start_ms=NOW_MS - 3 * stores.STEP_MS,
    )
    store.put(killed)

    assert texts(editor.bodies()) == ["Run the tests."]
    assert editor.batches[-1].look_again_s == pytest.approx(61.0)
    editor.now_ms += 59_000
    assert editor.bodies() == []
    editor.now_ms += 2_000
    assert [type(body) for body in editor.bodies()] == [AssistantMessage, ToolCall]
    assert editor.batches[-1].look_again_s is None
    editor.now_ms += 100_000
    assert editor.bodies() == []


def test_what_is_being_written_is_not_over_whatever_the_conversation_says(store: EditorStore) -> None:
    """Should an editor note the time of a change only when a turn begins."""
    editor = Editor(store, now_ms=NOW_MS)
    live = Chat(name="Live", bubbles=(user("Go."),), status="generating", start_ms=NOW_MS - 60_000)
    store.put(live)
    editor.read()
    for number in range(1, 6):
        editor.now_ms += 50_000
        store.put(live.with_bubbles(say("x" * number), generating=(1,)))
        assert editor.bodies() == []

    editor.now_ms += 61_000
    assert texts(editor.bodies()) == ["xxxxx"]


def test_what_was_taken_too_early_is_taken_back_once_it_is_whole(store: EditorStore) -> None:
    """A long test run looks like a killed editor."""
    editor = Editor(store, now_ms=NOW_MS + 1_000_000)
    slow = Chat(name="Slow", bubbles=(user("Go."), shell("make test", status="loading")), status="generating")
    store.put(slow)
    call = editor.read()[1]
    store.put(Chat(name="Slow", bubbles=(user("Go."), shell("make test", "ok\n"), say("Done."))))

    undone, *rest = editor.read()
    assert isinstance(undone.body, Undone)
    assert call.key in undone.body.keys
    assert [type(event.body) for event in rest] == [ToolCall, ToolResult, AssistantMessage]
    assert rest[0].key != call.key


def test_a_turn_that_is_taken_back_is_undone_and_never_heard_of_again(store: EditorStore) -> None:
    editor = Editor(store)
    base = Chat(name="Rewound", bubbles=(user("Add a parser."), say("Added.")))
    wrong = base.with_bubbles(user("Make it slow."), shell("make", "ok\n"), say("It is slow."))
    store.put(wrong)
    given = editor.read()
    store.put(base)

    (undone,) = editor.read()
    assert isinstance(undone.body, Undone)
    assert {event.key for event in given[2:]} <= set(undone.body.keys)
    assert not {event.key for event in given[:2]} & set(undone.body.keys)

    asked = base.with_bubbles(user("Make it fast."), ids=[base.bubble_id(0), base.bubble_id(1), uid("anew")])
    store.put(asked)
    assert texts(editor.bodies()) == ["Make it fast."]
    assert texts([event.body for event in editor.standing()]) == ["Add a parser.", "Added.", "Make it fast."]


def test_what_comes_back_has_new_keys(store: EditorStore) -> None:
    editor = Editor(store)
    base = Chat(name="Back", bubbles=(user("Add a parser."),))
    more = base.with_bubbles(user("And a lexer."))
    for state in (more, base, more, base, more):
        store.put(state)
        editor.read()

    keys = [event.key for event in editor.events if isinstance(event.body, UserPrompt) and "lexer" in event.body.text]
    assert len(set(keys)) == 3
    assert texts([event.body for event in editor.standing()]) == ["Add a parser.", "And a lexer."]


def test_a_conversation_that_cannot_be_read_now_is_not_taken_back(store: EditorStore) -> None:
    editor = Editor(store)
    store.put(ONE)
    editor.read()
    for value in (None, b"{", b'{"status": "completed"}', b'{"fullConversationHeadersOnly": 5}'):
        store.value(f"composerData:{ONE.id}", value)
        assert editor.read() == []
    store.db.execute("DELETE FROM cursorDiskKV")
    assert editor.read() == []
    assert not any(isinstance(event.body, Undone) for event in editor.events)


def test_what_is_still_open_is_not_forgotten_over_news(store: EditorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editor_look, "READ_RECORDS", 1)
    editor = Editor(store, now_ms=NOW_MS)
    live = Chat(name="Live", bubbles=(user("Go."), say("We")), status="generating", start_ms=NOW_MS - 40_000)
    store.put(live)
    editor.read()
    editor.now_ms += 120_000
    store.put(chat(1), chat(2))

    assert sorted(texts(editor.bodies())) == ["We", "answer 1.1", "answer 2.1", "prompt 1.0", "prompt 2.0"]


def test_a_long_conversation_is_given_once_and_taken_back_at_its_end(
    store: EditorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editor_state, "MAX_MARKS_EACH", 100)
    length = 250
    long = chat(1, bubbles=length)
    store.put(long)
    editor = Editor(store)
    assert len(editor.read()) == length

    store.put(long.with_bubbles(user("one more")))
    assert texts(editor.bodies()) == ["one more"]
    store.put(long)
    (undone,) = editor.bodies()
    assert isinstance(undone, Undone)
    state = editor_state.decoded(editor.cursor)
    assert state is not None
    assert len(state.recent[0].given()) <= 100


def test_going_far_back_in_a_long_conversation_loses_nothing_and_undoes_all(
    store: EditorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client takes turns back and writes the new prompt in one go."""
    monkeypatch.setattr(editor_state, "MAX_MARKS_EACH", 100)
    long = chat(1, bubbles=250)
    store.put(long)
    editor = Editor(store)
    editor.read()
    state = editor_state.decoded(editor.cursor)
    assert state is not None
    assert state.recent[0].before > 100  # of the beginning only the number is remembered

    for kept in (20, 60):
        ids = [*(long.bubble_id(number) for number in range(kept)), uid("anew", kept)]
        store.put(Chat(name=long.name, bubbles=(*long.bubbles[:kept], user(f"anew {kept}")), ids=ids))
        editor.read()
        told = texts([event.body for event in editor.standing()])
        assert sorted(told) == sorted([*(bubble["text"] for bubble in long.bubbles[:kept]), f"anew {kept}"])


def test_a_long_turn_that_is_taken_back_and_brought_back_stands_again(store: EditorStore) -> None:
    editor = Editor(store)
    long = chat(1, bubbles=300)
    for state in (long, chat(1, bubbles=1), long):
        store.put(state)
        editor.read()

    assert len(editor.standing()) == 300


@pytest.mark.parametrize("anew", [False, True])
def test_what_is_taken_back_in_a_conversation_long_forgotten_is_undone(
    store: EditorStore, monkeypatch: pytest.MonkeyPatch, *, anew: bool
) -> None:
    monkeypatch.setattr(editor_state, "MAX_RECENT", 2)
    editor = Editor(store)
    chats = [chat(number, bubbles=4) for number in range(6)]
    store.put(*chats)
    editor.read()
    assert not any(isinstance(event.body, Undone) for event in editor.events)

    ids = [chats[0].bubble_id(0), chats[0].bubble_id(1), uid("anew")]
    store.put(Chat(name=chats[0].name, bubbles=(*chats[0].bubbles[:2], user("anew")), ids=ids))
    if anew:
        store.db.execute("VACUUM")
    editor.read()

    told = texts([event.body for event in editor.standing()])
    assert sorted(text for text in told if "0." in text or "anew" in text) == ["anew", "answer 0.1", "prompt 0.0"]
    assert len(told) == 23


def test_what_is_written_once_more_after_its_end_is_told_anew(store: EditorStore) -> None:
    """The conversation's row may be written before those of its last bubbles."""
    editor = Editor(store, now_ms=NOW_MS)
    asked = Chat(name="Live", bubbles=(user("Go."),), start_ms=NOW_MS - 80_000)
    waiting = tool("read_file", {"target_file": "a.py"})
    store.put(asked.with_bubbles(waiting, say("It i")))
    first = editor.read()
    store.put(asked.with_bubbles(waiting, say("It i")))
    assert editor.read() == []

    whole = tool("read_file", {"target_file": "a.py"}, {"contents": "x = 1"})
    store.put(asked.with_bubbles(whole, say("It is done.")))
    editor.read()
    assert texts([event.body for event in editor.standing()]) == ["Go.", "It is done."]
    (result,) = [event.body for event in editor.standing() if isinstance(event.body, ToolResult)]
    assert "x = 1" in result.output
    assert first[0].body == editor.standing()[0].body


def test_what_is_written_again_and_again_after_its_end_is_told_when_it_rests(store: EditorStore) -> None:
    """An editor that says nowhere that it is still writing."""
    editor = Editor(store, now_ms=NOW_MS)
    asked = Chat(name="Live", bubbles=(user("Go."),), start_ms=NOW_MS - 80_000)
    for words in range(1, 30):
        editor.now_ms += 1000
        store.put(asked.with_bubbles(say("word " * words)))
        editor.read()
    assert sum(isinstance(event.body, Undone) for event in editor.events) == 1
    assert editor.batches[-1].look_again_s == pytest.approx(61.0, abs=1.0)

    editor.now_ms += 62_000
    editor.read()
    assert texts([event.body for event in editor.standing()]) == ["Go.", "word " * 29]
    editor.now_ms += 62_000
    assert editor.read() == []
    assert editor.batches[-1].look_again_s is None


def test_a_sub_agent_belongs_to_the_conversation_that_sent_it(store: EditorStore) -> None:
    named = Chat(name="named", bubbles=(user("List."),), more={"subagentInfo": {"parentComposerId": ONE.id}})
    listed = Chat(name="listed", bubbles=(user("Find."),), more={"subagentInfo": {}}, start_ms=START_MS - 10_000_000)
    nobody = Chat(name="nobody's", bubbles=(user("Look."),), head={"subagentInfo": {"x": 1}})
    main = Chat(name="main", bubbles=(user("Go."),), more={"subagentComposerIds": [listed.id]})
    store.put(named, listed, nobody, main)
    events = {event.body.text: event for event in Editor(store).read() if isinstance(event.body, UserPrompt)}

    told = {text: (event.session, event.sidechain, event.body.actor) for text, event in events.items()}  # type: ignore[union-attr]
    assert told == {
        "List.": (ONE.id, named.id, "model"),
        "Find.": (main.id, listed.id, "model"),
        "Look.": (nobody.id, nobody.id, "model"),
        "Go.": (main.id, None, "human"),
    }


def test_the_list_alone_may_tell_a_sub_agent(store: EditorStore) -> None:
    child = Chat(name="child", bubbles=(user("Find."),))
    store.put(child)
    store.db.execute("UPDATE composerHeaders SET isSubagent = 1")

    assert [(event.sidechain, event.body) for event in Editor(store).read()] == [
        (child.id, UserPrompt(text="Find.", actor="model"))
    ]


def test_a_sub_agent_waits_until_somebody_names_it(store: EditorStore) -> None:
    editor = Editor(store, now_ms=NOW_MS)
    child = Chat(name="child", bubbles=(user("Find."),), more={"subagentInfo": {}}, start_ms=NOW_MS - 30_000)
    store.put(child)
    assert editor.read() == []
    assert editor.batches[-1].look_again_s is not None

    main = Chat(name="main", bubbles=(user("Go."),), more={"subagentComposerIds": [child.id]}, start_ms=NOW_MS - 30_000)
    store.put(main)
    assert [(event.session, event.sidechain) for event in editor.read()] == [(main.id, None), (main.id, child.id)]
