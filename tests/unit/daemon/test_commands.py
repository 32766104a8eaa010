from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import Mock, create_autospec

import pytest

from carryover.agents import adapters
from carryover.config import Config
from carryover.daemon.commands import STILL_READING, Handoffs, Imports, Moves
from carryover.daemon.context import DaemonContext
from carryover.daemon.publish_queue import PublishQueue
from carryover.errors import UserError
from carryover.importing.report import Report
from carryover.ingest.pipeline import ingest
from carryover.ledger.queries import project_by_root
from carryover.ledger.sessions import Moved, know_project
from carryover.ledger.store import Ledger
from carryover.probe.looks import Silent
from carryover.projects.root import find_root
from carryover.publish.handoff_json import WantedHandoff
from support.claude_session import ClaudeSession
from support.clock import LATER_MS
from support.repository import git, repository


@pytest.fixture
def shop(home: Path) -> Path:
    return repository(home / "shop", {"cart.py": "total = 0\n"})


@pytest.fixture
async def project(ledger: Ledger, transcripts: Path, shop: Path) -> int:
    """The project of a recorded session in `shop`."""
    return await work_in(ledger, transcripts, shop)


async def work_in(ledger: Ledger, transcripts: Path, shop: Path) -> int:
    session = ClaudeSession(transcripts, shop)
    session.prompt("Add a discount function")
    agent = adapters()["claude-code"]
    result = await ingest(ledger, agent, session.source, root_of=find_root, now_ms=lambda: LATER_MS)
    return next(iter(result.projects))


@pytest.fixture
def reported() -> Mock:
    return Mock()


@pytest.fixture
async def moves(context: DaemonContext, reported: Mock) -> Moves:
    return Moves(context, on_moved=reported)


async def test_every_known_project_is_looked_at_once_and_found_when_it_is_renamed(
    moves: Moves, project: int, shop: Path, context: DaemonContext, reported: Mock, lines: list[str]
) -> None:
    await moves.run()
    store = shop.rename(shop.with_name("store"))

    moved = await moves.follow_root(str(store))
    with context.read_ledger() as db:
        found = project_by_root(db, str(store))
    assert found is not None and found.last_event_ms > 0
    assert (moved.sessions, found.id in moved.projects) == (1, True)
    reported.assert_called_once_with({found.id: found.last_event_ms})
    assert [line.split()[0] for line in lines] == ["project_found"]
    assert await moves.follow_root(str(store)) == Moved()


async def test_a_project_is_found_again_though_its_first_publication_came_before_any_work(
    moves: Moves, ledger: Ledger, transcripts: Path, shop: Path
) -> None:
    """A worktree gets a handoff as a session starts in it, and the first turn follows within the minute."""
    await moves.follow_known(await ledger.write(know_project, str(shop), None))
    await moves.follow_known(await work_in(ledger, transcripts, shop))
    store = shop.rename(shop.with_name("store"))

    assert (await moves.follow_root(str(store))).sessions == 1


async def test_a_worktree_that_excludes_itself_is_seen_when_it_is_published_next(
    moves: Moves, ledger: Ledger, transcripts: Path, shop: Path
) -> None:
    """Within the minute after the last look, and before it is removed with the file that says so."""
    tree = shop.with_name("labels")
    git(shop, "worktree", "add", "--quiet", str(tree))
    project = await work_in(ledger, transcripts, tree)
    await moves.follow_known(project)
    (tree / ".carryover.toml").write_text("exclude = true\n")
    await moves.follow_known(project)

    git(shop, "worktree", "remove", "--force", str(tree))

    assert await moves.follow_root(str(shop)) == Moved()


async def test_a_project_whose_disk_does_not_answer_delays_nothing(context: DaemonContext, shop: Path) -> None:
    moves = Moves(context, on_moved=Mock(), inspect=Mock(side_effect=Silent(shop)))

    assert await moves.follow_root(str(shop)) == Moved()


async def test_what_goes_wrong_keeps_nothing_from_being_published(
    context: DaemonContext, project: int, lines: list[str]
) -> None:
    failing = Mock(side_effect=RuntimeError("words of somebody"))
    moves = Moves(context, on_moved=Mock(), inspect=failing)

    await moves.follow_known(project)

    assert [line.split()[0] for line in lines] == ["moves_failed"]
    assert "words" not in lines[0]


async def test_a_document_is_imported_once_and_its_project_published(context: DaemonContext, tmp_path: Path) -> None:
    session = ClaudeSession(tmp_path, tmp_path)
    session.prompt("Add a discount")
    (tmp_path / "notes.txt").write_text("hello\n")
    publish_queue = create_autospec(PublishQueue, instance=True)
    imports = Imports(context, publish_queue)

    async def take_in(path: Path) -> Report:
        return await imports.take_in(str(path), "", "", again=False)

    first, again = [await take_in(path) for path in (session.path, session.path)]
    with pytest.raises(UserError, match="is not recognised"):
        await take_in(tmp_path / "notes.txt")
    context.config = Config(paused=True)
    with pytest.raises(UserError, match="Carryover is paused, so nothing was imported"):
        await take_in(session.path)

    assert ((first.new_events or 0) > 0, first.problem, again) == (True, None, Report(new_events=0))
    assert (publish_queue.source_read.call_count, publish_queue.flush.await_count) == (1, 1)


async def hang(_root: str) -> bool:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.usefixtures("project")
async def test_a_handoff_waits_for_the_readers_only_so_long(context: DaemonContext, moves: Moves, shop: Path) -> None:
    handoffs = Handoffs(context, moves, settle=hang, settle_s=0.05)

    found = await handoffs.answer(WantedHandoff(root=str(shop)))

    assert "Add a discount function" in found.text
    assert found.notes == (STILL_READING,)
    with pytest.raises(UserError, match="Nothing is recorded for /none"):
        await handoffs.answer(WantedHandoff(root="/none"))
