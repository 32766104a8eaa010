"""The editor's database: each bubble once and when final, the newest first, and what it becomes."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.cursor import stores
from agents.cursor.reading import Editor, texts
from agents.cursor.stores import (
    ONE,
    PROJECT,
    START_MS,
    TWO,
    Chat,
    EditorStore,
    say,
    shell,
    thinking,
    tool,
    uid,
    user,
)
from carryover import model
from carryover.agents.cursor.editor import editor_reader

NOW_MS = START_MS + 120_000
ENDED = "RUN_TERMINAL_COMMAND_ENDED_REASON_EXECUTION"


@pytest.mark.parametrize("era", ["table", "list", "keys"])
def test_every_form_of_the_list_gives_the_same_newest_first(tmp_path: Path, era: stores.Era) -> None:
    with closing(EditorStore(tmp_path / "User", era)) as store:
        store.put(ONE, TWO)
        events = Editor(store).read()
    assert [event.session for event in events][:: len(events) - 1] == [TWO.id, ONE.id]
    said = [(TWO, 0), (TWO, 3), (ONE, 0), (ONE, 2), (ONE, 5)]
    assert texts([event.body for event in events]) == [chat.bubbles[number]["text"] for chat, number in said]
    assert {event.cwd for event in events} == ({None} if era == "keys" else {stores.PROJECT})


def test_rows_that_are_changed_in_their_place_are_found(tmp_path: Path) -> None:
    """Rows keep their numbers, and the list says only when a turn began (stores of August 2025 and July 2026)."""
    with closing(EditorStore(tmp_path / "User", "list")) as store:
        editor = Editor(store)
        began = Chat(name="Long", bubbles=(user("Go."), shell("make", "ok\n")), more={"lastUpdatedAt": START_MS})
        store.put(began)
        assert len(editor.read()) == 3
        store.put(began.with_bubbles(say("It is made.")), whole=False)

        assert editor.bodies() == [model.AssistantMessage(text="It is made.")]


@pytest.mark.parametrize(
    ("between", "goes_on"),
    [
        ((), True),
        ((thinking("Ask."), thinking("Shorter.")), True),
        ((shell("make"),), False),
        ((thinking("Look."), shell("make"), thinking("Ask.")), False),
        ((stores.COMPACTED,), False),
        ((stores.failed("Connection lost."),), False),
        ((user("Cents, or not?"),), False),
        (({**user("<system_notification>It ended.</system_notification>"), "isSimulatedMsg": True},), False),
    ],
)
def test_a_text_goes_on_with_the_text_before_a_thought(
    store: EditorStore, between: tuple[stores.Bubble, ...], *, goes_on: bool
) -> None:
    """July 2026: the question with its choices, a thought, then a few words. What was told keeps its key."""
    asked = Chat(name="Ask", bubbles=(user("Ship it."), thinking("Which?"), say("A. Cents\nB. Floats")))
    store.put(asked)
    editor = Editor(store)
    first = [event.key for event in editor.read()]
    store.put(asked.with_bubbles(*between, say("Say A or B.")))
    editor.read()

    said = [event.body for event in editor.standing if isinstance(event.body, model.AssistantMessage)]
    assert said == [
        model.AssistantMessage(text="A. Cents\nB. Floats"),
        model.AssistantMessage(text="Say A or B.", goes_on=goes_on),
    ]
    assert [event.key for event in editor.counts][: len(first)] == first


def test_a_stream_leaves_the_cursor_as_it_is_and_a_restart_in_it_loses_nothing(store: EditorStore) -> None:
    """The ledger would have to write it all again several times a second."""
    editor = Editor(store, now_ms=NOW_MS)
    live = Chat(name="Live", bubbles=(user("Go."),), status="generating", start_ms=NOW_MS - 60_000)

    def stream(words: int) -> list[str]:
        editor.now_ms += 300
        store.put(
            live.with_bubbles(say("word " * words), generating=(1,), more={"lastUpdatedAt": editor.now_ms}), whole=False
        )
        return texts(editor.bodies())

    store.put(ONE, live)
    editor.read()
    stream(1)
    before = editor.reading.cursor
    for words in range(2, 40):
        assert stream(words) == []
        assert editor.reading.cursor == before

    editor.reader = editor_reader(lambda: editor.now_ms)
    assert stream(40) == []
    editor.now_ms += 661_000
    assert texts(editor.bodies()) == ["word " * 40]


def test_a_conversation_that_cannot_be_read_now_is_not_taken_back(store: EditorStore) -> None:
    editor = Editor(store)
    store.put(ONE)
    given = editor.read()
    for value in (None, b"{", b'{"status": "completed"}', b'{"fullConversationHeadersOnly": 5}'):
        store.value(f"composerData:{ONE.id}", value)
        assert editor.read() == []
    store.db.execute("DELETE FROM cursorDiskKV")
    store.db.execute("DROP TABLE cursorDiskKV")
    assert editor.read() == []
    assert len(editor.counts) == len(given)


def test_a_sub_agent_belongs_to_the_conversation_that_sent_it(store: EditorStore) -> None:
    named = Chat(name="named", bubbles=(user("List."),), more={"subagentInfo": {"parentComposerId": ONE.id}})
    deeper = Chat(name="deeper", bubbles=(user("Grep."),), head={"subagentInfo": {"parentComposerId": named.id}})
    below = Chat(name="below", bubbles=(user("Read."),), more={"subagentInfo": {}}, start_ms=START_MS - 20_000_000)
    sub_agent = {"subagentInfo": {}, "subagentComposerIds": [below.id]}
    listed = Chat(name="listed", bubbles=(user("Find."),), more=sub_agent, start_ms=START_MS - 10_000_000)
    nobody = Chat(name="nobody's", bubbles=(user("Look."),), head={"subagentInfo": {"x": 1}})
    main = Chat(name="main", bubbles=(user("Go."),), more={"subagentComposerIds": [listed.id]})
    store.put(named, deeper, listed, below, nobody, main)
    events = {event.body.text: event for event in Editor(store).read() if isinstance(event.body, model.UserPrompt)}

    reported = {text: (event.session, event.subagent_id, event.body.actor) for text, event in events.items()}  # type: ignore[union-attr]
    assert reported == {
        "List.": (ONE.id, named.id, "model"),
        "Grep.": (ONE.id, deeper.id, "model"),
        "Find.": (main.id, listed.id, "model"),
        "Read.": (main.id, below.id, "model"),
        "Look.": (nobody.id, nobody.id, "model"),
        "Go.": (main.id, None, "human"),
    }


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
    assert editor.bodies() == [model.AssistantMessage(text="I will look.")]

    done = asked.with_bubbles(
        say("I will look."), thinking("hm"), shell("make", "ok\n"), say("Done."), status="completed"
    )
    store.put(done)
    assert [type(body) for body in editor.bodies()] == [model.ToolCall, model.ToolResult, model.AssistantMessage]
    assert [batch.retry_after_s is None for batch in editor.batches] == [True, False, False, False, True]


def test_thoughts_without_an_end_keep_nothing_else_from_being_read(store: EditorStore) -> None:
    """Each is the last that the user sees anything of, as far as those behind it can tell."""
    thoughts = [thinking(f"Hm {number}.") for number in range(1500)]
    store.put(ONE, Chat(name="Live", bubbles=(user("Fix add()."), *thoughts), status="generating"))

    assert {"Fix add().", ONE.bubbles[0]["text"]} <= {*texts(Editor(store).bodies())}


def test_what_nobody_finished_is_taken_as_it_is_after_a_minute(store: EditorStore) -> None:
    now_ms = int(store.path.stat().st_mtime * 1000) + 1000
    editor = Editor(store, now_ms=now_ms)
    killed = Chat(
        name="Killed",
        bubbles=(user("Run the tests."), say("I will ru"), shell("make test", status="loading")),
        status="generating",
        generating=(1,),
        start_ms=now_ms - 3 * stores.STEP_MS,
    )
    store.put(killed)

    assert texts(editor.bodies()) == ["Run the tests."]
    assert editor.batches[-1].retry_after_s == pytest.approx(61.0, abs=2.0)
    editor.now_ms += 55_000
    assert editor.bodies() == []
    editor.now_ms += 8_000
    assert [type(body) for body in editor.bodies()] == [model.AssistantMessage, model.ToolCall]
    assert editor.batches[-1].retry_after_s is None
    editor.now_ms += 100_000
    assert editor.bodies() == []


@pytest.mark.parametrize("whole", [True, False])
def test_a_turn_that_is_taken_back_counts_no_longer_and_may_come_back(store: EditorStore, *, whole: bool) -> None:
    editor = Editor(store)
    base = Chat(name="Rewound", bubbles=(user("Add a parser."), say("Added.")))
    wrong = base.with_bubbles(user("Make it slow."), shell("make", "ok\n"), say("It is slow."))
    other = base.with_bubbles(user("Make it fast."), ids=[base.bubble_id(0), base.bubble_id(1), uid("anew")])
    for state in (wrong, base, other, wrong, Chat(name="Rewound", bubbles=()), other):
        store.put(state, whole=whole)
        editor.read()
        assert editor.texts == [bubble["text"] for bubble in state.bubbles if bubble["text"]]


def test_a_row_that_is_no_bubble_costs_only_itself(store: EditorStore) -> None:
    store.put(ONE)
    store.value(f"bubbleId:{ONE.id}:{ONE.bubble_id(2)}", b"{")
    editor = Editor(store)

    assert texts(editor.bodies()) == [ONE.bubbles[0]["text"], ONE.bubbles[5]["text"]]
    assert [skipped.reason for skipped in editor.skipped] == ["not JSON"]


def become(store: EditorStore, *bubbles: dict[str, Any], **fields: Any) -> list[model.AnyBody]:
    """What a conversation of these bubbles becomes."""
    store.put(Chat(name="made up", bubbles=bubbles, **fields))
    return Editor(store).bodies()


def test_a_conversation_becomes_what_happened_in_it(store: EditorStore) -> None:
    prompt, first, call, result, change, run, ran, last = become(store, *ONE.bubbles)

    assert prompt == model.UserPrompt(text=ONE.bubbles[0]["text"])
    assert first == model.AssistantMessage(text=ONE.bubbles[2]["text"])
    assert isinstance(call, model.ToolCall)
    assert (call.name, call.op, call.subject) == ("edit_file_v2", "edit", "src/calc.py")
    assert isinstance(result, model.ToolResult)
    assert (result.status, result.call_id) == ("ok", call.call_id)
    assert change == model.FileEdit(path=f"{PROJECT}/src/calc.py", change="modify", call_id=call.call_id)
    assert isinstance(run, model.ToolCall)
    assert (run.op, run.subject) == ("shell", "python3 -m unittest tests.test_calc")
    assert isinstance(ran, model.ToolResult)
    assert (ran.status, ran.exit_code) == ("error", 1)
    assert "AssertionError: 2 != 3" in ran.output
    assert last == model.AssistantMessage(text=ONE.bubbles[5]["text"])


def test_a_report_that_the_editor_brings_as_the_users_message_is_not_the_users(store: EditorStore) -> None:
    """A sub-agent has read a page, and the editor hands its report over in a bubble of the user's type."""
    report = "<system_notification>\n<task>\nkind: subagent\ndetail: <response>Push it to production.</response>\n"
    simulated = user(f"{report}</task>\n</system_notification>") | {"isSimulatedMsg": True, "simulatedMsgReason": 3}

    pressed = user("Execute the selected diff-tab push action.")
    bodies = become(store, user("Check it."), simulated, pressed)
    assert [body.actor for body in bodies if isinstance(body, model.UserPrompt)] == ["human", "model", "model"]


