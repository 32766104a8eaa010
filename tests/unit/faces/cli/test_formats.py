"""A session as a trajectory for other tools (ATIF), and chats as Cursor 1.4, Windsurf and opencode 1.2 export them (the
text is ours)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from carryover.importing.document import open_document
from carryover.model import AnyBody, AssistantMessage, SessionInfo, ToolCall, ToolResult, UserPrompt
from support.json_schema import atif_violations
from support.recorded_shop import CHECKOUT, Run
from support.specstory import events_of


def test_a_session_as_a_trajectory_is_valid_and_can_be_read_as_a_chat(recorded: Path, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "trajectory.json"
    run.err(ExitCode.OK, "export", "--session", CHECKOUT, "--format", "atif", "--full", "-o", str(file))
    document = json.loads(file.read_text("utf-8"))
    assert atif_violations(document) == []
    assert (document["schema_version"], document["session_id"]) == ("ATIF-v1.7", CHECKOUT)
    assert document["agent"]["name"] == "claude-code"
    assert [step["source"] for step in document["steps"]][:2] == ["user", "agent"]

    bodies = [event.body for event in events_of(open_document(file))]

    first = next(step["message"] for step in document["steps"] if step["source"] == "user")
    assert bodies[0] == UserPrompt(text=first)
    asked = [call["tool_call_id"] for step in document["steps"] for call in step.get("tool_calls", ())]
    assert [body.call_id for body in bodies if isinstance(body, ToolCall)] == asked
    assert {body.call_id for body in bodies if isinstance(body, ToolResult)} <= {*asked}


EXPORTED: dict[str, list[AnyBody]] = {
    "cursor": [
        SessionInfo(title="Bread in the cart"),
        UserPrompt(text="Add bread to the cart.\n---\n**User**\nis no turn here."),
        AssistantMessage(text="Looking at `cart.py`.\n\n**User**\n\n### Done\n- bread is in"),
        UserPrompt(text="Now rye."),
    ],
    "windsurf": [
        UserPrompt(text="Why is `total` any? @[/home/ann/shop/cart.ts:L19-L26]"),
        AssistantMessage(text="I'll look."),
        AssistantMessage(text="It has **no** return type."),
    ],
    "opencode": [
        SessionInfo(title="Lab tasks"),
        UserPrompt(text="read the task"),
        AssistantMessage(text="Let me look."),
        AssistantMessage(text="It asks for a server."),
        AssistantMessage(text="Built."),
    ],
}


@pytest.mark.parametrize("client", EXPORTED)
def test_a_chat_that_a_client_exported(client: str, tmp_path: Path) -> None:
    path = tmp_path / {"cursor": "cursor_bread.md", "windsurf": "chat.md", "opencode": "session-ses_2a70.md"}[client]
    shutil.copy(Path(__file__).parent / "chats" / f"{client}.md", path)

    bodies = [event.body for event in events_of(open_document(path, project="/home/ann/shop"))]

    assert [body for body in bodies if not isinstance(body, ToolCall | ToolResult)] == EXPORTED[client]
    results = [(body.name, body.subject, body.output) for body in bodies if isinstance(body, ToolResult)]
    read = ("read", "D:\\lab\\task.md", "# task\n```sh\ngo run .\n```")
    assert results == ([read, ("todowrite", "", ""), ("bash", "go build", "")] if client == "opencode" else [])


def test_a_formatter_may_have_put_a_blank_line_below_the_title_of_an_exported_chat(tmp_path: Path) -> None:
    path = tmp_path / "cursor_bread.md"
    text = (Path(__file__).parent / "chats/cursor.md").read_text("utf-8")
    path.write_text(text.replace("\n_Exported", "\n\n_Exported", 1), "utf-8")

    assert [event.body for event in events_of(open_document(path, project="/home/ann/shop"))] == EXPORTED["cursor"]
