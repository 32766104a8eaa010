"""Codex's material for the contract suite: recorded, and made up in that shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from contract.case import LEFT_OUT, Capabilities, Case, Payload, Recording, payload_of, recorded_payloads

FIXTURES: Final = Path(__file__).parent / "fixtures"
AT: Final = "2026-11-20T06:00:00.000Z"
THREAD: Final = "01a1f792-0000-7000-8000-000000000099"
NAME: Final = f"rollout-2026-11-20T06-00-00-{THREAD}.jsonl"


def record(kind: str, **payload: object) -> bytes:
    return json.dumps({"timestamp": AT, "type": kind, "payload": payload}).encode()


def event(kind: str, **fields: object) -> bytes:
    return record("event_msg", type=kind, **fields)


def item(kind: str, **fields: object) -> bytes:
    return event("item_completed", item={"type": kind, "id": "i1", **fields}, turn_id="t1")


def response(kind: str, **fields: object) -> bytes:
    return record("response_item", type=kind, **fields)


def message(role: str, text: str) -> bytes:
    return response("message", role=role, content=[{"type": "input_text", "text": text}])


def recordings() -> tuple[Recording, ...]:
    """Every transcript of every version."""
    files = sorted(FIXTURES.glob("*/*/sessions/*/*/*/*.jsonl"))
    return tuple(Recording(path=path, root=path.parents[3]) for path in files)


def recording(name: str) -> Recording:
    """A transcript by its version and scenario: `0.169.0/usage-limit`."""
    (path,) = (FIXTURES / name).glob("sessions/*/*/*/*.jsonl")
    return Recording(path=path, root=path.parents[3])


def payloads() -> tuple[Payload, ...]:
    """One of each event, and of SessionStart one for each reason to start."""
    kinds = {(payload.event, json.loads(payload.data).get("source")): payload for payload in PAYLOADS}
    return tuple(kinds.values())


RECORDED: Final = Path(__file__).parent / "recorded_hooks"
SESSION: Final = "01a1f792-8e0d-7b83-8229-c2da9f8c5dec"
ROLLOUT: Final = f"/home/dev/.codex/sessions/2026/11/20/rollout-2026-11-20T06-08-59-{SESSION}.jsonl"


def recorded(name: str) -> tuple[Payload, ...]:
    """The payloads of one recording, named by what was done and the version."""
    return recorded_payloads(RECORDED / f"{name}.jsonl")


def payload(event: str, **fields: Any) -> Payload:
    """A synthetic payload with what all of Codex's have."""
    common = {
        "session_id": SESSION,
        "transcript_path": ROLLOUT,
        "cwd": "/home/dev/shop",
        "hook_event_name": event,
        "model": "gpt-5.5",
        "permission_mode": "default",
    }
    return payload_of(event, common, fields)


PAYLOADS: Final = (*recorded("tui-0.169.0"), *recorded("subagent-and-review-0.169.0"), *recorded("tui-0.125.0"))
FOREIGN: Final = (
    # Claude Code's, whose hooks other programs run.
    payload(
        "SessionStart", source="startup", transcript_path=f"/home/dev/.claude/projects/-home-dev-shop/{SESSION}.jsonl"
    ),
    # Cursor's, with and without its own names.
    payload("Stop", transcript_path=None, conversation_id=SESSION, workspace_roots=["/home/dev/shop"]),
    # Of programs that name no transcript at all.
    payload("Stop", transcript_path=LEFT_OUT, last_assistant_message="Done."),
    payload("Stop", transcript_path=f"/home/dev/.copilot/session-state/{SESSION}/events.jsonl"),
    # The hook of one event run for another.
    payload("SessionStart", source="startup", hook_event_name="UserPromptSubmit"),
    payload("Stop", hook_event_name=LEFT_OUT),
)

