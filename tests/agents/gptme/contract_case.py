"""gptme's material for the contract suite."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from contract.case import Capabilities, Case, Recording

FIXTURES: Final = Path(__file__).parent / "fixtures"
AT: Final = "2026-11-22T17:10:00.000001"


def message(role: str, content: Any, **fields: Any) -> bytes:
    return json.dumps({"role": role, "content": content, "timestamp": AT, **fields}).encode()


def recordings() -> tuple[Recording, ...]:
    paths = sorted(FIXTURES.glob("*/logs/*/conversation.jsonl"))
    return tuple(Recording(path, path.parents[1]) for path in paths)


def recording(name: str, version: str = "0.35.1") -> Recording:
    root = FIXTURES / version / "logs"
    return Recording(root / name / "conversation.jsonl", root)


def _copy(folder: Path, name: str) -> tuple[Recording, list[bytes]]:
    """A place for a conversation, and the lines of a recorded one."""
    original = recording(name)
    path = folder / "logs" / name / original.path.name
    path.parent.mkdir(parents=True)
    return Recording(path, folder / "logs"), original.path.read_bytes().splitlines(keepends=True)


def appended(folder: Path) -> Iterator[Recording]:
    """A conversation line by line, some of them written in two parts."""
    found, lines = _copy(folder, "story")
    for number, line in enumerate(lines):
        for part in (line[: len(line) // 2], line[len(line) // 2 :]) if number % 3 else (line,):
            with found.path.open("ab") as file:
                file.write(part)
            yield found


def undone(folder: Path) -> Iterator[Recording]:
    """`/undo` rewrites the conversation without its last messages; then it goes on."""
    found, lines = _copy(folder, "interrupted")
    for state in (lines, lines[:-3], [*lines[:-3], message("user", "Leave it as it was.") + b"\n"]):
        found.path.write_bytes(b"".join(state))
        yield found


FORMS: Final = (
    "Execution declined by user",
    "Interrupted by user",
    "Command interrupted",
    "Ship it... ^C Interrupted",
    "Added todo 1: Ship it",
    "<system>Ship it</system>",
    "LLM request failed: 429 rate limit, try again in 3 hours",
    "error: ratelimit\nToo many requests, try again in 3 hours",
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    # Tools are named in the text of an answer, so none takes another's place.
    places=5,
    unknown=(message("tool", "words"), json.dumps({"brand_new": True}).encode(), message("user", 5)),
    quiet=(message("system", "A notice.", ui_only=True), message("system", "Task complete.")),
    not_typed=(
        message("user", "<system>No tool call detected in last message. Did you mean to finish?</system>"),
        message("user", "Context budget has been reached", metadata={"compaction_checkpoint_view": "view"}),
        message("user", "Completion verification failed: exit code 1.\nCommand: `./check`\n<verifier-output>\nwords"),
        message("system", "Ran command: `ls`\n\nNo output\n"),
        message("assistant", "An answer."),
    ),
    strangers=(
        "a/events.jsonl",
        "a/lossless.jsonl",
        "a/branches/main-undo-0.jsonl",
        "a/branches/conversation.jsonl",
        "conversation.jsonl",
    ),
    fork=(recording("undo"), recording("fork-compacted")),
    grows_by_lines=False,
    stages={"appended": appended, "undone": undone},
)

CAPABILITIES: Final = Capabilities(
    reads="conversations", shows=frozenset({"limit", "compaction", "fork", "tests", "todo list"})
)