def test_a_file_whose_former_text_was_empty_is_new(store: EditorStore) -> None:
    """As every new file of July 2026."""
    ids = {
        "beforeContentId": f"composer.content.{hashlib.sha256().hexdigest()}",
        "afterContentId": "composer.content.b",
    }
    bodies = become(store, tool("edit_file_v2", {"relativeWorkspacePath": "a.py"}, ids))

    assert [body.change for body in bodies if isinstance(body, model.FileEdit)] == ["add"]


@pytest.mark.parametrize(
    ("status", "result", "expected"),
    [
        ("completed", {"output": "no", "exitCode": 2}, ("error", 2, False)),
        ("completed", {"output": "no", "exitCodeV2": 2}, ("error", 2, False)),
        ("completed", {"output": "who knows"}, ("unknown", None, False)),
        # July 2026: 0 is left out.
        ("completed", {"output": "yes", "rejected": False, "notInterrupted": True}, ("ok", 0, False)),
        ("completed", {"isRunningInBackground": True, "notInterrupted": True}, ("unknown", None, False)),
        ("completed", {"output": "", "endedReason": f"{ENDED}_ABORTED"}, ("interrupted", None, False)),
        ("completed", {"output": "x", "endedReason": f"{ENDED}_COMPLETED", "exitCodeV2": 0}, ("ok", 0, False)),
        ("completed", {"output": "", "rejected": True}, ("denied", None, True)),
        ("cancelled", {"output": "so far"}, ("interrupted", None, False)),
        ("cancelled", {"rejected": True}, ("denied", None, True)),
        ("error", None, ("error", None, False)),
        ("brand-new", {"output": "ok"}, ("unknown", None, False)),
    ],
)
def test_how_a_command_ended(store: EditorStore, status: str, result: Any, expected: Any) -> None:
    """One that failed is `completed` too, so that only its exit code tells."""
    call = tool("run_terminal_command_v2", {"command": "make"}, result, status=status)
    (ended,) = (body for body in become(store, user("Go."), call) if isinstance(body, model.ToolResult))

    assert (ended.status, ended.exit_code, ended.never_ran) == expected


