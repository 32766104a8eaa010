"""Cline's material for the contract suite."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from agents.cline.task_case import TASKS
from contract.case import LEFT_OUT, Capabilities, Case, Payload, Recording, payload_of

FIXTURES: Final = Path(__file__).parent / "fixtures"
AT_MS: Final = 1795365883227


def message(role: str, *content: Any, **fields: Any) -> bytes:
    """A message of a session in which no person was there to answer."""
    given = {"id": "m1", "role": role, "content": list(content), "ts": AT_MS, **fields}
    return json.dumps({"kind": "message", "session": {"id": "s1", "attended": False}, "message": given}).encode()


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def recordings() -> tuple[Recording, ...]:
    files = sorted(FIXTURES.glob("*/*/sessions/*/*.messages.json"))
    return tuple(Recording(path, path.parents[1]) for path in files)


def recording(scenario: str, part: str = "") -> Recording:
    """A session by its scenario, and a part of its file's name where there are more."""
    [found] = (each for each in recordings() if each.root.parent.name == scenario and part in each.path.name)
    return found


def streamed(folder: Path) -> Iterator[Recording]:
    """A session as its client writes it: the prompt in the manifest alone, then the document with each message."""
    story = recording("story", "6pzba")
    path = folder / "sessions" / story.path.parent.name / story.path.name
    path.parent.mkdir(parents=True)
    document = json.loads(story.path.read_bytes())
    messages = document["messages"]
    for count in (0, *range(2, len(messages) + 1)):
        path.write_text(json.dumps({**document, "messages": messages[:count]}, indent=2))
        beside = story.path.with_name(f"{story.path.parent.name}.json")
        shutil.copyfile(beside, path.with_name(beside.name))
        yield Recording(path, path.parents[1])


SESSION: Final = "1795409124863_ysam7"
DOCUMENT: Final = f"/home/dev/.cline/data/sessions/{SESSION}/{SESSION}.messages.json"


def payload(event: str, **fields: Any) -> Payload:
    """What our plugin hands over."""
    common = {"session_id": SESSION, "transcript_path": DOCUMENT, "cwd": "/home/dev/shop", "hook_event_name": event}
    return payload_of(event, common, fields)


def start(reason: str, **fields: Any) -> Payload:
    return payload("SessionStart", source=reason, **fields)


FORMS: Final = (
    "Tool execution was rejected by the user.",
    '{"error":"Tool call was rejected by the user: Ship it"}',
    '<user_input mode="act">Ship it</user_input>',
    '<user_input mode="act"><user_command slash="ship">Ship</user_command>it</user_input>',
    "Command was aborted",
    "Hub client disconnected before request was resolved",
    '[{"query":"make ship","result":"Ship it","success":true}]',
    '{"text":"Ship it"}',
    "429 Too Many Requests: try again in 3 hours",
)
"""What the client writes for the user, a job or itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    grows_by_lines=False,
    in_place_only=("*.messages.json",),
    stages={"streamed": streamed},
    unknown=(
        message("oracle"),
        message("user", {"type": "hologram"}),
        message("assistant", {"type": "hologram"}),
        message("assistant", {"type": "tool_use", "name": "editor"}),
        message("user", {"type": "tool_result", "content": "words"}),
    ),
    quiet=(
        message("assistant", {"type": "thinking", "thinking": "Hm."}),
        message("assistant", text(" \n")),
        message("user", text("Your previous response was cut off because it reached the limit.")),
    ),
    not_typed=(
        message(
            "user", text('<hook_context source="PreToolUse">\nwords\n</hook_context>'), metadata={"userRunSpan": 0}
        ),
        message(
            "user",
            text(
                '<user_input mode="act">The user approved switching to act mode. '
                "Continue with the approved plan now.</user_input>"
            ),
        ),
        message("user", text("Context summary:\n\nwords"), metadata={"kind": "compaction_summary"}),
        message("user", {"type": "tool_result", "tool_use_id": "c1", "name": "ask_question", "content": "words"}),
        message("assistant", text("words")),
    ),
    payloads=(
        start("startup"),
        payload("Stop"),
        *(start(reason, seconds_since_last_response=12.5) for reason in ("resume", "fork")),
    ),
    foreign=(
        start("startup", transcript_path="/home/dev/.claude/projects/a/b.jsonl"),
        start("startup", transcript_path=f"/home/dev/{SESSION}.messages.json"),
        start("startup", transcript_path=LEFT_OUT),
        start("startup", cursor_version="3.12.17"),
        start("startup", hook_event_name="Stop"),
    ),
    strangers=(
        "1795366133956_03rh3/1795366133956_03rh4.json",
        "1795366133956_03rh3/deeper/1795366133956_03rh3.messages.json",
        "notes/notes.messages.json",
        "sessions.db",
    ),
)

FURTHER_CASES: Final = {"tasks": TASKS}
"""Tasks of the extension's own form."""

CAPABILITIES: Final = Capabilities(
    reads="sessions of the terminal client and of the extension, the extension's tasks of its own form",
    shows=frozenset({"compaction", "fork", "limit", "resume", "sub-agents", "tests", "title", "todo list", "who asks"}),
)
