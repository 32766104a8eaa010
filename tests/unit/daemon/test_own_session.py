"""Conversations that go on in another folder. Codex keeps all turns of a thread in one file (0.169.0)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from carryover.agents import adapters
from carryover.daemon.own_session import OwnSession, own_session
from carryover.ingest.pipeline import ingest
from carryover.ledger.queries import connect_read_only, project_by_root, session_ids
from carryover.ledger.store import Ledger
from carryover.publish.project_root import find_root
from support.clock import LATER_MS
from support.codex_session import CodexSession


@pytest.fixture
def shop(home: Path) -> Path:
    folder = home / "work" / "shop"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def blog(home: Path) -> Path:
    folder = home / "work" / "blog"
    folder.mkdir(parents=True)
    return folder


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


async def test_a_conversation_is_one_session_where_it_stays_in_its_folder(
    ledger: Ledger, ledger_path: Path, thread: CodexSession, shop: Path
) -> None:
    await read_in(ledger, thread)
    here = project(ledger_path, shop)

    assert asked(ledger_path, thread, shop) == OwnSession(id=thread.session, project_id=here, here_id=here)


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


async def test_in_a_folder_of_the_same_project_it_is_the_one_that_is_at_work(
    ledger: Ledger, ledger_path: Path, thread: CodexSession, shop: Path
) -> None:
    (shop / ".git").mkdir()
    (shop / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    thread.cwd = shop / "src"
    thread.cwd.mkdir()
    thread.prompt("Now the rest")
    await read_in(ledger, thread)

    assert asked(ledger_path, thread, shop).id.startswith(f"{thread.session}@")


async def test_what_the_ledger_does_not_know_has_no_project(
    ledger: Ledger, ledger_path: Path, thread: CodexSession, shop: Path
) -> None:
    unknown = OwnSession(id=thread.session, project_id=None, here_id=None)
    assert asked(ledger_path, thread, shop) == unknown
    await read_in(ledger, thread)

    assert asked(ledger_path, thread, shop, agent="cursor").project_id is None
    with closing(connect_read_only(ledger_path)) as db:
        assert own_session(db, "codex", thread.session, None).here_id is None
