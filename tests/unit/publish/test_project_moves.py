from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from carryover.agents import adapters
from carryover.config import Config, PublishConfig
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.queries import project_by_root, projects, sessions, whereabouts
from carryover.ledger.store import Ledger
from carryover.model import NOTE, PIN, UserPrompt
from carryover.outside.journal import read_journal
from carryover.outside.listed import handoff_folder
from carryover.paths import StateDir
from carryover.projects.root import StatePaths, find_root
from carryover.publish.make import view_now
from carryover.publish.project_moves import RootFacts, follow, inspect_root, link, unlink
from carryover.publish.project_view import project_view
from carryover.publish.publish import publish_project
from support.claude_session import ClaudeSession
from support.repository import git
from support.scribe import Scribe

Connect = Callable[[], sqlite3.Connection]
NOW_MS = 1_795_200_000_000


@pytest.fixture
def paths(home: Path, ledger_path: Path) -> StatePaths:
    return StatePaths(StateDir(home / ".carryover"), home)


@pytest.fixture
def known(session: ClaudeSession, read_in: Callable[[ClaudeSession], int]) -> int:
    """The project of a session with a task, in the ledger."""
    session.prompt("Add a discount function")
    session.answer("I added discount() to cart.py.")
    return read_in(session)


@pytest.fixture
async def ledger(known: int, ledger_path: Path) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(ledger_path, DigestReducer())
    yield ledger
    await ledger.close()


def held(db: sqlite3.Connection) -> dict[str, list[str]]:
    return {row.root: [one.native_id for one in sessions(db, row.id, limit=20)] for row in projects(db)}


async def worked_in_a_folder_that_went(
    ledger: Ledger, paths: StatePaths, session: ClaudeSession, folder: Path
) -> ClaudeSession:
    """Returns a session in a plain folder of that path, which was followed and then deleted."""
    folder.mkdir()
    other = ClaudeSession(session.folder, folder).work("Write to the bank.", "The letter is written.")
    await read(ledger, other)
    await followed(ledger, paths, folder)
    folder.rmdir()
    return other


async def followed(ledger: Ledger, paths: StatePaths, root: Path) -> int:
    """How many sessions were joined to the project at `root`."""
    project = find_root(str(root), home=paths.home)
    seen = inspect_root(paths, project.root, Config())
    return (await follow(ledger, paths, project, seen)).sessions


async def test_what_was_kept_follows_the_folder(ledger: Ledger, paths: StatePaths, shop: Path, known: int) -> None:
    """Whatever begins at the old path next is another project. Uninstall finds what was put into the folder."""
    publish_project(paths, known, Config(publish=PublishConfig(pointers="shared")), now_ms=NOW_MS)
    await followed(ledger, paths, shop)
    store = shop.rename(shop.with_name("store"))

    await followed(ledger, paths, store)

    journal = read_journal(paths.state.root)
    assert handoff_folder(store / ".carryover", store) in journal.handoffs
    assert (journal.names(store), journal.names(shop)) == ({"AGENTS.md"}, set())


async def test_work_of_a_removed_worktree_is_the_main_checkouts_from_then_on(
    ledger: Ledger, paths: StatePaths, shop: Path, session: ClaudeSession, reading: Connect
) -> None:
    tree = shop.with_name("labels")
    git(shop, "worktree", "add", "--quiet", str(tree))
    there = ClaudeSession(session.folder, tree).work("Print labels in A6.", "A6 labels are printed.")
    await read(ledger, there)
    assert [await followed(ledger, paths, root) for root in (tree, shop)] == [0, 0]
    assert held(reading()) == {str(tree): [there.session], str(shop): [session.session]}

    git(shop, "worktree", "remove", "--force", str(tree))

    assert await followed(ledger, paths, shop) == 1
    assert sorted(held(reading())[str(shop)]) == sorted([there.session, session.session])


