"""A session as a trajectory for other tools (ATIF), and chats as Cursor 1.4, Windsurf and opencode 1.2 export them (the
text is ours)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from carryover.errors import ExitCode
from carryover.importing.candidate import Candidate
from carryover.importing.document import open_document
from carryover.model import AnyBody, AssistantMessage, ToolCall, ToolResult, UserPrompt
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

    bodies = [event.body for event in events_of(open_document(Candidate(file)))]

    first = next(step["message"] for step in document["steps"] if step["source"] == "user")
    assert bodies[0] == UserPrompt(text=first)
    asked = [call["tool_call_id"] for step in document["steps"] for call in step.get("tool_calls", ())]
    assert [body.call_id for body in bodies if isinstance(body, ToolCall)] == asked
    assert {body.call_id for body in bodies if isinstance(body, ToolResult)} <= {*asked}


EXPORTED: dict[str, tuple[str, list[AnyBody]]] = {
    "cursor": (
        "cursor",
        [
            UserPrompt(text="Add bread to the cart."),
            AssistantMessage(text="Looking at `cart.py`.\n\n**User**\n\n### Done\n- bread is in"),
            UserPrompt(text="Now rye."),
        ],
    ),
    "windsurf": (
        "assistant",
        [
            UserPrompt(text="Why is `total` any? @[/home/ann/shop/cart.ts:L19-L26]"),
            AssistantMessage(text="I'll look.\n\n*Viewed [cart.ts](file:///home/ann/shop/cart.ts) *"),
            AssistantMessage(text="It has **no** return type."),
        ],
    ),
    "opencode": (
        "assistant",
        [
            UserPrompt(text="read the task"),
            AssistantMessage(text="Let me look.\n\n**Tool: todowrite**\n\nIt asks for a server."),
            AssistantMessage(text="Built."),
        ],
    ),
}


@pytest.mark.parametrize("client", EXPORTED)
def test_a_chat_that_a_client_exported(client: str, tmp_path: Path) -> None:
    path = Path(shutil.copy(Path(__file__).parent / "chats" / f"{client}.md", tmp_path))
    document = open_document(Candidate(path, project="/home/ann/shop"))

    assert (document.agent.id, [event.body for event in events_of(document)]) == EXPORTED[client]
