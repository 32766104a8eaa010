"""Roo Code's material for the contract suite: synthetic, since the extension runs in an editor alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agents.roo_code.played import RooPlayed
from contract.case import Capabilities, Case, Recording
from support.own_folder import own_folder

FOLDER: Final = own_folder("roo_code")
SHOP: Final = Path("/home/dev/shop")
NOW: Final = datetime(2026, 11, 20, 6, tzinfo=UTC)
TODOS: Final = [
    {"id": "1", "content": "Round down", "status": "completed"},
    {"content": "Test it", "status": "pending"},
]
ASKED: Final = {"question": "Clamp it?", "suggest": [{"answer": "Yes"}, {"answer": "No"}]}


def said(kind: str, text: str = "", **fields: Any) -> bytes:
    """A message of a task."""
    given = {"ts": 1795155160349, "type": "say", "say": kind, "text": text, **fields}
    return json.dumps({"kind": "message", "session": {"id": "s1"}, "message": given}).encode()


def steps(home: Path) -> Iterator[RooPlayed]:
    """A task step by step: a refusal, a failing command, a question, a todo list, a condensed context, a limit."""
    task = RooPlayed(home, SHOP, NOW)
    task.prompt("Make discount() return whole cents.")
    yield task
    task.ask_for("command", "rm -rf /", "execute_command", {"command": "rm -rf /"})
    yield task
    task.deny("Never do that.")
    yield task
    task.edit(SHOP / "cart.py", "    return cents / 100", "    return cents // 100")
    task.run("make test", "1 failed\n", 2)
    yield task
    task.say_as("followup", json.dumps(ASKED), type="ask")
    yield task
    task.say_as("user_feedback", "No")
    task.say_as("tool", json.dumps({"tool": "updateTodoList", "todos": TODOS}), type="ask")
    task.end("compacted")
    yield task
    task.say_as("text", "Half of", partial=True)
    yield task
    task.shown.pop()
    task.end("limit")
    yield task


def streamed(folder: Path) -> Iterator[Recording]:
    """The same, then put back to a checkpoint."""
    for task in steps(folder):
        yield Recording(task.path, task.root)
    del task.shown[4:]
    task.save()
    yield Recording(task.path, task.root)
    task.say("I stopped.")
    yield Recording(task.path, task.root)


def recordings() -> tuple[Recording, ...]:
    """A whole task, one that it began, and one with results of tools."""
    *_, task = steps(FOLDER)
    part = RooPlayed(FOLDER, SHOP, NOW, parent=task.session)
    part.prompt("Find the callers.")
    part.say("There are three.")
    notes = RooPlayed(FOLDER, SHOP, NOW)
    notes.prompt("What is planned?")
    for tool, result in (("list", "Whole cents."), ("get", '{"status":"error","error":"There is no such note."}')):
        shown = {"type": "use_mcp_tool", "serverName": "notes", "toolName": tool}
        notes.ask_for("use_mcp_server", json.dumps(shown), f"mcp--notes--{tool}", {"query": tool})
        notes.result(result)
    notes.ask_for("tool", json.dumps({"tool": "searchFiles", "regex": "cents"}), "search_files", {"regex": "cents"})
    notes.result("Found 1 result.")
    return tuple(Recording(each.path, each.root) for each in (task, part, notes))


FORMS: Final = (
    "The user denied this operation.",
    "The user denied this operation and provided the following feedback:\n<feedback>\nShip it\n</feedback>",
    '{"status":"denied","message":"The user denied this operation.","feedback":"Ship it"}',
    '{"status":"denied"}',
    '{"status":"approved","feedback":"Ship it"}',
    "<user_message>\nShip it\n</user_message>",
    "[ask_followup_question] Result:\n\n<answer>\nShip it\n</answer>",
    "<task>\nShip it\n</task>",
    "[TASK RESUMPTION] New instructions for task continuation:\n<user_message>\nShip it\n</user_message>",
    '{"tool":"updateTodoList","todos":[{"content":"Ship it","status":"in_progress"}]}',
    "- [ ] Ship it",
)
"""What the client and others of its family write for the user, or for themselves."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    places=4,
    grows_by_lines=False,
    in_place_only=("ui_messages.json",),
    stages={"streamed": streamed},
    unknown=(said("brand_new"),),
    quiet=(said("checkpoint_saved", "cafe"), said("reasoning", "Hm."), said("api_req_finished")),
    not_typed=(said("text", "words"), said("completion_result", "words"), said("subtask_result", "words")),
    strangers=("_index.json", "t1/task_metadata.json", "t1/deeper/ui_messages.json"),
)

CAPABILITIES: Final = Capabilities(
    reads="tasks of the extension",
    shows=frozenset({"compaction", "limit", "sub-agents", "tests", "title", "todo list", "who asks"}),
    synthetic="the extension runs in an editor alone, so its form is taken from its public source",
)