FORMS: Final = (
    "exec command rejected by user",
    "patch rejected by user",
    "rejected by user: Ship it",
    'exec_command failed: CreateProcess { message: "Rejected(\\"rejected by user\\")" }',
    'exec_command failed for `make ship`: CreateProcess { message: "Rejected(\\"rejected by user\\")" }',
    "aborted by user",
    "Wall time: 3.2 seconds\naborted by user after 3.2s",
    '{"answers":{"unit":{"answers":["Ship it"]}}}',
    '<subagent_notification>\n{"agent_path":"a1","status":{"completed":"Ship it"}}\n</subagent_notification>',
    "<turn_aborted>\nThe user interrupted the previous turn on purpose.\n</turn_aborted>",
    "# Context from my IDE setup:\n\n## My request for Codex:\nShip it",
    "# Diff comments:\n\n## User Comment 1\nComment:\nShip it\n\n## My request:\nShip it",
    "<codex_delegation>\n  <input>Ship it</input>\n</codex_delegation>",
    "Another language model started to solve this problem and produced a summary. Use it to assist with your own "
    "analysis:\n## Next steps\n- Ship it",
    "Chunk ID: 1a2b3c\nWall time: 1.0000 seconds\nProcess running with session ID 12\nOutput:\nShip it",
    '{"output":"Ship it","metadata":{"exit_code":0}}',
    "Plan updated",
    "You've hit your usage limit. Upgrade to Pro, or try again at 8:05 AM.",
)
"""What the client writes for the user, a job or itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    unknown=(record("brand_new"), event("brand_new"), item("BrandNew"), response("brand_new")),
    quiet=(
        record("world_state", full=True, state={"agents_md": "words"}),
        record("token_usage_record", usage={}),
        event("thread_settings_applied", thread_settings={}),
        event("token_count", info=None, rate_limits={"primary": None}),
        event("token_count", info=5, rate_limits="words"),
        event("agent_reasoning", text="hm"),
        event("context_compacted"),
        event("task_started", turn_id="t1", started_at=1),
        event("task_complete", turn_id="t1", last_agent_message=None),
        item("Reasoning", summary_text=["hm"]),
        item("ContextCompaction"),
        item("CollabAgentToolCall", tool="spawn_agent"),
        item("EnteredReviewMode", target={}),
        response("reasoning", summary=[]),
        response("additional_tools", tools=[]),
        message("assistant", "Done."),
        # An output whose call has its result already.
        response("function_call_output", call_id="c1", output="Process exited with code 0\nOutput:\n"),
        b'{"record_type":"state"}',
        b'{"record_type":"state","previous_response_id":null}',
    ),
    not_typed=(
        message("user", "# AGENTS.md instructions for /home/dev/shop\n\n<INSTRUCTIONS>\nBe brief.\n</INSTRUCTIONS>"),
        message("user", "<environment_context>\n  <cwd>/home/dev/shop</cwd>\n</environment_context>"),
        message("user", "<user_shell_command>\n<command>\nls\n</command>\n</user_shell_command>"),
        message("user", "<turn_aborted>\nThe user interrupted the turn.\n</turn_aborted>"),
        message("user", '<subagent_notification>\n{"agent_path":"a"}\n</subagent_notification>'),
        message("user", "<user_action>\n  <action>review</action>\n</user_action>"),
        message("user", "Fix the failing discount test."),
        message("developer", "# [CARRYOVER] Last updated 2026-11-20"),
        record(
            "compacted", message="Fix the test.", replacement_history=[{"role": "user", "content": "Fix the test."}]
        ),
    ),
    strangers=(
        "notes.jsonl",
        NAME,
        f"2026/11/{NAME}",
        f"2026/11/20/deeper/{NAME}",
        f"2026/11/20/{NAME}.zst",
        f"2026/11/20/{NAME}.bak",
        f"2026/11/20/{THREAD}.jsonl",
        "2026/11/20/rollout-2026-11-20T06-00-00-notes.jsonl",
        f"2026/Nov/20/{NAME}",
        "session_index.jsonl",
    ),
    payloads=payloads(),
    foreign=FOREIGN,
)

CAPABILITIES: Final = Capabilities(
    reads="rollouts, archived ones too",
    shows=frozenset({"compaction", "fork", "limit", "resume", "sub-agents", "tests", "todo list"}),
    arrives="a hook (0.125 and later; from 0.130 on, after you have approved it), else the pointer in `AGENTS.md`",
)
