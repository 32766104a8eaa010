"""Continue's material for the contract suite."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from contract.case import Capabilities, Case, Recording

FIXTURES: Final = Path(__file__).parent / "fixtures"
AT_S: Final = 1795365944
SESSION: Final = "21e8b0d5-4175-4582-a9a6-132163830008"


def item(role: str, content: Any, **fields: Any) -> bytes:
    """An item of a history, as the reader passes it on."""
    held = {"message": {"role": role, "content": content}, "contextItems": [], **fields}
    session = {"id": SESSION, "directory": "/home/dev/shop"}
    record = {"kind": "message", "session": session, "at_ms": 1795365944877}
    return json.dumps({**record, "piece": {"key": "0f0f0f0f", "item": held}}).encode()


def recordings() -> tuple[Recording, ...]:
    return tuple(Recording(path, path.parent) for path in sorted(FIXTURES.glob("*/*/sessions/*.json")))


def recording(name: str) -> Recording:
    """A session by its scenario."""
    [found] = (each for each in recordings() if each.root.parent.name == name)
    return found


def document(name: str) -> dict[str, Any]:
    """The content of a recorded session."""
    return dict(json.loads(recording(name).path.read_text()))


def write(folder: Path, held: dict[str, Any]) -> Recording:
    """A session as the client writes it, always at the same time: no item has one of its own."""
    path = folder / f"{held['sessionId']}.json"
    path.write_text(json.dumps(held, indent=2, ensure_ascii=False))
    os.utime(path, (AT_S, AT_S))
    return Recording(path, folder)


def written_by_item(folder: Path) -> Iterator[Recording]:
    """The story, item by item. A result comes after its call."""
    whole = document("story")
    for count in range(1, len(whole["history"]) + 1):
        *kept, last = whole["history"][:count]
        if calls := last.get("toolCallStates"):
            running = [{**{k: v for k, v in call.items() if k != "output"}, "status": "calling"} for call in calls]
            yield write(folder, {**whole, "history": [*kept, {**last, "toolCallStates": running}]})
        yield write(folder, {**whole, "history": [*kept, last]})


def rewound(folder: Path) -> Iterator[Recording]:
    """The user edits the prompt before the last; another answer follows."""
    whole = document("story")
    yield write(folder, whole)
    yield write(folder, {**whole, "history": [*whole["history"][:5], *document("file")["history"]]})


FORMS: Final = (
    "Permission denied by user",
    'User answered: "Ship it"',
    'User selected option 1: "Ship it"',
    'User provided custom answer: "Ship it"',
    "- [ ] Ship it\n- [x] Ship it",
    "Error executing tool Bash: Error (exit code 1): Ship it",
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    grows_by_lines=False,
    stages={"written by item": written_by_item, "rewound": rewound},
    unknown=(
        json.dumps({"brand_new": {}}).encode(),
        item("brand_new", "words"),
        item("user", 7),
        item("assistant", "", toolCallStates=[{"toolCallId": "c1"}]),
    ),
    quiet=(
        item("system", "words"),
        item("thinking", "words"),
        item("tool", "words"),
        item("assistant", ""),
        item("user", ""),
    ),
    not_typed=(
        item("user", "# [CARRYOVER] Last updated 2026-11-20"),
        item("assistant", "words", conversationSummary="words"),
        item("system", "words"),
    ),
    strangers=("sessions.json", "notes.json", f"{SESSION}.jsonl", f"more/{SESSION}.json"),
)

CAPABILITIES: Final = Capabilities(
    reads="sessions",
    shows=frozenset({"compaction", "tests", "title", "todo list", "who asks"}),
)
