"""Claude Code's material for the contract suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from contract.case import LEFT_OUT, Capabilities, Case, Payload, Recording, payload_of

FIXTURES: Final = Path(__file__).parent / "fixtures"
VERSIONS: Final = ("2.0.65", "2.1.111", "2.1.328")
SLUG: Final = "-home-dev-shop"
SESSION: Final = "c0de0000-0000-4000-8000-00000000%04d"

HEAD: Final[dict[str, Any]] = {
    "uuid": "0b1f0000-0000-4000-8000-000000000001",
    "timestamp": "2026-11-20T06:00:00.000Z",
    "sessionId": SESSION % 99,
    "cwd": "/home/dev/shop",
    "version": "9.9.9",
}


def record(kind: str, **fields: object) -> bytes:
    return json.dumps({"type": kind, **HEAD, **fields}).encode()


def user(content: object, **fields: object) -> bytes:
    return record("user", message={"role": "user", "content": content}, **fields)


def payloads() -> tuple[Payload, ...]:
    """What 2.1.328 handed to hooks. A file is named by its event, and by what tells it from others of that event."""
    files = sorted((FIXTURES / "2.1.328" / "hooks").glob("*.json"))
    return tuple(Payload(path.name.partition(".")[0], path.read_bytes()) for path in files)


def payload(event: str, **fields: object) -> Payload:
    """A synthetic payload with what all of Claude Code's have."""
    session = SESSION % 99
    common = {
        "session_id": session,
        "transcript_path": f"/home/dev/.claude/projects/{SLUG}/{session}.jsonl",
        "cwd": "/home/dev/shop",
        "hook_event_name": event,
    }
    return payload_of(event, common, fields)


FOREIGN: Final = (
    # Cursor, from its documentation: `session_id` is its conversation's, no `cwd`, names in another spelling.
    payload("SessionStart", source="startup", cursor_version="2.4.1"),
    payload("Stop", conversation_id="9d2c", last_assistant_message="Done."),
    payload("Stop", workspace_roots=["/home/dev/shop"], last_assistant_message="Done."),
    payload("Stop", transcript_path="/home/dev/.cursor/projects/x/agent-transcripts/y.jsonl", cwd=LEFT_OUT),
    # Devin CLI 3000.6.7: neither transcript nor folder.
    payload("Stop", transcript_path=LEFT_OUT, cwd=LEFT_OUT, last_assistant_message="Done."),
    # VS Code: camelCase beside snake_case, `source` is always `new`, a transcript of the Copilot extension.
    Payload(
        "SessionStart",
        b'{"timestamp":"2026-11-20T06:00:00Z","cwd":"/home/dev/shop","sessionId":"9d2c","hookEventName":"SessionStart",'
        b'"transcript_path":"/home/dev/.config/Code/User/workspaceStorage/1f/GitHub.copilot-chat/transcripts/9d2c.jsonl",'
        b'"source":"new"}',
    ),
    # Copilot CLI with names in PascalCase: everything in snake_case, its own event log as the transcript.
    payload("Stop", transcript_path="/home/dev/.copilot/session-state/9d2c/events.jsonl", stop_reason="end_turn"),
    # The hook of one event run for another.
    payload("SessionStart", source="startup", hook_event_name="UserPromptSubmit"),
)


def recordings() -> tuple[Recording, ...]:
    """Every transcript of every version."""
    found = []
    for version in VERSIONS:
        root = FIXTURES / version / "projects"
        found += [Recording(path=path, root=root) for path in sorted(root.rglob("*.jsonl"))]
    return tuple(found)


def session(number: int) -> Recording:
    """A session of 2.1.328 by the last digits of its id."""
    root = FIXTURES / "2.1.328" / "projects"
    return Recording(path=root / SLUG / f"{SESSION % number}.jsonl", root=root)