async def test_a_join_that_fails_is_made_as_a_whole_the_next_time(
    ledger: Ledger, paths: StatePaths, shop: Path, session: ClaudeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else sub-agents that worked in the worktree would stay apart: a project that was moved is not joined again."""
    await removed_worktree(ledger, paths, shop, session)
    with monkeypatch.context() as patch:
        patch.setattr("carryover.publish.project_moves.adopt_all", Mock(side_effect=MemoryError))
        with pytest.raises(MemoryError):
            await followed(ledger, paths, shop)

    assert await followed(ledger, paths, shop) == 1


async def removed_worktree(ledger: Ledger, paths: StatePaths, shop: Path, session: ClaudeSession) -> Path:
    """Where a worktree was that was worked in, and that is known as one."""
    tree = shop.with_name("labels")
    git(shop, "worktree", "add", "--quiet", str(tree))
    await read(ledger, ClaudeSession(session.folder, tree).work("Print labels in A6.", "A6 labels are printed."))
    await followed(ledger, paths, tree)
    git(shop, "worktree", "remove", "--force", str(tree))
    return tree


async def read(ledger: Ledger, session: ClaudeSession) -> None:
    await ingest(ledger, adapters()["claude-code"], session.source, root_of=find_root, now_ms=lambda: NOW_MS)


async def test_another_project_where_a_worktree_was_is_not_the_main_checkouts_once_it_is_gone_too(
    ledger: Ledger, paths: StatePaths, shop: Path, session: ClaudeSession, reading: Connect
) -> None:
    tree = shop.with_name("labels")
    git(shop, "worktree", "add", "--quiet", str(tree))
    there = ClaudeSession(session.folder, tree).work("Print labels in A6.", "A6 labels are printed.")
    await read(ledger, there)
    await followed(ledger, paths, tree)
    git(shop, "worktree", "remove", "--force", str(tree))
    await followed(ledger, paths, shop)

    other = await worked_in_a_folder_that_went(ledger, paths, session, tree)

    assert await followed(ledger, paths, shop) == 0
    assert held(reading())[str(tree)] == [other.session]


async def test_a_session_that_is_read_once_its_worktree_is_gone_is_the_main_checkouts_too(
    ledger: Ledger, paths: StatePaths, shop: Path, session: ClaudeSession, reading: Connect
) -> None:
    tree = shop.with_name("labels")
    git(shop, "worktree", "add", "--quiet", str(tree))
    first, second = (ClaudeSession(session.folder, tree).work(f"Print {size}.", "Done.") for size in ("A6", "A5"))
    await read(ledger, first)
    await followed(ledger, paths, tree)
    git(shop, "worktree", "remove", "--force", str(tree))
    git(shop, "remote", "add", "origin", "https://example.com/shop.git")

    await read(ledger, second)

    assert await followed(ledger, paths, shop) == 2
    assert sorted(held(reading())[str(shop)]) == sorted([first.session, second.session, session.session])


async def test_a_folder_where_a_worktree_was_is_not_shown_the_main_checkouts_work(
    ledger: Ledger, paths: StatePaths, shop: Path, session: ClaudeSession, reading: Connect
) -> None:
    tree = await removed_worktree(ledger, paths, shop, session)
    await followed(ledger, paths, shop)
    former = project_by_root(reading(), str(tree))
    assert former is not None
    pinned = UserPrompt(text="Print in black.", command="pin")
    scribe = Scribe(ledger, agent=NOTE)
    await scribe.tell(scribe.event(pinned, session=f"{PIN}1", cwd=str(shop)), path="/t/pins")

    tree.mkdir()
    view = view_now(reading(), former.id, Config())
    assert (view.sessions, view.pins) == ((), ())

    tree.rmdir()
    git(shop, "worktree", "add", "--quiet", "--force", str(tree), "labels")
    again = view_now(reading(), former.id, Config())
    assert (again.is_of_main, [pin.text for pin in again.pins]) == (True, ["Print in black."])


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_worktree_that_excludes_itself_stays_apart_once_it_is_gone(
    ledger: Ledger, paths: StatePaths, shop: Path, session: ClaudeSession, reading: Connect, is_known: bool
) -> None:
    """Its own file says so, and goes with it."""
    tree = shop.with_name("labels")
    git(shop, "worktree", "add", "--quiet", str(tree))
    there = ClaudeSession(session.folder, tree).work("Write to the bank.", "The letter is written.")
    await read(ledger, there)
    if is_known:
        await followed(ledger, paths, tree)
    own = tree / ".carryover.toml"
    own.write_text("exclude = true\n")
    await followed(ledger, paths, tree)
    own.rename(tree / "aside.toml")
    assert inspect_root(paths, str(tree), Config()).identity is not None
    (tree / "aside.toml").rename(own)

    git(shop, "worktree", "remove", "--force", str(tree))

    assert await followed(ledger, paths, shop) == 0
    assert held(reading())[str(tree)] == [there.session]


async def test_a_look_at_the_main_checkout_sees_a_worktree_that_has_excluded_itself(
    ledger: Ledger, paths: StatePaths, shop: Path, session: ClaudeSession, reading: Connect
) -> None:
    tree = shop.with_name("labels")
    git(shop, "worktree", "add", "--quiet", str(tree))
    there = ClaudeSession(session.folder, tree).work("Write to the bank.", "The letter is written.")
    await read(ledger, there)
    await followed(ledger, paths, tree)
    (tree / ".carryover.toml").write_text("exclude = true\n")

    await followed(ledger, paths, shop)
    git(shop, "worktree", "remove", "--force", str(tree))

    assert await followed(ledger, paths, shop) == 0
    assert held(reading())[str(tree)] == [there.session]


async def test_another_project_where_a_repository_was_does_not_follow_that_one(
    ledger: Ledger, paths: StatePaths, shop: Path, session: ClaudeSession, reading: Connect
) -> None:
    await followed(ledger, paths, shop)
    store = shop.rename(shop.with_name("store"))
    assert await followed(ledger, paths, store) == 1

    other = await worked_in_a_folder_that_went(ledger, paths, session, shop)

    assert await followed(ledger, paths, store) == 0
    assert held(reading()) == {str(store): [session.session], str(shop): [other.session]}


async def test_the_user_may_link_what_cannot_be_detected_and_take_it_back_with_its_handoff(
    ledger: Ledger, paths: StatePaths, shop: Path, session: ClaudeSession, reading: Connect
) -> None:
    store = shop.rename(shop.with_name("store"))
    revision = ledger.revision

    linked = await link(ledger, paths, str(shop), str(store))
    assert (linked.sessions, held(reading())) == (1, {str(store): [session.session]})
    assert ledger.revision == revision + 1, "a crash leaves all of it or nothing"
    new = project_by_root(reading(), str(store))
    assert new is not None and project_view(reading(), new.id).former_roots == (str(shop),)

    made = publish_project(paths, new.id, Config(), now_ms=NOW_MS)
    await ledger.set_published(new.id, made.sha, NOW_MS, None)
    files = list((store / ".carryover").glob("handoff*.md"))
    assert len(files) == 3

    assert (await unlink(ledger, paths, str(shop))).sessions == 1
    assert list(held(reading())) == [str(shop)]
    assert not any(file.exists() for file in files)


async def test_what_was_linked_is_taken_back_also_where_the_old_folder_is_a_project_again(
    ledger: Ledger, paths: StatePaths, shop: Path, session: ClaudeSession, reading: Connect
) -> None:
    store = shop.rename(shop.with_name("store"))
    await link(ledger, paths, str(shop), str(store))
    other = await worked_in_a_folder_that_went(ledger, paths, session, shop)

    assert (await unlink(ledger, paths, str(shop))).sessions == 1
    assert {*held(reading())[str(shop)]} == {session.session, other.session}


def test_a_project_without_a_folder_or_of_another_system_is_left_alone(known: int, paths: StatePaths) -> None:
    for root in ("/nowhere/at/all", "C:\\shop"):
        assert inspect_root(paths, root, Config()) == RootFacts(root=root)


async def test_a_project_that_moves_there_and_back_is_followed(
    ledger: Ledger, paths: StatePaths, shop: Path, known: int
) -> None:
    await follow(ledger, paths, ProjectRoot(str(shop)), inspect_root(paths, str(shop), Config()))

    store = shop.rename(shop.with_name("store"))
    away = inspect_root(paths, str(store), Config())
    assert [row.id for row in away.moved] == [known]
    await follow(ledger, paths, ProjectRoot(str(store)), away)
    store.rename(shop)

    back = inspect_root(paths, str(shop), Config())
    assert (await follow(ledger, paths, ProjectRoot(str(shop)), back)).sessions == 1
    again = inspect_root(paths, str(shop), Config())
    assert again.own is not None and again.own.identity is not None


async def test_a_folder_that_cannot_be_identified_now_keeps_what_it_is_recognised_by(
    ledger: Ledger, paths: StatePaths, shop: Path, known: int, reading: Connect
) -> None:
    first = inspect_root(paths, str(shop), Config())
    await follow(ledger, paths, ProjectRoot(str(shop)), first)
    [noted] = whereabouts(reading())

    await follow(ledger, paths, ProjectRoot(str(shop)), RootFacts(root=str(shop), own=noted))

    assert noted.identity is not None
    assert [row.identity for row in whereabouts(reading())] == [noted.identity]
