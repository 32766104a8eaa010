"""Mistral Vibe's material for the contract suite: what real clients wrote, and sessions written step by step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agents.mistral_vibe.stores import START_MS, Store
from contract.case import Capabilities, Case, Recording

FIXTURES: Final = Path(__file__).parent / "fixtures"
NOW: Final = datetime.fromtimestamp(START_MS / 1000, UTC)


def recordings() -> tuple[Recording, ...]:
    files = sorted(FIXTURES.glob("*/*/session/unified/*/CURRENT"))
    return tuple(Recording(path, path.parents[2]) for path in files)


def recording(name: str, session: str = "") -> Recording:
    """A session by its scenario, and the beginning of its id where there are more."""
    [found] = (
        each
        for each in recordings()
        if each.root.parent.match(f"*/{name}") and each.path.parent.name.startswith(session)
    )
    return found


def record(kind: str = "message", **piece: Any) -> bytes:
    return json.dumps({"kind": kind, "session": {"id": "s1"}, **piece}).encode()


def entry(of: str, **fields: Any) -> bytes:
    return record(entry={"type": of, "id": "e1", "createdAt": START_MS, **fields})


def message(role: str, content: Any, **fields: Any) -> bytes:
    return entry("message", role=role, content=content, **fields)


def texts(*parts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": part} for part in parts]


def streamed(folder: Path) -> Iterator[Recording]:
    """A session as it grows, with calls side by side, a compaction, a limit, and a turn that is taken back."""
    store = Store(folder / "session", "7b9e10aa-0000-4000-8000-000000000001", "/home/dev/shop", NOW)
    recording = Recording(store.path, folder / "session")
    store.prompt("Fix add().")
    yield recording
    one = store.call("file_system.bash", {"command": "make test"})
    two = store.call("file_system.read_file", {"path": "calc.py"})
    yield recording
    store.result(two, {"content": "def add"})
    yield recording
    store.result(one, {"returncode": 1, "stdout": "1 failed\n", "stderr": ""})
    store.settle()
    yield recording
    store.edit("/home/dev/shop/calc.py", "a - b", "a + b")
    store.answer("Done.")
    store.title("Repair of add()")
    yield recording
    store.compact("add() was repaired.")
    yield recording
    store.prompt("Now sub().")
    store.stop("failed", error={"message": "usage limit", "details": {"httpStatus": 402}})
    yield recording
    store.settle()
    store.prompt("Go on.")
    yield recording
    store.answer("It is done too.")
    yield recording
    store.rewind(list(store.entries)[-1])
    yield recording
    store.prompt("Another way.")
    store.compact("The rest was repaired.")
    yield recording


FORMS: Final = (
    "The user denied this call. Ship it",
    '{"code":"tool_denied","message":"Ship it"}',
    '{"answers":[{"question":"Cents?","answer":"Ship it"}],"cancelled":false}',
    "<compaction_summary>\nShip it\n</compaction_summary>",
    "Command exited with status 0",
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    grows_by_lines=False,
    in_place_only=("CURRENT",),
    stages={"streamed": streamed},
    unknown=(
        record(brand_new={}),
        entry("brand_new"),
        entry("checkpoint", kind="brand_new"),
        message("oracle", texts("words")),
        record(effect={"id": "e1", "createdAt": START_MS, "detail": {}}),
    ),
    quiet=(
        entry("checkpoint", kind="rewind"),
        entry("checkpoint", kind="compaction", message="Context compacted"),
        message("assistant", texts("")),
        message("user", texts("words"), source="harness"),
        record("begin"),
    ),
    not_typed=(
        message("user", texts("words"), source="harness"),
        message("assistant", texts("words")),
        entry("checkpoint", kind="compaction", summary="words"),
    ),
    strangers=(
        ".session-index.json",
        "active/1d1cdf6b.lock.json",
        "unified/.session-index.json",
        "unified/1d1cdf6b/meta.json",
        "unified/1d1cdf6b/generations/0000000000000001/manifest.json",
        "unified/1d1cdf6b/chunks/aa.json",
        "unified/CURRENT",
        "session_20261122_1d1cdf6b/messages.jsonl",
    ),
)

CAPABILITIES: Final = Capabilities(
    reads="the newest state of each session and its journal",
    shows=frozenset({"compaction", "fork", "limit", "sub-agents", "title", "todo list", "who asks"}),
)
