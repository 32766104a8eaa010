"""Copilot's material for the contract suite: recorded, and made up in that shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from agents.copilot.chat_cases import CHATS
from contract.case import Capabilities, Case, Payload, Recording

FIXTURES: Final = Path(__file__).parent / "fixtures"
AT: Final = "2026-11-20T06:00:00.000Z"
CHANGED: Final = "01a1f792-0000-4000-8000-000000000099"


def record(kind: str, /, *, agent: str | None = None, ident: str = "r1", **data: object) -> bytes:
    """A record of a log."""
    line = {"type": kind, "data": data, "id": ident, "timestamp": AT, "parentId": None}
    return json.dumps({**line, **({"agentId": agent} if agent else {})}).encode()


def recordings() -> tuple[Recording, ...]:
    """Every log of every version."""
    files = sorted(FIXTURES.glob("*/*/session-state/*/events.jsonl"))
    return tuple(Recording(path=path, root=path.parents[1]) for path in files)


def recording(name: str) -> Recording:
    """A log by its version and scenario: `1.0.102/tui-compact`."""
    (path,) = (FIXTURES / name).glob("session-state/*/events.jsonl")
    return Recording(path=path, root=path.parents[1])


RECORDED: Final = Path(__file__).parent / "recorded_hooks"
SESSION: Final = "5e00ef91-e550-4761-b8d8-862d3a68e5d8"
LOG: Final = f"/home/dev/.copilot/session-state/{SESSION}/events.jsonl"


def recorded(name: str) -> tuple[Payload, ...]:
    """The payloads of one recording, named by what was done and the version, in the order they came."""
    lines = map(json.loads, (RECORDED / f"{name}.jsonl").read_bytes().splitlines())
    return tuple(Payload(line["event"], json.dumps(line["payload"]).encode()) for line in lines)


def payload(event: str, **fields: Any) -> Payload:
    """A synthetic payload with what all of the terminal client's have."""
    common = {"sessionId": SESSION, "timestamp": 1795155160349, "cwd": "/home/dev/shop"}
    return Payload(event, json.dumps({**common, **fields}).encode())


PAYLOADS: Final = (
    *recorded("edits-compact-clear-1.0.102"),
    *recorded("resume-and-sub-agent-1.0.102"),
    *recorded("ask-and-limit-1.0.48"),
)
FOREIGN: Final = (
    # Its own under other programs' names for events, which is how it runs their hooks.
    *recorded("pascal-case-names-1.0.102"),
    # Claude Code's and Codex's.
    Payload(
        "sessionStart",
        json.dumps(
            {"session_id": SESSION, "transcript_path": "/home/dev/.claude/projects/-x/s.jsonl", "source": "startup"}
        ).encode(),
    ),
    payload("agentStop", transcriptPath=f"/home/dev/.codex/sessions/2026/11/20/rollout-{SESSION}.jsonl"),
    payload("agentStop", transcriptPath=f"/home/dev/.copilot/session-state/{SESSION}/plan.md"),
    # Cursor's.
    Payload("sessionStart", json.dumps({"conversation_id": SESSION, "cursor_version": "3.12"}).encode()),
    # The hook of one event run for another.
    payload("sessionStart", source="new", hookEventName="Stop"),
    payload("sessionStart", source="tomorrow"),
)

FORMS: Final = (
    "The user rejected this tool call. User feedback: Ship it",
    "The user rejected this tool call.",
    "Permission denied and could not request permission from user",
    "User selected: Ship it",
    "User responded: Ship it",
    "User skipped the question.",
    "The user declined to answer. Ship it",
    "Plan approved! Exited plan mode.",
    "Ship it\n<command with shellId: 3 is still running after 30 seconds>",
    "Ship it\n<exited with exit code 0>",
    "Agent started in background with agent_id: a1. Ship it",
    "<overview>\nShip it\n</overview>\n<next_steps>\nShip it\n</next_steps>",
    "INSERT INTO todos (id, title, status) VALUES ('ship', 'Ship it', 'pending')",
    "You have exceeded your premium request allowance. Try again in 3 hours.",
)
"""What the client writes for the user, a job or itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    unknown=(
        record("brand_new"),
        record("session.brand_new", message="words"),
        record("tool.execution_start", toolCallId="c1"),
    ),
    quiet=(
        record("system.message", role="system", content="You are the GitHub Copilot CLI."),
        record("assistant.turn_start", turnId="0"),
        record("session.usage_record", usage={}),
        record("session.info", infoType="rewind", message="Rewound the conversation."),
        record("model.messages_snapshot", messages=[{"role": "user", "content": "Fix the test."}]),
        record("session.compaction_complete", success=False, error="Compaction Cancelled"),
        record("permission.completed", toolCallId="c1", result={"kind": "approved"}),
        record("system.notification", content="done", kind={"type": "agent_idle"}),
        record("tool.execution_start", toolCallId="c1", toolName="report_intent", arguments={"intent": "Testing"}),
        # A result whose call is not known: an abort has ended it.
        record("tool.execution_complete", toolCallId="c1", success=True, result={"content": "hi"}),
    ),
    not_typed=(
        record("user.message", content="List the tests.", source="agent-771e3d01"),
        record("user.message", content="List the tests.", agent="54220b79"),
        record("user.message", content="# PDF skill", source="skill-pdf"),
        record("user.message", content="Continue.", isAutopilotContinuation=True),
        record("hook.start", hookType="userPromptSubmitted", input={"prompt": "Fix the test."}),
        record("hook.end", hookType="sessionStart", output={"additionalContext": "# [CARRYOVER] Last updated"}),
        record("system.notification", content="<system_notification>\nShell done.\n</system_notification>"),
    ),
    strangers=(
        "events.jsonl",
        f"{CHANGED}/plan.md",
        f"{CHANGED}/events.jsonl.bak",
        f"{CHANGED}/files/events.jsonl",
        f"{CHANGED}/checkpoints/index.md",
        f"deeper/{CHANGED}/events.jsonl",
        "notes/events.jsonl",
    ),
    payloads=tuple({payload.event: payload for payload in reversed(PAYLOADS)}.values()),
    foreign=FOREIGN,
)

FURTHER_CASES: Final = {"chats": CHATS}
"""Sessions that VS Code keeps."""

CAPABILITIES: Final = Capabilities(
    reads="sessions of the terminal client, also in one document; chats of VS Code",
    shows=frozenset({"compaction", "limit", "sub-agents", "tests", "title", "todo list", "who asks"}),
)