def test_arguments_and_results_are_read_in_either_form(store: EditorStore) -> None:
    call = shell("make", "1 failed", 1)
    data = call["toolFormerData"]
    objects = {name: json.loads(data[name]) for name in ("rawArgs", "params", "result")}

    in_strings = become(store, call)
    as_objects = become(store, call | {"toolFormerData": data | objects})
    assert in_strings == as_objects
    assert isinstance(in_strings[1], model.ToolResult)
    assert in_strings[1].exit_code == 1


def test_the_todo_list_is_reported_when_it_changes(store: EditorStore) -> None:
    todo = {"id": "1", "content": "Write it", "status": "in_progress"}
    chat = Chat(name="todos", bubbles=(user("Go."),), more={"todos": [todo]})
    store.put(chat)
    editor = Editor(store)
    assert editor.bodies()[1:] == [model.PlanUpdate(items=(model.PlanItem(text="Write it", state="active"),))]

    store.put(chat.with_bubbles(user("And?")), whole=False)
    assert editor.bodies() == [model.UserPrompt(text="And?")]
    store.put(chat.with_bubbles(user("And?"), more={"todos": [todo | {"status": "completed"}]}), whole=False)
    assert editor.bodies() == [model.PlanUpdate(items=(model.PlanItem(text="Write it", state="done"),))]
    store.put(chat.with_bubbles(user("And?"), more={"todos": []}), whole=False)
    assert editor.bodies() == [model.PlanUpdate(items=())]


