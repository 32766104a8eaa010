"""Documents of other programs: trajectories (ATIF), which are also exported, and chats as Cursor 1.4, Windsurf and
opencode 1.2 export them (the text is ours)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carryover.errors import ExitCode
from carryover.importing.atif import is_trajectory
from carryover.importing.document import open_document
from carryover.model import (
    AgentSummary,
    AnyBody,
    AssistantMessage,
    FileEdit,
    SessionInfo,
    ToolCall,
    ToolResult,
    UserPrompt,
)
from carryover.past.context import state_dir
from support.json_schema import atif_violations
from support.recorded_shop import CHECKOUT, Run
from support.specstory import events_of

Events = Callable[[dict[str, Any]], list[AnyBody]]


def test_a_session_comes_back_as_it_was_in_an_empty_ledger(
    recorded: Path, run: Run, tmp_path: Path, home: Path
) -> None:
    file = tmp_path / "trajectory.json"
    run.err(ExitCode.OK, "export", "--session", CHECKOUT, "--format", "atif", "--full", "-o", str(file))
    document = json.loads(file.read_text("utf-8"))
    handoff, shown = run("handoff", str(recorded), "--session", CHECKOUT)[1], run("show", CHECKOUT)[1]
    assert atif_violations(document) == []
    assert (document["schema_version"], document["session_id"]) == ("ATIF-v1.7", CHECKOUT)
    assert document["agent"]["name"] == "claude-code"
    assert [step["source"] for step in document["steps"]][:2] == ["user", "agent"]

    shutil.rmtree(state_dir().root)
    shutil.rmtree(home / ".claude")
    out = run.out("import", str(file))
    assert out.startswith(f"✓ {file}: 1 session of Claude Code, saved by ATIF, ")
    assert "Nothing added" in run("import", str(file))[1]

    assert run("export", "--session", CHECKOUT, "--format", "atif", "--full")[1] == file.read_text("utf-8")
    assert run("show", CHECKOUT)[1] == shown
    lines = run("handoff", str(recorded))[1]
    said = next(line for line in handoff.splitlines() if line.startswith("- ") and "checkout" in line)
    assert said.partition("): ")[2] in lines


@pytest.fixture
def events(tmp_path: Path) -> Events:
    def read(document: dict[str, Any]) -> list[AnyBody]:
        file = tmp_path / "trajectory.json"
        file.write_text(json.dumps(document), "utf-8")
        return [event.body for event in events_of(open_document(file))]

    return read


def trajectory(*steps: dict[str, Any], agent: str = "terminus-2", **more: Any) -> dict[str, Any]:
    numbered = [{"step_id": number, **step} for number, step in enumerate(steps, 1)]
    return {
        "schema_version": "ATIF-v1.5",
        "session_id": "run-1",
        "agent": {"name": agent, "version": "2.0.0", "model_name": "m", "extra": {"cwds": ["/home/dev/shop"]}},
        "steps": numbered,
        **more,
    }


def call(name: str, result: str | None, extra: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    ended = [] if result is None else [{"source_call_id": "c1", "content": result, "extra": extra}]
    return {
        "source": "agent",
        "message": "",
        "tool_calls": [{"tool_call_id": "c1", "function_name": name, "arguments": arguments}],
        **({"observation": {"results": ended}} if ended else {}),
    }


def test_a_trajectory_of_an_unknown_tool_is_a_session_of_that_name(home: Path, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "trajectory.json"
    shop = home / "shop"
    shop.mkdir()
    steps = (
        {"source": "system", "message": "You are a terminal agent."},
        {"source": "user", "message": "Add a discount to the cart.", "timestamp": "2026-11-01T10:00:00Z"},
        call("bash_command", "2 passed", keystrokes="pytest -q\n"),
        {"source": "agent", "message": "It is in cart.py.", "timestamp": "2026-11-01T10:01:00.5+00:00"},
    )
    file.write_text(json.dumps(trajectory(*steps, agent="Terminus 2")))

    out = run.out("import", str(file), "--project", str(shop))

    assert "1 session of terminus-2, saved by ATIF, 1 prompt, 2026-11-01" in out
    handoff = run("handoff", str(shop))[1]
    assert "from terminus-2\n" in handoff and "Add a discount to the cart." in handoff
    assert "terminal agent" not in handoff
    good = ("sessions --all", "show run-1", "search discount --all", f"log {shop}", f"export {shop}")
    for command in (*good, f"handoff {shop} --json", "status", "resume run-1", "doctor"):
        code, out, err = run(*command.split())
        assert "Traceback" not in err and (code == ExitCode.OK or command not in good), (command, err)
    assert run("forget", "run-1", "--yes")[0] == ExitCode.OK


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (call("Bash", "Exit code 2\nno", command="make"), ("make", "error", "")),
        (call("execute_bash", "ok", {"is_error": True}, command="make"), ("make", "error", "")),
        (call("str_replace_editor", "done", command="str_replace", path="cart.py", old_str="a", new_str="b"),
         ("/home/dev/shop/cart.py", "ok", "/home/dev/shop/cart.py")),
        (call("str_replace_editor", "1 a", command="view", path="/home/dev/shop/cart.py"),
         ("/home/dev/shop/cart.py", "ok", "")),
        (call("Write", "done", file_path="/home/dev/shop/new.py", content="x = 1\n"),
         ("/home/dev/shop/new.py", "ok", "/home/dev/shop/new.py")),
        (call("Write", "no", {"tool_result_is_error": True}, file_path="/home/dev/shop/new.py", content="x"),
         ("/home/dev/shop/new.py", "error", "")),
        (call("apply_patch", "Success", input="*** Begin Patch\n*** Update File: cart.py\n@@\n-a\n+b\n*** End Patch"),
         ("", "ok", "/home/dev/shop/cart.py")),
        (call("mystery", "42", subject="life"), ("life", "ok", "")),
    ],
)  # fmt: skip
def test_calls_of_other_tools_say_what_was_done(
    events: Events, step: dict[str, Any], expected: tuple[str, ...]
) -> None:
    found = events(trajectory(step))

    [result] = [body for body in found if isinstance(body, ToolResult)]
    edits = [body.path for body in found if isinstance(body, FileEdit)]
    assert (result.subject, result.status, "".join(edits)) == expected


def test_what_a_continuation_copies_counts_once_and_its_own_steps_are_added(events: Events, tmp_path: Path) -> None:
    first = trajectory({"source": "user", "message": "one"}, {"source": "agent", "message": "done one"})
    copied = {"source": "user", "message": "one", "is_copied_context": True}
    second = trajectory(copied, {"source": "agent", "message": "done two"})

    keys = []
    for document in (first, second):
        (tmp_path / "x.json").write_text(json.dumps(document))
        keys.append({event.key for event in events_of(open_document(tmp_path / "x.json"))})

    assert not keys[0] & {key for key in keys[1] if "info" not in key}
    assert [body for body in events(second) if isinstance(body, UserPrompt)] == []


def test_a_summary_pictures_and_sub_agents_are_what_they_are(events: Events) -> None:
    picture = {"type": "image", "source": {"media_type": "image/png", "path": "a.png"}}
    inner = {"schema_version": "ATIF-v1.7", "trajectory_id": "helper", "agent": {"name": "x", "version": "1"},
             "steps": [{"step_id": 1, "source": "user", "message": "look for it"}]}  # fmt: skip
    found = events(
        trajectory(
            {"source": "user", "message": [{"type": "text", "text": "like this"}, picture]},
            {"source": "system", "message": "compacted", "extra": {"context_management": {"type": "compaction"}},
             "observation": {"results": [{"content": "Summary: a discount"}]}},
            {"source": "agent", "message": "yes", "reasoning_content": "secret thoughts"},
            subagent_trajectories=[inner],
        )
    )  # fmt: skip

    assert found[1:] == [
        UserPrompt(text="like this", attachments=1),
        AgentSummary(text="Summary: a discount", source="compaction"),
        AssistantMessage(text="yes"),
        UserPrompt(text="look for it", actor="model"),
    ]


def test_what_only_carryover_writes_counts_only_in_its_own_documents(events: Events) -> None:
    """Nor can a document of its own take back events, or be a note."""
    retracts = {"source": "system", "message": "x", "extra": {"carryover": {"kind": "retracted", "keys": ["a"]}}}
    human = {"source": "agent", "message": "hi", "extra": {"carryover": {"kind": "user_prompt"}}}

    assert events(trajectory(retracts, human))[1:] == [AssistantMessage(text="hi")]
    ours = trajectory(retracts, {"source": "user", "message": "go on"}, extra={"carryover": {}}, agent="note")
    assert events(ours)[1:] == [UserPrompt(text="go on")]


KNOWN = {
    '{"schema_version": "ATIF-v1.7", "steps": []}': True,
    '\ufeff {"agent": {"schema_version": 1}, "schema_version":"ATIF-v1.0"': True,
    '{"schema_version": "ATIF-v2.0"}': False,
    '{"inner": {"schema_version": "ATIF-v1.7"}}': False,
    '{"text": "\\"schema_version\\": \\"ATIF-v1.7\\""}': False,
    '["schema_version", "ATIF-v1.7"]': False,
}


@pytest.mark.parametrize("text", KNOWN)
def test_it_is_known_by_its_version_at_the_top(text: str) -> None:
    assert is_trajectory(text.encode()) is KNOWN[text]


@pytest.mark.parametrize("value", [None, 7, [[]], {"results": [None]}, "[" * 900])
@pytest.mark.parametrize(
    "name", ["message", "source", "timestamp", "step_id", "tool_calls", "observation", "extra", "is_copied_context"]
)
def test_any_field_of_another_shape_costs_at_most_its_step(events: Events, name: str, value: Any) -> None:
    odd = {**call("Bash", "x", command="make"), "message": "odd", name: value}
    found = events(trajectory(odd, {"source": "agent", "message": "after"}))

    assert found[-1] == AssistantMessage(text="after")


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
