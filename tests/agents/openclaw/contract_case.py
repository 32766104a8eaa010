"""OpenClaw's material for the contract suite: what a real client wrote, and pi's records as rows of its database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from agents.openclaw.stores import PLACE, RECORDED, Client, database
from agents.pi import contract_case as origin
from carryover.records.fields import utc_ms
from contract.case import Capabilities, Recording
from support.own_folder import own_folder

FOLDER: Final = own_folder("openclaw")
SESSION: Final = {"id": "01a20425-9c1e-4000-8000-000000000001", "directory": "/home/dev/shop"}
START: Final = "2026-11-22T16:52:18"


def record(line: bytes, session: dict[str, Any] | None = None) -> bytes:
    """A line of pi as an entry of the database."""
    entry = {"line": json.loads(line)}
    return json.dumps({"kind": "message", "session": session or SESSION, "entry": entry, "at_ms": 1}).encode()


def recordings() -> tuple[Recording, ...]:
    paths = [database(FOLDER / name, name) for name in RECORDED]
    return tuple(Recording(path, path.parents[2]) for path in paths)


def written(folder: Path) -> Iterator[Recording]:
    """Two sessions in turns, one of which the client writes again after it dropped its last prompt, and a sub-agent."""
    path = folder / "agents" / PLACE
    lines = iter(range(100))
    last: dict[str, str | None] = {}

    def say(session: str, kind: str, **fields: Any) -> None:
        number = next(lines)
        line = {
            "type": kind,
            "id": f"{number:08x}",
            "parentId": last.get(session),
            "timestamp": f"{START}.{number:03}Z",
        }
        client.add(session, {**line, **fields})
        last[session] = f"{number:08x}"

    def message(session: str, role: str, text: str, **fields: Any) -> None:
        content = [{"type": "text", "text": text}]
        say(session, "message", message={"role": role, "content": content, "stopReason": "stop", **fields})

    def begin(session: str, key: str, **columns: Any) -> None:
        at = f"{START}.{next(lines):03}Z"
        client.session(session, key, utc_ms(at), **columns)
        client.add(session, {"type": "session", "id": session, "timestamp": at, "cwd": "/home/dev/shop"})

    with Client(path) as client:
        recording = Recording(path, path.parents[2])
        begin("one", "agent:main:one")
        message("one", "user", "Fix add().")
        begin("two", "agent:main:two")
        message("two", "user", "Fix sub().")
        yield recording
        message("one", "assistant", "Done. Shall I go on?")
        begin("child", "agent:main:subagent:1", spawned_by="agent:main:two")
        message("child", "user", "Look at sub().")
        yield recording
        message("two", "assistant", "Done.")
        message("child", "assistant", "It subtracts.")
        message("one", "user", "No.")
        yield recording
        client.db.execute("DELETE FROM transcript_events WHERE session_id = 'one' AND seq = 3")
        client.db.execute("UPDATE transcript_rewrite_watermarks SET generation = '2' WHERE session_id = 'one'")
        client.db.execute("UPDATE session_nodes SET label = 'Sums' WHERE session_key = 'agent:main:one'")
        client.db.commit()
        yield recording
        message("one", "user", "Yes.")
        yield recording


CASE: Final = replace(
    origin.CASE,
    recordings=recordings(),
    grows_by_lines=False,
    stages={"written": written},
    payloads=(),
    foreign=(),
    unknown=tuple(map(record, origin.CASE.unknown)),
    quiet=(*map(record, origin.CASE.quiet), record(origin.entry("reset", reason="new"))),
    not_typed=(
        *map(record, origin.CASE.not_typed),
        *(
            record(origin.message("user", {"type": "text", "text": "words"}, provenance={"kind": kind}))
            for kind in ("inter_session", "internal_system")
        ),
        record(origin.user("Count the pears"), {**SESSION, "root": "01a20425-9c1e-4000-8000-000000000002"}),
    ),
    strangers=(
        "main/agent/openclaw-agent.sqlite-shm",
        "main/agent/openclaw-agent.sqlite.generation-lock.sqlite",
        "main/agent/auth-profiles.json",
        "main/sessions/sessions.json",
        "main/sessions/01a20425.trajectory.jsonl",
        "main/sessions/cold/01a20425.jsonl.zst",
    ),
)

CAPABILITIES: Final = Capabilities(
    reads="the database of each of its agents",
    shows=frozenset({"compaction", "fork", "limit", "sub-agents", "tests", "title", "who asks"}),
)
