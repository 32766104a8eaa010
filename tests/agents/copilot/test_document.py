"""Sessions in one document, as the terminal client wrote them until October 2025. Made up in the form that its package
0.0.340 checks and public sessions have: no recording of ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carryover.adapter.contract import Source
from carryover.agents.copilot.adapter import AGENT
from carryover.model import (
    AssistantMessage,
    Event,
    FileEdit,
    SessionInfo,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from carryover.transcript.sources import sources_of
from contract.case import Recording, of, read_all, read_export

SESSION = "01a1f792-0000-4000-8000-000000000042"
NAME = f"session_{SESSION}_1759669955294.json"
START = "2025-10-05T13:12:35.294Z"
SHOP = "/home/dev/shop"


def entry(number: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "timestamp": f"2025-10-05T13:{13 + number:02d}:00.000Z", "type": kind, **fields}


def call(number: int, name: str, result: dict[str, Any] | None, **arguments: Any) -> dict[str, Any]:
    kind = "tool_call_requested" if result is None else "tool_call_completed"
    ended = {} if result is None else {"result": result}
    about = {"callId": f"call_{number}", "name": name, "toolTitle": name, "intentionSummary": None}
    return entry(number, kind, **about, arguments=arguments, **ended)


def printed(number: int, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"call_{number}", "content": text}


EDIT = {"command": "str_replace", "path": f"{SHOP}/pricing.py", "old_str": "a / b", "new_str": "a // b"}
TIMELINE = [
    entry(0, "info", text="Connected to GitHub MCP Server"),
    entry(1, "user", text="Fix the failing discount test.", mentions=[]),
    call(2, "bash", {"type": "success", "log": "1 failed"}, command="pytest -q", description="Run the tests"),
    call(3, "str_replace_editor", {"type": "success", "log": "diff"}, **EDIT),
    call(4, "bash", {"type": "rejected"}, command="git push"),
    entry(5, "copilot", text="Shall I push?"),
    entry(6, "error", text='Model call failed: {"message":"rate limit exceeded","code":"rate_limited"}'),
    entry(7, "user", text="No."),
    call(8, "bash", None, command="sleep 60"),
    entry(9, "info", text="Operation cancelled by user"),
]
MESSAGES = [
    {"role": "user", "content": "Fix the failing discount test.\n\n<reminder>\nCall tools at once.\n</reminder>"},
    printed(2, "1 failed in 0.1s\n<exited with exit code 1>"),
    printed(3, "File edited."),
]


def document(timeline: list[dict[str, Any]] = TIMELINE, **more: Any) -> bytes:
    whole = {"sessionId": SESSION, "startTime": START, "chatMessages": MESSAGES, "timeline": timeline, **more}
    return json.dumps(whole, indent=2).encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "history-session-state"
    root.mkdir()
    return root


def events_of(path: Path, data: bytes) -> list[Event]:
    path.write_bytes(data)
    return read_all(AGENT, Recording(path, path.parent)).events


def test_a_document_becomes_what_the_user_saw_with_what_the_calls_printed(root: Path) -> None:
    events = events_of(root / NAME, document())

    assert [prompt.text for prompt in of(events, UserPrompt)] == ["Fix the failing discount test.", "No."]
    assert [said.text for said in of(events, AssistantMessage)] == ["Shall I push?"]
    assert [(r.op, r.subject, r.status, r.exit_code) for r in of(events, ToolResult)] == [
        ("shell", "pytest -q", "error", 1),
        ("edit", f"{SHOP}/pricing.py", "ok", None),
        ("shell", "git push", "denied", None),
        ("shell", "sleep 60", "interrupted", None),
    ]
    assert of(events, ToolResult)[0].output == "1 failed in 0.1s"
    assert [end.reason for end in of(events, TurnEnd)] == ["limit", "interrupted"]
    assert "<reminder>" not in repr(events)


def test_each_entry_has_its_own_time_and_the_documents_session(root: Path) -> None:
    events = events_of(root / NAME, document(selectedModel="claude-sonnet-4.5"))

    assert {event.session for event in events} == {SESSION}
    assert [e.at_ms for e in events if isinstance(e.body, UserPrompt)] == [1_759_670_040_000, 1_759_670_400_000]
    assert [info.model for info in of(events, SessionInfo)] == ["claude-sonnet-4.5"]


def test_the_folder_is_the_one_that_the_client_names_or_the_first_changed_files(root: Path) -> None:
    """No field holds it."""
    trusted = entry(0, "info", text=f"Folder {SHOP}/api has been added to trusted folders.")

    assert {event.cwd for event in events_of(root / NAME, document([trusted, *TIMELINE]))} == {f"{SHOP}/api"}
    assert {event.cwd for event in events_of(root / NAME, document())} == {SHOP}
    assert {event.cwd for event in events_of(root / NAME, document(TIMELINE[:2]))} == {None}


def test_the_file_that_a_call_changed_is_known(root: Path) -> None:
    """By the one tool for files that there was before 0.0.350."""
    (edit,) = of(events_of(root / NAME, document()), FileEdit)

    assert (edit.path, edit.change) == (f"{SHOP}/pricing.py", "modify")


def test_a_document_that_grows_adds_its_new_entries(root: Path) -> None:
    path = root / NAME
    path.write_bytes(document(TIMELINE[:4]))
    first = AGENT.reader.read(path, None)
    path.write_bytes(document(TIMELINE[:6]))
    rest = AGENT.reader.read(path, first.cursor)

    assert [record.number for record in first.records] == [0, 1, 3, 4, 4, 5, 5]
    assert [record.number for record in rest.records] == [6, 6, 7]


def test_a_copy_is_known_by_how_it_begins(tmp_path: Path) -> None:
    """Also with a mark of the byte order before it."""
    assert AGENT.exported is not None
    path = tmp_path / "saved.json"
    for data in (document(), b"\xef\xbb\xbf" + document()):
        path.write_bytes(data)

        assert AGENT.exported(path, data) == Source(agent="copilot", path=str(path), session=SESSION, rank=-1)
        assert len(of(read_export(AGENT, path).events, UserPrompt)) == 2


def test_the_log_of_the_next_version_is_a_file_of_its_own(tmp_path: Path) -> None:
    """`session-state/<session>.jsonl` (0.0.351, and public sessions): the same records as today."""
    root = tmp_path / "session-state"
    root.mkdir()
    path = root / f"{SESSION}.jsonl"
    start = {"sessionId": SESSION, "version": 1, "producer": "copilot-agent", "copilotVersion": "0.0.351"}
    lines = [("session.start", start), ("user.message", {"content": "Fix the test."})]
    records = [{"type": kind, "data": data, "id": kind, "timestamp": START} for kind, data in lines]
    data = "".join(f"{json.dumps(record)}\n" for record in records).encode()

    (prompt,) = of(events_of(path, data), UserPrompt)

    assert prompt.text == "Fix the test."
    assert [source.session for source in sources_of(AGENT, root)] == [SESSION]
