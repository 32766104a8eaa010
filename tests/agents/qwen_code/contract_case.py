"""Qwen Code's material for the contract suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from contract.case import LEFT_OUT, Capabilities, Case, Payload, Recording, payload_of, recorded_payloads
from support.own_folder import own_folder

FIXTURES: Final = Path(__file__).parent / "fixtures"
RECORDED_HOOKS: Final = Path(__file__).parent / "recorded_hooks"
FOLDER: Final = own_folder("qwen_code")
SESSION: Final = "03d94fed-fb59-43f3-aeea-447021a48f3f"
PLACE: Final = "-home-dev-shop"


def record(kind: str, **fields: Any) -> bytes:
    common = {
        "uuid": "0f0f0f0f-0000-4000-8000-000000000001",
        "parentUuid": None,
        "sessionId": SESSION,
        "timestamp": "2026-11-22T16:52:18.174Z",
        "type": kind,
        "cwd": "/home/dev/shop",
        "version": "0.24.4",
    }
    return json.dumps({**common, **fields}).encode()


def user(*texts: str, **fields: Any) -> bytes:
    return record("user", message={"role": "user", "parts": [{"text": text} for text in texts]}, **fields)


def model(*parts: dict[str, Any], **fields: Any) -> bytes:
    return record("assistant", message={"role": "model", "parts": list(parts)}, usageMetadata={}, **fields)


def system(subtype: str, **payload: Any) -> bytes:
    return record("system", subtype=subtype, systemPayload=payload)


def recordings() -> tuple[Recording, ...]:
    files = sorted(FIXTURES.glob(f"*/*/projects/{PLACE}/**/*.jsonl"))
    return tuple(
        Recording(path, next(folder for folder in path.parents if folder.name == "projects")) for path in files
    )


def recording(name: str, ident: str = "") -> Recording:
    """A main conversation by its scenario, and the beginning of its id where there are more."""
    [found] = (each for each in recordings() if each.root.parent.name == name and each.path.name.startswith(ident))
    return found


def forked() -> Recording:
    """A fork when its first prompt was written: what it repeats, and little of its own."""
    whole = recording("fork", "e454")
    copy = FOLDER / whole.path.relative_to(whole.root.parent)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(b"".join(whole.path.read_bytes().splitlines(keepends=True)[:11]))
    return Recording(copy, FOLDER / "projects")


def payload(event: str, **fields: Any) -> Payload:
    common = {
        "session_id": SESSION,
        "transcript_path": f"/home/dev/.qwen/projects/{PLACE}/chats/{SESSION}.jsonl",
        "cwd": "/home/dev/shop",
        "hook_event_name": event,
        "timestamp": "2026-11-22T16:52:12.156Z",
    }
    return payload_of(event, common, fields)


FOREIGN: Final = (
    payload("SessionStart", source="startup", transcript_path=f"/home/dev/.claude/projects/{PLACE}/{SESSION}.jsonl"),
    payload("SessionStart", source="startup", cursor_version="3.12.17"),
    payload("SessionEnd", workspace_roots=["/home/dev/shop"]),
    payload("Stop", conversation_id=SESSION),
    payload("Stop", transcript_path=LEFT_OUT),
    payload("Stop", transcript_path=""),
    payload("SessionStart", source="startup", hook_event_name="Stop"),
    payload("SessionEnd", hook_event_name=LEFT_OUT),
)

FORMS: Final = (
    "[Operation Cancelled] Reason: User did not allow tool call",
    "User has provided the following answers:\n\n**Cents?**: Ship it",
    "<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>\n<summary>Ship it</summary>\n"
    "<result>Ship it</result>\n</task-notification>",
    "<qwen:user-prompt-submit-context>Ship it</qwen:user-prompt-submit-context>",
    "<system-reminder>\nThe user said: Ship it\n</system-reminder>",
)
"""What the client writes for the user, a job or itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    unknown=(
        record("brand_new"),
        user("words", subtype="brand_new"),
        system("brand_new"),
        model({"functionCall": {"id": "c1"}}),
        record("tool_result"),
    ),
    quiet=(
        model({"text": "Hm.", "thought": True}),
        model({"text": ""}),
        system("attribution_snapshot", snapshot={}),
        system("slash_command", phase="invocation", rawCommand="/compress"),
        system("goal_turn_end", toolCallId="c1"),
        system("omni_recall", reminder="words"),
        *(system(f"session_{kind}") for kind in ("artifact_event", "artifact_snapshot", "sources_snapshot")),
        *(system(subtype) for subtype in ("background_task_completed", "user_text_elements")),
        system("ui_telemetry", uiEvent={"event.name": "qwen-code.tool_call"}),
        user("words", subtype="cron", provenance="system"),
    ),
    not_typed=(
        user("<qwen:user-prompt-submit-context>\n# [CARRYOVER]\n</qwen:user-prompt-submit-context>"),
        user("<task-notification>\n<task-id>a</task-id>\n</task-notification>", subtype="notification"),
        user("words", provenance="system"),
        user("words", subtype="goal_runtime", provenance="system"),
        user("words", isSidechain=True, agentId="Explore-call_1"),
        system("chat_compression", compressedHistory=[{"role": "user", "parts": [{"text": "words"}]}]),
    ),
    strangers=(
        f"{PLACE}/chats/{SESSION}.runtime.json",
        f"{PLACE}/chats/notes.jsonl",
        f"{PLACE}/{SESSION}.jsonl",
        f"{PLACE}/meta.json",
        f"{PLACE}/memory/a.jsonl",
        f"{PLACE}/subagents/{SESSION}/agent-a.meta.json",
    ),
    payloads=(
        *(
            each
            for name in ("tui", "headless", "compress-clear", "limit-402-tui")
            for each in recorded_payloads(RECORDED_HOOKS / f"{name}-0.24.4.jsonl")
        ),
    ),
    foreign=FOREIGN,
    fork=(recording("fork", "1111"), forked()),
)

CAPABILITIES: Final = Capabilities(
    reads="transcripts, of sub-agents too",
    shows=frozenset({"compaction", "fork", "limit", "resume", "sub-agents", "tests", "title", "todo list", "who asks"}),
)
