"""pi's material for the contract suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from contract.case import LEFT_OUT, Capabilities, Case, Payload, Recording, payload_of

FIXTURES: Final = Path(__file__).parent / "fixtures"
PLACE: Final = "--home-dev-shop--"


def entry(kind: str, **fields: Any) -> bytes:
    common = {"type": kind, "id": "0f0f0f0f", "parentId": None, "timestamp": "2026-11-22T16:52:18.174Z"}
    return json.dumps({**common, **fields}).encode()


def message(role: str, *content: dict[str, Any], **fields: Any) -> bytes:
    return entry("message", message={"role": role, "content": list(content), "timestamp": 1795366338174, **fields})


def user(text: str) -> bytes:
    return message("user", {"type": "text", "text": text})


def assistant(*content: dict[str, Any], **fields: Any) -> bytes:
    return message("assistant", *content, model="fake-model", **{"stopReason": "stop", **fields})


def recordings() -> tuple[Recording, ...]:
    files = sorted(FIXTURES.glob("*/*/sessions/*/*.jsonl"))
    return tuple(Recording(path, path.parents[1]) for path in files)


def recording(name: str, part: str = "") -> Recording:
    """A session by its scenario, and a part of its file's name where there are more."""
    [found] = (each for each in recordings() if each.root.parent.name == name and part in each.path.name)
    return found


SESSION: Final = "01a20425-9c1e-7000-8000-000000000001"
PATH: Final = f"/home/dev/.pi/agent/sessions/{PLACE}/2026-11-22T16-44-27-119Z_{SESSION}.jsonl"


def payload(event: str, **fields: Any) -> Payload:
    """What our extension hands over."""
    common = {"session_id": SESSION, "transcript_path": PATH, "cwd": "/home/dev/shop", "hook_event_name": event}
    return payload_of(event, common, fields)


FORMS: Final = (
    "Command aborted",
    "Operation aborted",
    '<file name="/a/README.md">\n# Shop\n</file>\nShip it',
    '<skill name="ship" location="/a/SKILL.md">\nShip\n</skill>\n\nShip it',
    "The user explored a different conversation branch before returning here.\n"
    "Summary of that exploration:\n\n## Goal\nShip it",
    "429: rate limit, try again in 3 hours",
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    unknown=(
        entry("brand_new"),
        message("brand_new"),
        entry("message", message={"role": "user", "content": 7}),
        assistant({"type": "toolCall", "id": "c1"}, stopReason="toolUse"),
        message("toolResult"),
    ),
    quiet=(
        entry("thinking_level_change", thinkingLevel="medium"),
        entry("context_edit", targetId="0f0f0f0e", replacement=None),
        entry("label", targetId="0f0f0f0e", label="good"),
        entry("custom", customType="mine", data={}),
        entry("model_change", provider="lab", modelId="fake-model"),
        entry("title_change", title="Fruit", source="auto"),
        entry("session_init", task="words", systemPrompt="words"),
        message("developer", {"type": "text", "text": "<system-reminder>\nGo on.\n</system-reminder>"}),
        assistant({"type": "thinking", "thinking": "Hm."}, stopReason="toolUse"),
        message("bashExecution", command="echo private", output="private\n", exitCode=0, excludeFromContext=True),
    ),
    not_typed=(
        entry("custom_message", customType="mine", content="words", display=True),
        message("custom", {"type": "text", "text": "words"}),
        message("user", {"type": "text", "text": "words"}, attribution="agent"),
        message("system", sections={"preamble": "words", "cwd": "<cwd>\n/home/dev/shop\n</cwd>"}),
        entry("branch_summary", fromId="0f0f0f0e", summary="words"),
        entry("compaction", summary="words"),
        user('<file name="/home/dev/shop/.carryover/handoff.md">\n# [CARRYOVER]\n</file>\n'),
    ),
    payloads=(
        *(payload("SessionStart", source=reason) for reason in ("startup", "clear", "resume", "compact")),
        payload("SessionStart", source="fork", seconds_since_last_response=12.5),
        payload("Stop"),
    ),
    foreign=(
        payload("SessionStart", source="startup", transcript_path="/home/dev/.claude/projects/a/b.jsonl"),
        payload("SessionStart", source="startup", cursor_version="3.12.17"),
        payload("SessionStart", source="startup", transcript_path=LEFT_OUT),
        payload("SessionStart", source="startup", hook_event_name="Stop"),
        payload("Stop", conversation_id=SESSION),
    ),
    strangers=(
        f"{PLACE}/notes.jsonl",
        f"{PLACE}/2026-11-22T16-52-45-686Z_01a2042c.json",
        f"{PLACE}/more/2026-11-22T16-52-45-686Z_01a2042c.jsonl",
        "settings.json",
    ),
)

CAPABILITIES: Final = Capabilities(
    reads="transcripts, those of OpenClaw and oh-my-pi that you name",
    shows=frozenset({"compaction", "fork", "limit", "resume", "tests", "title"}),
)
