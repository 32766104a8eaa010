"""What the editor's bubbles become."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agents.cursor.reading import Editor
from agents.cursor.stores import (
    COMPACTED,
    ONE,
    PROJECT,
    Chat,
    EditorStore,
    failed,
    say,
    shell,
    thinking,
    tool,
    user,
)
from carryover.model import (
    AnyBody,
    AssistantMessage,
    FileEdit,
    PlanItem,
    PlanUpdate,
    SessionInfo,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)

ENDED = "RUN_TERMINAL_COMMAND_ENDED_REASON_EXECUTION"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EditorStore]:
    with closing(EditorStore(tmp_path / "User")) as made:
        yield made


def become(store: EditorStore, *bubbles: dict[str, Any], **fields: Any) -> list[AnyBody]:
    """What a conversation of these bubbles becomes."""
    store.put(Chat(name="made up", bubbles=bubbles, **fields))
    return Editor(store).bodies()


def test_a_conversation_becomes_what_happened_in_it(store: EditorStore) -> None:
    prompt, first, call, result, change, run, ran, last = become(store, *ONE.bubbles)

    assert prompt == UserPrompt(text=ONE.bubbles[0]["text"])
    assert first == AssistantMessage(text=ONE.bubbles[2]["text"], final=False)
    assert isinstance(call, ToolCall)
    assert (call.name, call.op, call.subject) == ("edit_file_v2", "edit", "src/calc.py")
    assert isinstance(result, ToolResult)
    assert (result.status, result.call_id) == ("ok", call.call_id)
    assert change == FileEdit(path=f"{PROJECT}/src/calc.py", change="modify", call_id=call.call_id)
    assert isinstance(run, ToolCall)
    assert (run.op, run.subject) == ("shell", "python3 -m unittest tests.test_calc")
    assert isinstance(ran, ToolResult)
    assert (ran.status, ran.exit_code) == ("error", 1)
    assert "AssertionError: 2 != 3" in ran.output
    assert last == AssistantMessage(text=ONE.bubbles[5]["text"], final=True)


def test_a_file_whose_former_text_was_empty_is_new(store: EditorStore) -> None:
    """As every new file of July 2026."""
    keys = {
        "beforeContentId": f"composer.content.{hashlib.sha256().hexdigest()}",
        "afterContentId": "composer.content.b",
    }
    bodies = become(store, tool("edit_file_v2", {"relativeWorkspacePath": "a.py"}, keys))

    assert [body.change for body in bodies if isinstance(body, FileEdit)] == ["add"]


@pytest.mark.parametrize(
    ("status", "result", "expected"),
    [
        ("completed", {"output": "ok", "exitCode": 0}, ("ok", 0, False)),
        ("completed", {"output": "no", "exitCode": 2}, ("error", 2, False)),
        ("completed", {"output": "no", "exitCodeV2": 2}, ("error", 2, False)),
        ("completed", {"output": "who knows"}, ("unknown", None, False)),
        # July 2026: 0 is left out.
        ("completed", {"output": "yes", "rejected": False, "notInterrupted": True}, ("ok", 0, False)),
        ("completed", {"isRunningInBackground": True, "notInterrupted": True}, ("unknown", None, False)),
        ("completed", {"output": "", "endedReason": f"{ENDED}_ABORTED"}, ("interrupted", None, False)),
        ("completed", {"output": "x", "endedReason": f"{ENDED}_COMPLETED", "exitCodeV2": 0}, ("ok", 0, False)),
        ("completed", {"output": "", "rejected": True}, ("denied", None, True)),
        ("completed", None, ("unknown", None, False)),
        ("cancelled", {"output": "so far"}, ("interrupted", None, False)),
        ("cancelled", {"rejected": True}, ("denied", None, True)),
        ("error", None, ("error", None, False)),
        ("brand-new", {"output": "ok"}, ("unknown", None, False)),
    ],
)
def test_how_a_command_ended(store: EditorStore, status: str, result: Any, expected: Any) -> None:
    """One that failed is `completed` too, so that only its exit code tells."""
    call = tool("run_terminal_command_v2", {"command": "make"}, result, status=status)
    (ended,) = (body for body in become(store, user("Go."), call) if isinstance(body, ToolResult))

    assert (ended.status, ended.exit_code, ended.never_ran) == expected


def test_arguments_and_results_are_read_in_either_form(store: EditorStore) -> None:
    call = shell("make", "1 failed", 1)
    data = call["toolFormerData"]
    objects = {name: json.loads(data[name]) for name in ("rawArgs", "params", "result")}

    in_strings = become(store, call)
    as_objects = become(store, call | {"toolFormerData": data | objects})
    assert in_strings == as_objects
    assert isinstance(in_strings[1], ToolResult)
    assert in_strings[1].exit_code == 1


def test_the_todo_list_is_reported_when_it_changes(store: EditorStore) -> None:
    todo = {"id": "1", "content": "Write it", "status": "in_progress"}
    chat = Chat(name="todos", bubbles=(user("Go."),), more={"todos": [todo]})
    store.put(chat)
    editor = Editor(store)
    assert editor.bodies()[1:] == [PlanUpdate(items=(PlanItem(text="Write it", state="active"),))]

    store.put(chat.with_bubbles(user("And?")), whole=False)
    assert editor.bodies() == [UserPrompt(text="And?")]
    store.put(chat.with_bubbles(user("And?"), more={"todos": [todo | {"status": "completed"}]}), whole=False)
    assert editor.bodies() == [PlanUpdate(items=(PlanItem(text="Write it", state="done"),))]
    store.put(chat.with_bubbles(user("And?"), more={"todos": []}), whole=False)
    assert editor.bodies() == [PlanUpdate(items=())]


@pytest.mark.parametrize(
    ("bubble", "expected"),
    [
        (failed("Something broke"), TurnEnd(reason="error", message="Something broke")),
        (failed("You've hit your usage limit"), TurnEnd(reason="limit", message="You've hit your usage limit")),
        (
            {"type": 2, "text": "", "errorDetails": {"error": {"detail": "rate limit"}}},
            TurnEnd(reason="limit", message="rate limit"),
        ),
        ({"type": 2, "text": "", "errorDetails": "broke"}, TurnEnd(reason="error", message="broke")),
        # June 2026: only the title names the limit.
        (
            failed("Get Cursor Pro.", error={"error": 51, "details": {"title": "You've hit your usage limit"}}),
            TurnEnd(reason="limit", message="You've hit your usage limit. Get Cursor Pro."),
        ),
    ],
)
def test_an_error_ends_the_turn(store: EditorStore, bubble: dict[str, Any], expected: TurnEnd) -> None:
    assert become(store, user("Go."), bubble)[1:] == [expected]


def test_a_turn_that_was_stopped(store: EditorStore) -> None:
    stopped = Chat(name="stopped", bubbles=(user("Go."), say("I wi")), status="aborted")
    store.put(stopped)
    editor = Editor(store)
    assert editor.bodies()[1:] == [AssistantMessage(text="I wi", aborted=True), TurnEnd(reason="interrupted")]

    store.put(stopped.with_bubbles(user("Again."), say("Done."), status="completed"), whole=False)
    assert editor.bodies() == [UserPrompt(text="Again."), AssistantMessage(text="Done.", final=True)]
    store.put(stopped.with_bubbles(user("Again."), say("Done."), status="error"), whole=False)
    assert editor.bodies() == [TurnEnd(reason="error")]


def test_what_ends_a_turn_is_recognised_by_what_follows(store: EditorStore) -> None:
    bubbles = (say("a"), thinking("hm"), shell("ls"), say("b"), thinking("hm"), COMPACTED, user("c"), say("d"))

    assert [body.final for body in become(store, *bubbles) if isinstance(body, AssistantMessage)] == [False, True, True]


def test_facts_about_the_session_are_reported_when_they_change(store: EditorStore) -> None:
    chat = Chat(name="First name", bubbles=(user("Go."),))
    store.put(chat)
    editor = Editor(store)
    editor.read()
    store.value(f"composerData:{chat.id}", {**json.loads(row(store, chat)), "name": "Second name"})
    editor.read()

    assert editor.infos == [
        SessionInfo(title="First name", model="test-model"),
        SessionInfo(title="Second name", model="test-model"),
    ]


def row(store: EditorStore, chat: Chat) -> bytes:
    query = "SELECT value FROM cursorDiskKV WHERE key = ?"
    value: bytes = store.db.execute(query, (f"composerData:{chat.id}",)).fetchone()[0]
    return value
