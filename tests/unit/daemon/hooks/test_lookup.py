from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.daemon.hooks.lookup import (
    RECENT_MS,
    OwnSession,
    changed_of_late,
    changed_siblings,
    own_session,
)
from carryover.daemon.hooks.validate import Transcript
from carryover.ingest.pipeline import ingest
from carryover.ingest.scan import RACY_MS
from carryover.ledger.queries import connect_read_only, project_by_root, session_ids
from carryover.ledger.store import Ledger
from carryover.projects.root import find_root
from support.clock import LATER_MS
from support.codex_session import CodexSession

NOW_MS: Final = 1_795_155_000_000
CHAT: Final = "7c1f2a90-1111-4222-8333-9d2c0000%04d"


@pytest.fixture
def agent() -> Agent:
    return adapters()["cursor"]


@pytest.fixture
def roots(agent: Agent, home: Path) -> tuple[Path, ...]:
    return agent.roots(home, {})


def written(path: Path, at_ms: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, ns=(at_ms * 1_000_000,) * 2)
    return path


def transcript(home: Path, number: int = 1) -> Path:
    return home / ".cursor/projects/home-dev-shop/agent-transcripts" / (CHAT % number) / f"{CHAT % number}.jsonl"


def database(home: Path) -> Path:
    return home / ".config/Cursor/User/globalStorage/state.vscdb"


def paths(sources: list[Source]) -> list[Path]:
    return [Path(source.path) for source in sources]


def test_what_changed_of_late_is_found_newest_first_wherever_it_lies(
    agent: Agent, roots: tuple[Path, ...], home: Path
) -> None:
    written(transcript(home, 1), NOW_MS - RECENT_MS - 1)
    lines = written(transcript(home, 2), NOW_MS - RECENT_MS)
    tables = written(database(home), NOW_MS - 10)
    chat = written(home / ".cursor/chats/9e107d9d" / (CHAT % 3) / "store.db", NOW_MS)

    assert paths(changed_of_late(agent, None, roots, now_ms=NOW_MS)) == [chat, tables, lines]


AT_MS = 1_795_155_000_000


@pytest.fixture
def claude() -> Agent:
    return adapters()["claude-code"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "projects" / "-home-dev-shop"
    folder.mkdir(parents=True)
    return folder


def written_beside(folder: Path, number: int, at_ms: int) -> str:
    path = folder / f"c0de0000-0000-4000-8000-{number:012}.jsonl"
    path.touch()
    os.utime(path, ns=(at_ms * 1_000_000, at_ms * 1_000_000))
    return str(path)


def transcript_at(claude: Agent, folder: Path, number: int) -> Transcript:
    root = folder.parent
    source = claude.source_of(folder / f"c0de0000-0000-4000-8000-{number:012}.jsonl", root)
    assert source is not None
    return Transcript(source, root)


def test_what_changed_since_the_last_rescan_is_found_newest_first(claude: Agent, folder: Path) -> None:
    written_beside(folder, 1, AT_MS - RACY_MS - 1)
    racy, later, latest = (written_beside(folder, n, AT_MS + n) for n in (2, 4, 6))
    os.utime(racy, ns=((AT_MS - RACY_MS) * 1_000_000,) * 2)
    (folder / "notes.txt").touch()
    (folder / "c0de0000-0000-4000-8000-000000000099.jsonl").symlink_to(latest)

    found = changed_siblings(claude, transcript_at(claude, folder, 9), since_ms=AT_MS)

    assert [source.path for source in found] == [latest, later, racy]


@pytest.fixture
def thread(home: Path, shop: Path) -> CodexSession:
    """A thread with a turn in `shop`."""
    thread = CodexSession(home / ".codex", shop)
    thread.prompt("Add a discount")
    thread.answer("Done.")
    return thread


async def read_in(ledger: Ledger, thread: CodexSession) -> None:
    agent = adapters()["codex"]
    source = agent.source_of(thread.path, thread.home / "sessions")
    assert source is not None
    await ingest(ledger, agent, source, root_of=find_root, now_ms=lambda: LATER_MS)


def asked(path: Path, thread: CodexSession, folder: Path, agent: str = "codex") -> OwnSession:
    with closing(connect_read_only(path)) as db:
        return own_session(db, agent, thread.session, str(folder))


def project(path: Path, folder: Path) -> int:
    with closing(connect_read_only(path)) as db:
        found = project_by_root(db, str(folder))
        assert found is not None
        return found.id


async def test_its_turns_in_another_project_are_a_session_of_that_project(
    ledger: Ledger, ledger_path: Path, thread: CodexSession, shop: Path, blog: Path
) -> None:
    thread.cwd = blog
    thread.prompt("Write about it")
    thread.answer("Written.")
    await read_in(ledger, thread)
    here, there = project(ledger_path, shop), project(ledger_path, blog)
    with closing(connect_read_only(ledger_path)) as db:
        [other] = set(session_ids(db)) - {thread.session}

    assert asked(ledger_path, thread, blog) == OwnSession(id=other, project_id=there, here_id=there)
    assert asked(ledger_path, thread, shop) == OwnSession(id=thread.session, project_id=here, here_id=here)


async def test_before_its_first_turn_there_is_read_it_is_still_the_other_projects(
    ledger: Ledger, ledger_path: Path, thread: CodexSession, shop: Path, blog: Path
) -> None:
    await read_in(ledger, thread)
    writer = CodexSession(thread.home, blog)
    writer.prompt("Write a post")
    await read_in(ledger, writer)

    found = asked(ledger_path, thread, blog)

    assert (found.id, found.project_id, found.here_id) == (
        thread.session,
        project(ledger_path, shop),
        project(ledger_path, blog),
    )
