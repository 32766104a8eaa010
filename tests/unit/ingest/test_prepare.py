from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carryover.adapter.contract import Batch, Source
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import prepare
from carryover.ledger.batch import PreparedBatch, SourceState
from carryover.model import FileEdit


def now() -> int:
    """Some time after all the records."""
    return 1_795_200_000_000


def said(text: str, key: str) -> bytes:
    return json.dumps({"id": key, "cwd": "/repo", "body": {"kind": "user_prompt", "text": text}}).encode() + b"\n"


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    return tmp_path / "one.jsonl"


@pytest.fixture
def source(transcript: Path) -> Source:
    return Source(agent="made-up", path=str(transcript))


def after(prepared: PreparedBatch | None) -> SourceState:
    """What the ledger knows of a source once that is committed."""
    assert prepared is not None
    return SourceState(
        rev=1,
        cursor=prepared.cursor,
        context=prepared.context,
        size=prepared.size,
        mtime_ns=prepared.mtime_ns,
        state="active",
    )


def test_a_source_is_stamped_as_it_was_before_it_was_read(transcript: Path, source: Source, agent: Any) -> None:
    """What is written while it is read must still look new afterwards."""
    transcript.write_bytes(said("one", "a"))
    size = transcript.stat().st_size

    class GrowingReader(type(agent.reader)):  # type: ignore[misc]
        def read(self, path: Path, cursor: bytes | None) -> Batch:
            batch: Batch = super().read(path, cursor)
            with path.open("ab") as file:
                file.write(said("two", "b"))
            return batch

    agent = replace(agent, reader=GrowingReader())
    step = prepare(agent, source, None, ProjectRoot, now)

    assert step.prepared is not None
    assert (step.prepared.size, step.prepared.roots, step.more) == (size, {"/repo": ProjectRoot("/repo")}, False)


def test_files_in_an_agents_checkout_are_named_by_the_checkouts_real_path(
    transcript: Path, source: Source, agent: Any, tmp_path: Path
) -> None:
    checkout = tmp_path / "disk" / "worktree"
    checkout.mkdir(parents=True)
    (tmp_path / "link").symlink_to(checkout)
    edit = {"kind": "file_edit", "path": f"{tmp_path}/link/cart.py", "change": "modify"}
    transcript.write_text(json.dumps({"id": "a", "cwd": f"{tmp_path}/link", "body": edit}) + "\n")

    step = prepare(agent, source, None, lambda _cwd: ProjectRoot("/repo", checkout=str(checkout)), now)

    assert step.prepared is not None
    assert [entry.event.body for entry in step.prepared.entries] == [
        FileEdit(path=f"{checkout}/cart.py", change="modify")
    ]
