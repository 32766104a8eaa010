"""Gemini CLI's material for the contract suite."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from contract.case import LEFT_OUT, Capabilities, Case, Payload, Recording, payload_of, recorded_payloads

FIXTURES: Final = Path(__file__).parent / "fixtures"
AT: Final = "2026-11-20T06:00:00.000Z"
NAME: Final = "session-2026-11-20T06-00-0a1b2c3d"
STUB: Final = "session-2026-11-20T06-23-3b971be9.jsonl"
"""What a resume leaves: a header, and what the client says of the folder."""
CONTINUED: Final = "continued-document"
"""Files that are one session together; alone, the lines do not name their folder (test_document)."""


def message(kind: str, content: Any, **fields: Any) -> bytes:
    return json.dumps({"id": "m1", "timestamp": AT, "type": kind, "content": content, **fields}).encode()


def user(*texts: str) -> bytes:
    return message("user", [{"text": text} for text in texts])


def patch(**fields: Any) -> bytes:
    return json.dumps({"$set": fields}).encode()


def recordings() -> tuple[Recording, ...]:
    """Every transcript in lines of every version, but for those that say nothing alone."""
    files = sorted([*FIXTURES.glob("*/*/tmp/*/chats/*.jsonl"), *FIXTURES.glob("*/*/tmp/*/chats/*/*.jsonl")])
    return tuple(at(path) for path in files if path.name != STUB and CONTINUED not in path.parts)


def documents() -> tuple[Recording, ...]:
    """Every transcript that is a document."""
    return tuple(at(path) for path in sorted(FIXTURES.glob("*/*/tmp/*/chats/*.json")))


def at(path: Path) -> Recording:
    return Recording(path=path, root=next(folder for folder in path.parents if folder.name == "tmp"))


def recording(name: str, ident: str = "") -> Recording:
    """A transcript by its version and scenario, `0.61.0/one-shot`, and the beginning of its id where there are more."""
    (path,) = (FIXTURES / name).glob(f"tmp/*/chats/session-*-{ident}*.json*")
    return at(path)


def written_by_message(folder: Path) -> Iterator[Recording]:
    """The largest document as the client writes it: again with each message, of which the last one grows."""
    largest = max(documents(), key=lambda found: found.path.stat().st_size)
    whole = json.loads(largest.path.read_bytes())
    path = folder / largest.path.relative_to(largest.root.parent)
    path.parent.mkdir(parents=True)
    for number, last in enumerate(whole["messages"]):
        calls = last.get("toolCalls", [])
        for known in range(len(calls) + 1):
            growing = (
                {**last, "toolCalls": calls[:known]} if known else {k: v for k, v in last.items() if k != "toolCalls"}
            )
            messages = [*whole["messages"][:number], growing]
            path.write_text(json.dumps({**whole, "messages": messages}, indent=2))
            yield at(path)


def rewound(folder: Path) -> Iterator[Recording]:
    """A document whose last messages the user takes back, and which goes on otherwise."""
    *_, last = written_by_message(folder)
    whole = json.loads(last.path.read_bytes())
    kept = whole["messages"][: len(whole["messages"]) // 2]
    yield last
    last.path.write_text(json.dumps({**whole, "messages": kept}, indent=2))
    yield last
    other = {"id": "other", "timestamp": whole["lastUpdated"], "type": "user", "content": "Leave it as it was."}
    last.path.write_text(json.dumps({**whole, "messages": [*kept, other], "summary": "Left as it was"}, indent=2))
    yield last


SESSION: Final = "3b971be9-01cf-4ea3-87b0-7244834328cb"
RECORDED_HOOKS: Final = Path(__file__).parent / "recorded_hooks"


def payload(event: str, **fields: Any) -> Payload:
    common = {
        "session_id": SESSION,
        "transcript_path": "/home/dev/.gemini/tmp/shop/chats/session-2026-11-20T06-22-3b971be9.jsonl",
        "cwd": "/home/dev/shop",
        "hook_event_name": event,
        "timestamp": "2026-11-20T06:22:48.529Z",
    }
    return payload_of(event, common, fields)


FOREIGN: Final = (
    # Programs that run the hooks of others.
    payload("SessionStart", source="startup", transcript_path="/home/dev/.claude/projects/-home-dev-shop/a.jsonl"),
    payload("SessionStart", source="startup", cursor_version="3.12.17"),
    payload("SessionEnd", workspace_roots=["/home/dev/shop"]),
    payload("AfterAgent", conversation_id=SESSION),
    # No transcript, or one that lies elsewhere.
    payload("AfterAgent", transcript_path=LEFT_OUT),
    payload("AfterAgent", transcript_path=""),
    payload("AfterAgent", transcript_path="/home/dev/.gemini/tmp/shop/logs.json"),
    # The hook of one event run for another.
    payload("SessionStart", source="startup", hook_event_name="BeforeAgent"),
    payload("SessionEnd", hook_event_name=LEFT_OUT),
)

FORMS: Final = (
    "[Operation Cancelled] Reason: User denied execution.",
    "User cancelled the operation.",
    "Plan rejected. User feedback: Ship it\n\nThe plan is stored at: /a/plan.md\n\nRevise the plan.",
    "Plan rejected. No feedback provided.\n\nThe plan is stored at: /a/plan.md",
    "Plan approved. Switching to Default mode.",
    '{"answers":{"0":"Ship it"}}',
    "User dismissed ask_user dialog without answering.",
    "I ran the following shell command:\n```sh\nmake ship\n```\n\n"
    "This produced the following output:\n```\nShip it\n```",
    "<hook_context>Ship it</hook_context>",
    "<session_context>\nThis is the Gemini CLI.\n</session_context>\nShip it",
    "<state_snapshot>\n<overall_goal>\nShip it\n</overall_goal>\n</state_snapshot>",
    "Request cancelled.",
    "Command was cancelled by user before it could complete. Below is the output before it was cancelled:\nShip it",
    "[API Error: You have exhausted your capacity on this model. Your quota will reset after 3h12m5s.]",
    '{"status":"error","error":"Ship it"}',
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    stages={"written by message": written_by_message, "rewound": rewound},
    unknown=(
        message("brand_new", "words"),
        json.dumps({"brand_new": True}).encode(),
        json.dumps({"type": "user", "content": "no id"}).encode(),
        message("gemini", "", toolCalls=[{"id": "c1"}]),
    ),
    quiet=(
        patch(lastUpdated=AT),
        patch(memoryScratchpad={"version": 1}),
        patch(sessionId="0a1b2c3d"),
        message("info", ""),
        message("info", "Switched to another model."),
        message("warning", "words"),
        message("error", "Unknown command: /words"),
        message("gemini", ""),
        message("user", [{"functionResponse": {"id": "c1", "name": "glob", "response": {"output": "words"}}}]),
    ),
    not_typed=(
        user(
            "<session_context>\nThis is the Gemini CLI.\n"
            "- **Workspace Directories:**\n  - /home/dev/shop\n</session_context>"
        ),
        user("<hook_context># [CARRYOVER] Last updated 2026-11-20</hook_context>"),
        user("System: Potential loop detected. Take a step back."),
        user("[Function Response: read_many_files]--- cart.py ---\n\ncents = 1\n\n--- End of content ---"),
        user("Please continue."),
        message("user", [{"functionResponse": {"id": "c1", "name": "glob", "response": {"output": "words"}}}]),
        patch(messages=[{"id": "m2", "timestamp": AT, "type": "user", "content": [{"text": "words of a summary"}]}]),
    ),
    strangers=(
        "shop/logs.json",
        "shop/chats/notes.jsonl",
        f"shop/{NAME}.jsonl",
        f"{NAME}.jsonl",
        f"shop/chats/{NAME}.jsonl.tmp-12",
        f"shop/chats/{NAME}.jsonl.unreadable-1",
        f"shop/chats/{NAME}",
        "shop/chats/0a1b2c3d/deeper/0a1b2c3d.jsonl",
        "shop/chats/0a1b2c3d/0a1b2c3d.json",
        "shop/checkpoints/0a1b2c3d.json",
        "shop/.project_root",
    ),
    payloads=tuple(
        payload
        for name in ("interactive-0.61.0", "compress-clear-0.61.0", "oneshot-0.61.0")
        for payload in recorded_payloads(RECORDED_HOOKS / f"{name}.jsonl")
    ),
    foreign=FOREIGN,
)

CAPABILITIES: Final = Capabilities(
    reads="chats in lines and as documents, of sub-agents too",
    shows=frozenset({"compaction", "limit", "resume", "sub-agents", "tests", "title", "todo list"}),
)
