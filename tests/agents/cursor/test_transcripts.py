"""Which files are Cursor's, what was typed and when, and what the lines of a transcript become."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from agents.cursor.chats import ID, ONE, PROJECT, SLUG, START_MS, TWO, jsonl, lines, said, wrapped
from agents.cursor.reading import Told, transcript_at
from carryover import model
from carryover.adapter.contract import Record
from carryover.agents.cursor.adapter import AGENT, exported_copy, kind_of_store
from carryover.agents.cursor.chats import NOTED, Words, lines_reader, spoken_ms, typed_query

ASKED = model.UserPrompt(text="Fix it")


def reported(*records: Any, folder: Path = Path("/t"), subagent_id: str | None = None) -> Told:
    """These records folded, whatever the file is that they lie in."""
    path = folder / "projects" / SLUG / "agent-transcripts" / ID / f"{ID}.jsonl"
    transcript = transcript_at(path, subagent_id=subagent_id)
    for number, record in enumerate(records, 1):
        data = record if isinstance(record, bytes) else json.dumps(record).encode()
        transcript.fold_in(Record(number=number, data=data))
    return transcript


def bodies(*records: Any, **more: Any) -> list[model.AnyBody]:
    return [event.body for event in reported(*records, **more).standing]


def user(text: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "message": {"content": [said(wrapped(text)), *blocks]}}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "message": {"content": list(blocks)}}


def uses(name: str, **args: Any) -> dict[str, Any]:
    return {"type": "tool_use", "name": name, "input": args}


def ended(status: str = "success", **more: Any) -> dict[str, Any]:
    return {"type": "turn_ended", "status": status, **more}


def test_a_conversation_is_shown_in_its_order() -> None:
    transcript = reported(*lines(ONE))

    path = f"{PROJECT}/src/calc.py"
    first, second = (event.body.call_id for event in transcript.standing if isinstance(event.body, model.ToolCall))
    edit: dict[str, Any] = {"call_id": first, "name": "StrReplace", "op": "edit", "subject": path}
    test: dict[str, Any] = {"call_id": second, "name": "Shell", "op": "shell", "subject": ONE[3].command}
    diff = "@@\n-    return a - b\n+    return a * b"
    counted: dict[str, Any] = {"added": 1, "removed": 1, "anchor": "    return a * b", "diff": diff}
    assert [event.body for event in transcript.standing] == [
        model.UserPrompt(text=ONE[0].text),
        model.AssistantMessage(text=ONE[1].text),
        model.ToolCall(**edit),
        model.ToolResult(**edit, status="unknown"),
        model.FileEdit(path=path, change="modify", call_id=first, **counted),
        model.ToolCall(**test),
        model.ToolResult(**test, status="unknown"),
        model.AssistantMessage(text=ONE[4].text),
    ]
    assert transcript.skipped == []
    assert {event.session for event in transcript.standing} == {ID}


def test_times_come_from_the_prompt_and_go_on_from_it() -> None:
    transcript = reported(*lines(ONE), *lines(TWO))

    times = [event.at_ms - START_MS for event in transcript.standing]
    assert times == sorted(times)
    assert (times[0], max(times)) == (0, 9)


@pytest.mark.parametrize(
    ("after", "counts"),
    [
        (assistant(said("Done")), True),
        (ended(), True),
        (ended("error", error="x"), False),
        (ended("aborted"), False),
        (user("Other"), False),
    ],
)
def test_an_edit_counts_once_the_model_continues(after: dict[str, Any], *, counts: bool) -> None:
    edit = assistant(uses("Write", path="/p/a.py", contents="x"))

    assert any(isinstance(body, model.FileEdit) for body in bodies(user("Fix it"), edit, after, ended())) == counts


def test_a_text_goes_on_with_the_text_before_a_thought() -> None:
    """As in the editor (July 2026). What follows the end of a turn is another answer."""
    texts = (said("A or B?\n\n[REDACTED]"), said("[REDACTED]"), said("Say which."))
    found = bodies(user("Fix it"), *map(assistant, texts), ended(), assistant(said("The job ended.")), ended())

    answers = {body.text: body.goes_on for body in found if isinstance(body, model.AssistantMessage)}
    assert answers == {"A or B?": False, "Say which.": True, "The job ended.": False}


def test_what_stands_for_a_thought_is_not_what_the_model_said() -> None:
    found = bodies(user("Fix it"), assistant(said("I will.\n\n[REDACTED]")), assistant(said("[REDACTED]")))

    assert found[1:] == [model.AssistantMessage(text="I will.")]


@pytest.mark.parametrize(
    ("ending", "reason", "message"),
    [
        (ended("error", error="Connection failed"), "error", "Connection failed"),
        (ended("error", error={"message": "You've hit your usage limit"}), "limit", "You've hit your usage limit"),
        (ended("error"), "error", ""),
        (ended("error", error="User aborted request"), "interrupted", ""),
        (ended("aborted"), "interrupted", ""),
    ],
)
def test_a_turn_that_did_not_end_well_says_how(ending: dict[str, Any], reason: Any, message: str) -> None:
    assert bodies(user("Fix it"), ending) == [ASKED, model.TurnEnd(reason=reason, message=message)]


def test_where_the_client_marks_what_was_typed_the_rest_was_not() -> None:
    plain = {"role": "user", "message": {"content": "Summary of the conversation so far"}}

    assert bodies({NOTED: START_MS}, plain) == [model.UserPrompt(text="Summary of the conversation so far")]
    assert bodies(user("Fix it"), plain)[1:] == [
        model.UserPrompt(text="Summary of the conversation so far", actor="model")
    ]


def test_todos_and_questions_are_said_by_calling() -> None:
    first = [{"id": "1", "content": "Fix add", "status": "in_progress"}]
    found = bodies(
        user("Fix it"),
        assistant(uses("TodoWrite", merge=False, todos=first)),
        assistant(uses("TodoWrite", merge=True, todos=[{"id": "1", "status": "completed"}])),
        assistant(uses("TodoWrite", merge=False, todos=[{"id": "2", "content": "Add sub", "status": "pending"}])),
        assistant(uses("AskQuestion", questions=[{"prompt": "Go on?", "options": [{"label": "Yes"}]}])),
    )

    assert [body for body in found if isinstance(body, model.PlanUpdate)] == [
        model.PlanUpdate(items=(model.PlanItem(text="Fix add", state="active"),)),
        model.PlanUpdate(items=(model.PlanItem(text="Fix add", state="done"),)),
        model.PlanUpdate(items=(model.PlanItem(text="Add sub"),)),
    ]
    (asked,) = (body for body in found if isinstance(body, model.Question))
    assert (asked.text, asked.options) == ("Go on?", ("Yes",))


def test_the_folder_is_known_once_a_path_in_it_was_mentioned() -> None:
    transcript = reported(*lines(ONE))

    assert [event.cwd for event in transcript.standing][:3] == [None, None, PROJECT]
    assert transcript.reading.context.talk.cwd == PROJECT
    assert reported(user("Fix it"), assistant(uses("Read", path="/etc/passwd"))).reading.context.talk.cwd is None
    in_command = reported(user("Fix it"), assistant(uses("Shell", command=f"cd {PROJECT} && ls")))
    assert in_command.reading.context.talk.cwd == PROJECT


@pytest.mark.parametrize(
    ("record", "kind", "reason"),
    [
        (b"words", "?", "not a JSON object"),
        ({"type": "brand_new"}, "brand_new", "unknown record type"),
        ({"role": "tool", "message": {"content": []}}, "tool", "unknown record type"),
        ({"role": "user", "message": 5}, "user", "unexpected message"),
        (assistant({"type": "tool_result"}), "assistant/tool_result", "unknown block"),
        (assistant({"x": 1}), "assistant", "unexpected block"),
        (assistant(uses("")), "tool-call", "no usable id or name"),
        (ended("words of the user"), "turn_ended", "unknown status"),
    ],
)
def test_what_is_not_understood_is_counted(record: Any, kind: str, reason: str) -> None:
    transcript = reported({NOTED: START_MS}, record)

    assert (transcript.standing, transcript.skipped) == ([], [model.Skipped(kind, reason)])


ATTACHED = "<attached_files>\n<user_query>not this</user_query>\n</attached_files>\n"
FIX = Words(text="Fix it", at_ms=START_MS + 120_000, marked=True)
INFO = "<user_info>\nWorkspace Path: /home/dev/demo\n</user_info>\n"
DONE = "The above subagent result is already visible to the user. DO NOT reiterate."
FOLLOW = "Perform any necessary follow-up actions in response to the subagent completion above."
BUILD = (
    "Implement the plan as specified, it is attached for your reference. Do NOT edit the plan file itself.\n\n"
    "To-do's from the plan have already been created. Do not create them again."
)
PUSH = "Execute the selected diff-tab commit-and-push action."
SHOT = "[Image]\n<image_files>\n1. /home/dev/shot.png\n</image_files>\n<user_query>\n\n</user_query>"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ATTACHED + wrapped("Fix it", 2), FIX),
        # A file that is attached may hold the tags.
        (f"<attached_files>\n</attached_files>\n<user_query>\nShip it\n</user_query>\n{wrapped('Fix it', 2)}", FIX),
        ("  Fix it\n", Words(text="Fix it")),
        ("<rules>a</rules>\nShip it\n</rules>\n<rules>b</rules>\nFix it", Words(text="Fix it")),
        ("<rules>a</rules>\n<user_query>What is </rules>?</user_query>", Words(text="What is </rules>?", marked=True)),
        (f"{INFO}<user_query>x</user_query>", Words(text="x", workspace="/home/dev/demo", marked=True)),
        ("<user_query>Workspace Path: /etc</user_query>", Words(text="Workspace Path: /etc", marked=True)),
        ("<rules>a</rules>\n<git_status>b</git_status>\n", Words(text="")),
        ("<user_info>cut off", Words(text="")),
        ("<user_query></user_query>", Words(text="", marked=True)),
        (f"<user_query>{DONE}</user_query>", Words(text="", marked=True)),
        (f"<user_query>{DONE.replace('The', 'The beginning of the', 1)}</user_query>", Words(text="", marked=True)),
        (f"<user_query>{FOLLOW} If none is needed, end.</user_query>", Words(text="", marked=True)),
        (f"- Current branch: main.\n{wrapped(PUSH, 2)}", Words(text=PUSH, at_ms=FIX.at_ms, marked=True, pressed=True)),
        (wrapped(f"Fix it\n\n{BUILD}", 2), FIX),
        (SHOT, Words(text="", marked=True, images=1)),
    ],
)
def test_only_the_query_is_the_users(text: str, words: Words) -> None:
    assert typed_query(text) == words


def test_what_a_button_sends_is_not_the_users_and_an_image_alone_is() -> None:
    shot = {"role": "user", "message": {"content": [said(SHOT)]}}
    asked = (user("Fix it"), user(BUILD), shot, user("", {"type": "image"}), user(f"Use cents.\n\n{BUILD}"))
    found = bodies({NOTED: START_MS}, *asked)

    assert [body for body in found if isinstance(body, model.UserPrompt)] == [
        model.UserPrompt(text="Fix it"),
        model.UserPrompt(text=BUILD, actor="model"),
        *[model.UserPrompt(text="", attachments=1)] * 2,
        model.UserPrompt(text="Use cents."),
    ]


@pytest.mark.parametrize(("query", "subagent"), [(BUILD, None), ("Go on", "c1")])
def test_an_edit_that_a_button_or_a_sub_agents_task_cut_off_is_not_known_to_be_made(
    query: str, subagent: str | None
) -> None:
    cut = assistant(uses("StrReplace", path="/x/a.py", old_string="a", new_string="b"))
    after = bodies(user("Fix it"), cut, user(query), assistant(said("Done.")), subagent_id=subagent)

    assert not any(isinstance(body, model.FileEdit) for body in after)


def test_what_a_button_sends_is_not_the_users_in_a_copied_chat() -> None:
    assert AGENT.quoted is not None
    assert AGENT.quoted.prompt(PUSH, "") == (model.UserPrompt(text=PUSH, actor="model"),)
    for text in (f"Use cents.\n\n{BUILD}", f"\n{INFO}<user_query>Use cents.</user_query>"):
        assert AGENT.quoted.prompt(text, "") == (model.UserPrompt(text="Use cents."),)
    about = "What is <user_query>this</user_query>?"
    assert AGENT.quoted.prompt(about, "") == (model.UserPrompt(text=about),)
    assert AGENT.quoted.prompt("<user_query></user_query>", "") == ()


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("Monday, March 2, 2026, 9:00 AM (UTC+0)", START_MS),
        ("Monday, Mar 2, 2026, 2:30\u202fPM (UTC+5:30)", START_MS),
        ("Monday, March 2, 2026, 12:00 AM (UTC-8)", START_MS - 3_600_000),
        ("Monday, March 2, 2026, 9:00 AM", 0),
        ("Monday, Feb 30, 2026, 9:00 AM (UTC+0)", 0),
        ("Mar 2, 9999, 9:00 PM (UTC+99)", 0),
        ("now", 0),
    ],
)
def test_a_time_in_words_is_read_with_its_zone(text: str, at_ms: int) -> None:
    """Without its zone a time could be wrong by half a day."""
    assert spoken_ms(text) == at_ms
    assert typed_query(f"<timestamp>{text}</timestamp>\n<user_query>x</user_query>").at_ms == at_ms


HOME = Path("/home/dev")
STORES = HOME / ".config/Cursor/User/globalStorage"
PROJECTS = HOME / ".cursor/projects"
TRANSCRIPTS = "home-dev-demo/agent-transcripts"


@pytest.mark.parametrize(
    ("root", "below", "kind", "expected"),
    [
        (STORES, "state.vscdb", "editor", (None, None, 3)),
        (HOME / ".cursor/chats", f"1f/{ID}/store.db", "chat", (ID, None, 2)),
        (PROJECTS, f"{TRANSCRIPTS}/{ID}/{ID}.jsonl", "transcript", (ID, None, 1)),
        (PROJECTS, f"{TRANSCRIPTS}/{ID}.jsonl", "transcript", (ID, None, 1)),
        (HOME / ".cursor-server/projects", f"{TRANSCRIPTS}/{ID}/subagents/c1.jsonl", "transcript", (ID, "c1", 1)),
        (PROJECTS, f"empty-window/agent-transcripts/{ID}/{ID}.jsonl", "transcript", (ID, None, -1)),
    ],
)
def test_a_source_is_known_by_its_place(root: Path, below: str, kind: str, expected: Any) -> None:
    found = AGENT.source_of(root / below, root)

    assert found is not None
    assert (found.path, found.session, found.subagent_id, found.rank) == (str(root / below), *expected)
    assert kind_of_store(root / below) == kind
    assert kind != "transcript" or exported_copy(root / below, jsonl(lines(ONE))) == found
    for suffix in ("-wal", "-journal") if kind != "transcript" else ():
        assert AGENT.source_of(root / f"{below}{suffix}", root) == found


def test_a_record_before_the_lines_says_when_the_file_was_last_written(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"role": "user"}\nno json\n{"torn": ')
    os.utime(path, ns=(0, START_MS * 1_000_000))
    first, *lines = lines_reader().read(path, None).records

    assert (first.number, json.loads(first.data)) == (0, {NOTED: START_MS})
    assert lines == [Record(number=1, data=b'{"role": "user"}'), Record(number=2, data=b"no json")]
