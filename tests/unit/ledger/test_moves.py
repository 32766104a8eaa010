"""A project's sessions go with it to its new path, and come back when that is undone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import msgspec

from carryover.facts import ProjectRoot
from carryover.ledger.queries import project_by_root, projects, sessions
from carryover.ledger.sessions import know_project, move_back, move_project
from carryover.ledger.store import Ledger
from carryover.model import FileEdit
from carryover.publish.project_view import project_view
from support.scribe import Scribe

Reading = Callable[[], sqlite3.Connection]


async def worked(scribe: Scribe, session: str, root: str, *, gone: bool = False) -> None:
    """A session with a task and an edit in the project at `root`."""
    reported = [
        scribe.event(f"Add a discount in {session}.", session=session, cwd=root),
        scribe.event(FileEdit(path=f"{root}/cart.py", change="modify"), session=session, cwd=root),
    ]
    prepared = msgspec.structs.replace(scribe.prepared(*reported), roots={root: ProjectRoot(root, gone=gone)})
    await scribe.commit(prepared, path=f"/t/{session}.jsonl")


def project(db: sqlite3.Connection, root: str) -> int:
    found = project_by_root(db, root)
    assert found is not None
    return found.id


def held(db: sqlite3.Connection) -> dict[str, list[str]]:
    """The sessions of each project that has any."""
    return {row.root: sorted(one.native_id for one in sessions(db, row.id, limit=20)) for row in projects(db)}


async def test_a_session_that_is_read_later_follows_as_long_as_the_folder_is_gone(
    ledger: Ledger, scribe: Scribe, reading: Reading
) -> None:
    await worked(scribe, "s1", "/old")
    old, new = project(reading(), "/old"), await ledger.write(know_project, "/new", None, now_ms=0)
    await ledger.write(move_project, old, new)

    await worked(scribe, "s2", "/old", gone=True)

    assert held(reading()) == {"/new": ["s1", "s2"]}
    assert (await ledger.write(move_back, old)).sessions == 2
    assert held(reading()) == {"/old": ["s1", "s2"]}


async def test_another_folder_at_the_old_path_is_a_project_of_its_own(
    ledger: Ledger, scribe: Scribe, reading: Reading
) -> None:
    """Also once that one is gone too: its last sessions may be read only then."""
    await worked(scribe, "s1", "/old")
    old, new = project(reading(), "/old"), await ledger.write(know_project, "/new", None, now_ms=0)
    await ledger.write(move_project, old, new)

    await worked(scribe, "other", "/old")
    await worked(scribe, "other too", "/old", gone=True)

    assert held(reading()) == {"/new": ["s1"], "/old": ["other", "other too"]}
    assert project_view(reading(), new).former_roots == ("/old",)
    assert (await ledger.write(move_back, old)).sessions == 1
    assert held(reading()) == {"/old": ["other", "other too", "s1"]}


async def test_a_project_may_move_on_and_each_move_can_be_undone(
    ledger: Ledger, scribe: Scribe, reading: Reading
) -> None:
    for name in ("a", "b", "c"):
        await worked(scribe, name, f"/{name}")
    a, b, c = (project(reading(), f"/{name}") for name in ("a", "b", "c"))
    await ledger.write(move_project, a, b)
    await ledger.write(move_project, b, c)
    assert held(reading()) == {"/c": ["a", "b", "c"]}
    assert set(project_view(reading(), c).former_roots) == {"/a", "/b"}

    await ledger.write(move_back, b)
    assert held(reading()) == {"/b": ["a", "b"], "/c": ["c"]}
    await ledger.write(move_back, a)
    assert held(reading()) == {"/a": ["a"], "/b": ["b"], "/c": ["c"]}


async def test_a_project_that_is_moved_back_has_its_sessions_again(
    ledger: Ledger, scribe: Scribe, reading: Reading
) -> None:
    await worked(scribe, "s1", "/old")
    await worked(scribe, "s2", "/new")
    old, new = project(reading(), "/old"), project(reading(), "/new")
    await ledger.write(move_project, old, new)

    await ledger.write(move_project, new, old)
    await worked(scribe, "s3", "/new", gone=True)

    assert held(reading()) == {"/old": ["s1", "s2", "s3"]}
    assert project_view(reading(), old).former_roots == ("/new",)


async def test_moving_twice_moves_nothing_more(ledger: Ledger, scribe: Scribe, reading: Reading) -> None:
    await worked(scribe, "s1", "/old")
    old, new = project(reading(), "/old"), await ledger.write(know_project, "/new", None, now_ms=0)

    await ledger.write(move_project, old, new)

    assert (await ledger.write(move_project, old, new)).sessions == 0
    assert (await ledger.write(move_project, new, new)).sessions == 0
    assert held(reading()) == {"/new": ["s1"]}
