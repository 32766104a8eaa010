"""Cline's tasks for the contract suite: the form of the extension, recorded with the terminal client of that time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from contract.case import Case, Recording

TASK: Final = Path(__file__).parent / "fixtures" / "2.18.0" / "story" / "tasks" / "1795367291512"
AT_MS: Final = 1795367291563


def said(kind: str, text: str = "", **fields: Any) -> bytes:
    """A message of a task."""
    given = {"ts": AT_MS, "type": "say", "say": kind, "text": text, **fields}
    return json.dumps({"kind": "message", "session": {"id": "s1"}, "message": given}).encode()


def asked(kind: str, text: str = "", **fields: Any) -> bytes:
    """A message that waits for the user."""
    given = {"ts": AT_MS, "type": "ask", "ask": kind, "text": text, **fields}
    return json.dumps({"kind": "message", "session": {"id": "s1"}, "message": given}).encode()


def streamed(folder: Path) -> Iterator[Recording]:
    """A task as it grows; then it is put back to a checkpoint, and goes on from there."""
    root = folder / "tasks"
    task = root / TASK.name
    task.mkdir(parents=True)
    shown = json.loads((TASK / "ui_messages.json").read_bytes())
    sent = json.loads((TASK / "api_conversation_history.json").read_bytes())
    for count in (*range(1, len(shown) + 1), 6, *range(8, len(shown) + 1)):
        before = [message for message in sent if message["ts"] <= shown[count - 1]["ts"]]
        (task / "api_conversation_history.json").write_text(json.dumps(before))
        (task / "ui_messages.json").write_text(json.dumps(shown[:count]))
        yield Recording(task / "ui_messages.json", root)
    shutil.copyfile(TASK / "api_conversation_history.json", task / "api_conversation_history.json")
    yield Recording(task / "ui_messages.json", root)


TASKS: Final = Case(
    recordings=(Recording(TASK / "ui_messages.json", TASK.parent),),
    forms=(
        "The user denied this operation.",
        "The user denied this operation and provided the following feedback:\n<feedback>\nShip it\n</feedback>",
        '{"question":"Cents?","options":["Ship it"],"selected":"Ship it"}',
    ),
    # No tool's output but that of commands.
    places=1,
    grows_by_lines=False,
    in_place_only=("ui_messages.json",),
    stages={"streamed": streamed},
    unknown=(said("brand_new"), asked("brand_new")),
    quiet=(
        said("checkpoint_created"),
        said("reasoning", "Hm."),
        asked("resume_task"),
        asked("completion_result"),
        said("api_req_started", "{}"),
    ),
    not_typed=(
        said("text", "words"),
        said("completion_result", "words"),
        asked("command_output", "words"),
        said("mcp_server_response", "words"),
    ),
    strangers=("1795367291512/task_metadata.json", "_index.json", "1795367291512/deeper/ui_messages.json"),
)