REFUSED: Final = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the "
    "new_string was NOT written to the file). "
)
NEXT: Final = "\n\nNote: The user's next message may contain a correction or preference."
FORMS: Final = (
    f"{REFUSED}STOP what you are doing and wait for the user to tell you how to proceed.{NEXT}",
    f"{REFUSED}To tell you how to proceed, the user said:\nShip it{NEXT}",
    f"{REFUSED}To tell you how to proceed, the user said:\nThe user wants to clarify these questions.",
    f"{REFUSED}The user provided the following reason for the rejection:  Ship it",
    "The user doesn't want to take this action right now. STOP what you are doing and wait for the user.",
    "Permission for this tool use was denied. The tool use was rejected. The user said:\nShip it",
    "Permission for this action was denied by the Claude Code auto mode classifier. Reason: Ship it",
    "Permission to use Bash has been denied.",
    "Claude requested permissions to write to /a, but you haven't granted it yet.",
    "User rejected tool use",
    "User chose to stay in plan mode and continue planning",
    "The agent proposed a plan that was rejected by the user. Rejected plan:\nShip it",
    "User has approved your plan. You can now start coding.",
    'User has answered your questions: "Cents?"="Ship it". You can now continue with the user\'s answers in mind.',
    "[Request interrupted by user]",
    "[Request interrupted by user for tool use]",
    "<system-reminder>\nThe user sent a new message while you were working:\nShip it\n</system-reminder>",
    "<command-message>ship</command-message>\n<command-name>/ship</command-name>\n<command-args>it</command-args>",
    "<bash-input>make ship</bash-input>",
    "<bash-stdout>Ship it</bash-stdout><bash-stderr></bash-stderr>",
    "<task-notification>\n<task-id>b1</task-id>\n<status>completed</status>\n<summary>Ship it</summary>\n"
    "<result>Ship it</result>\n</task-notification>",
    "This session is being continued from a previous conversation that ran out of context.\nSummary:\n"
    "1. Primary Request and Intent:\n   Ship it\n\n7. Pending Tasks:\n   - Ship it",
    "Todos have been modified successfully. Ensure that you continue to use the todo list.",
    "Command running in background with ID: b1. Ship it",
    "Claude AI usage limit reached|1795154400",
    "You've hit your session limit \u00b7 resets 3pm (Europe/Amsterdam)",
)
"""What the client writes for the user, a job or itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    fork=(session(1), session(3)),
    unknown=(
        record("brand-new"),
        record("system", subtype="brand_new"),
        record("queue-operation", operation="brand-new", content="words"),
        user([{"type": "brand_new"}]),
        record("assistant", message={"model": "m", "content": [{"type": "brand_new"}]}),
        user("words", origin={"kind": "brand-new"}),
    ),
    quiet=(
        record("api-request-blob", message={"content": [{"text": "a prompt"}]}),
        record("last-prompt", lastPrompt="words"),
        record("summary", summary="another session"),
        record("progress", data={"type": "bash_progress"}),
        record("file-history-snapshot", snapshot={}),
        record("worktree-state", worktreeSession=None),
        record("mode", mode=5, uuid=7),
        record("continued-in", continuedInSessionId=SESSION % 98),
        record("system", subtype="turn_duration", durationMs=1),
        record("system", subtype="model_fallback", content="Switched to Haiku", trigger="overloaded", isMeta=False),
        record("system", subtype="file_snapshot", snapshotFiles=[{"key": "plan", "path": "/p.md", "content": "Ship"}]),
        record("system", subtype="voice_call_talk", content="Hm.", isMeta=True, msgV=1, origin={"kind": "voice-call"}),
        record("system", subtype="api_error", error={"status": 529}, retryAttempt=1),
        record("attachment", attachment={"type": "hook_success", "content": "# [CARRYOVER] Last updated"}),
        record("attachment", attachment={"type": "brand_new", "content": "words"}),
        record("assistant", message={"model": "m", "content": [{"type": "thinking", "thinking": "hm"}]}),
        user("<local-command-stdout>Bye!</local-command-stdout>"),
        user("<system-reminder>\nToday is Friday.\n</system-reminder>"),
    ),
    not_typed=(
        user("Base directory for this skill: /x", isMeta=True),
        user("This session is being continued ...", isCompactSummary=True, isVisibleInTranscriptOnly=True),
        user("<task-notification><task-id>a</task-id><status>completed</status></task-notification>"),
        user("[Request interrupted by user]"),
        user([{"type": "text", "text": "[Request interrupted by user for tool use]"}]),
        user([{"type": "tool_result", "tool_use_id": "t", "content": "output"}]),
        user("<command-name>/exit</command-name>\n<command-message>exit</command-message>"),
        user("<ide_opened_file>The user opened the file /x in the IDE.</ide_opened_file>"),
        user("<bash-input>ls</bash-input>"),
        user("Go on.", origin={"kind": "peer"}),
        user("Go on.", promptSource="system"),
        user("List the files.", isSidechain=True, agentId="a1"),
    ),
    strangers=(
        "notes.jsonl",
        f"{SESSION % 1}.jsonl",
        f"{SLUG}/notes.jsonl",
        f"{SLUG}/{SESSION % 1}.json",
        f"{SLUG}/{SESSION % 1}.jsonl.bak",
        f"{SLUG}/{SESSION % 2}/custom-title.json",
        f"{SLUG}/{SESSION % 2}/tool-results/output.jsonl",
        f"{SLUG}/{SESSION % 2}/subagents/agent-a1.meta.json",
        f"{SLUG}/{SESSION % 2}/subagents/{SESSION % 3}.jsonl",
        f"{SLUG}/{SESSION % 2}/subagents/deeper/agent-a1.jsonl",
        f"{SLUG}/memory/MEMORY.jsonl",
        f"{SLUG}/memory/subagents/agent-a1.jsonl",
    ),
    payloads=payloads(),
    foreign=FOREIGN,
)

CAPABILITIES: Final = Capabilities(
    reads="transcripts, of sub-agents too",
    shows=frozenset(
        {"compaction", "fork", "limit", "plan", "resume", "sub-agents", "tests", "title", "todo list", "who asks"}
    ),
)