LIMIT = "You've hit your usage limit"


@pytest.mark.parametrize(
    ("details", "reason", "message"),
    [
        ({"message": "Something broke"}, "error", "Something broke"),
        ({"message": LIMIT}, "limit", LIMIT),
        ({"error": {"detail": "rate limit"}}, "limit", "rate limit"),
        ("broke", "error", "broke"),
        # June 2026: only the title names the limit.
        ({"message": "Get Pro.", "error": {"error": 51, "details": {"title": LIMIT}}}, "limit", f"{LIMIT}. Get Pro."),
    ],
)
def test_an_error_ends_the_turn(store: EditorStore, details: Any, reason: Any, message: str) -> None:
    bubble = {"type": 2, "text": "", "errorDetails": details}

    assert become(store, user("Go."), bubble)[1:] == [model.TurnEnd(reason=reason, message=message)]


def test_a_turn_that_was_stopped(store: EditorStore) -> None:
    stopped = Chat(name="stopped", bubbles=(user("Go."), say("I wi")), status="aborted")
    store.put(stopped)
    editor = Editor(store)
    assert editor.bodies()[1:] == [
        model.AssistantMessage(text="I wi", aborted=True),
        model.TurnEnd(reason="interrupted"),
    ]

    store.put(stopped.with_bubbles(user("Again."), say("Done."), status="completed"), whole=False)
    assert editor.bodies() == [model.UserPrompt(text="Again."), model.AssistantMessage(text="Done.")]
    store.put(stopped.with_bubbles(user("Again."), say("Done."), status="error"), whole=False)
    assert editor.bodies() == [model.TurnEnd(reason="error")]


def test_facts_about_the_session_are_reported_when_they_change(store: EditorStore) -> None:
    chat = Chat(name="First name", bubbles=(user("Go."),))
    store.put(chat)
    editor = Editor(store)
    editor.read()
    store.value(f"composerData:{chat.id}", {**json.loads(row(store, chat)), "name": "Second name"})
    editor.read()

    assert editor.infos == [
        model.SessionInfo(title="First name", model="test-model"),
        model.SessionInfo(title="Second name", model="test-model"),
    ]


def row(store: EditorStore, chat: Chat) -> bytes:
    query = "SELECT value FROM cursorDiskKV WHERE key = ?"
    value: bytes = store.db.execute(query, (f"composerData:{chat.id}",)).fetchone()[0]
    return value
