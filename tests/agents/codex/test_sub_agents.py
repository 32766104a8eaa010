"""Sub-agents of a thread that goes on in several projects: what each did shows in the project it did it in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from carryover.agents.codex.adapter import AGENT
from carryover.distill.stored_digest import DigestReducer
from carryover.ingest.pipeline import ingest
from carryover.ledger.queries import connect_read_only, project_by_root, projects
from carryover.ledger.store import Ledger
from carryover.projects.root import find_root
from carryover.publish.project_view import project_view
from support.clock import LATER_MS

DAY = "2026/11/20"
PARENT = "01a1f792-0000-7000-8000-000000000001"
AT_HOME = "01a1f792-0000-7000-8000-00000000000a"
AWAY = "01a1f792-0000-7000-8000-00000000000b"


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(tmp_path / "ledger.sqlite", DigestReducer())
    yield ledger
    await ledger.close()


def rollout(root: Path, thread: str, *turns: tuple[str, Path, str], **meta: Any) -> Path:
    """A transcript whose turns each add the file of that name in their folder."""
    path = root / DAY / f"rollout-2026-11-20T06-00-00-{thread}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    reported = {"id": thread, "session_id": thread, "history_mode": "paginated", "cwd": str(turns[0][1]), **meta}
    records: list[tuple[str, dict[str, Any]]] = [("session_meta", reported)]
    for turn, folder, name in turns:
        of = {"type": "item_completed", "turn_id": turn, "thread_id": thread}
        added = {f"{folder}/{name}": {"type": "add", "content": "x\n"}}
        prompt = {"type": "UserMessage", "id": "u", "content": [{"type": "text", "text": f"Add {name}."}]}
        change = {"type": "FileChange", "id": f"of-{turn}", "status": "completed", "changes": added}
        records += [
            ("event_msg", {"type": "task_started", "turn_id": turn, "started_at": 1_795_154_400}),
            ("turn_context", {"turn_id": turn, "cwd": str(folder)}),
            ("event_msg", {**of, "item": prompt}),
            ("event_msg", {**of, "item": change}),
        ]
    lines = (
        json.dumps({"timestamp": f"2026-11-20T06:00:{number:02d}.000Z", "type": kind, "payload": payload})
        for number, (kind, payload) in enumerate(records)
    )
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


async def read_in(ledger: Ledger, root: Path, path: Path) -> None:
    source = AGENT.source_of(path, root)
    assert source is not None
    assert (await ingest(ledger, AGENT, source, root_of=find_root, now_ms=lambda: LATER_MS)).error is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_whichever_is_read_first(ledger: Ledger, tmp_path: Path, order: tuple[int, ...]) -> None:
    shop, blog, root = tmp_path / "shop", tmp_path / "blog", tmp_path / "sessions"
    shop.mkdir()
    blog.mkdir()
    child = {"thread_source": "subagent", "session_id": PARENT}
    paths = (
        rollout(root, PARENT, ("t1", shop, "parent.py"), ("t2", blog, "parent.md")),
        rollout(root, AT_HOME, ("t3", shop, "child.py"), **child),
        rollout(root, AWAY, ("t4", blog, "child.md"), **child),
    )
    for number in order:
        await read_in(ledger, root, paths[number])

    with closing(connect_read_only(tmp_path / "ledger.sqlite")) as db:
        assert {project.root for project in projects(db)} == {str(shop), str(blog)}
        for folder, ending in ((shop, "py"), (blog, "md")):
            project = project_by_root(db, str(folder))
            assert project is not None
            (session,) = project_view(db, project.id).sessions
            (side,) = session.subagents
            assert [file.path for file in session.digest.touched] == [f"{folder}/parent.{ending}"]
            assert [file.path for file in side.touched] == [f"{folder}/child.{ending}"]
