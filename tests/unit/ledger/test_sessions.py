"""Which session and project things belong to: sub-agents, moved projects, digests that are made again."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from carryover.distill.digest import FOLD_VERSION, Digest
from carryover.distill.stored_digest import decode_digest
from carryover.facts import ProjectRoot
from carryover.ledger.codec import pack_digest, unpack_digest
from carryover.ledger.queries import project_by_root, projects, sessions
from carryover.ledger.sessions import adopt_all, know_project, move_back, move_project
from carryover.ledger.store import Ledger
from carryover.model import NOTE, AssistantMessage, Event, FileEdit, Retracted, session_in_other_cwd
from carryover.publish.project_view import project_view
from support.scribe import Scribe, execute, writing

HERE, THERE = session_in_other_cwd("s1", "of-repo"), session_in_other_cwd("s1", "of-other")


def by_project(db: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """The number of sub-agents of each session, without one that stands for a missing main thread, by project."""
    reported: dict[str, dict[str, int]] = {}
    for root in ("/repo", "/other"):
        project = project_by_root(db, root)
        views = project_view(db, project.id).sessions if project is not None else ()
        reported[root] = {view.session: len(view.subagents) for view in views}
    return reported


def edit(scribe: Scribe, cwd: str, session: str, subagent_id: str = "a1") -> Event:
    return scribe.event(FileEdit(path=f"{cwd}/a.py", change="add"), cwd=cwd, session=session, subagent_id=subagent_id)


async def test_one_that_works_elsewhere_is_reported_there_and_nowhere_else(scribe: Scribe) -> None:
    await scribe.tell("add a parser")
    await scribe.tell(scribe.event("write a post", cwd="/other", session=THERE))

    here = await scribe.tell(edit(scribe, "/repo", HERE), path="/t/a1")
    there = await scribe.tell(edit(scribe, "/other", THERE, "a2"), path="/t/a2")

    assert ([*here.projects], [*there.projects]) == ([1], [2])
    assert by_project(scribe.db) == {"/repo": {"s1": 1}, "/other": {THERE: 1}}


async def test_one_whose_folder_is_known_only_when_it_is_read_again_goes_there(scribe: Scribe) -> None:
    said = scribe.event("add a parser", cwd=None)
    nowhere = await scribe.tell(said)

    there = await scribe.tell(msgspec.structs.replace(said, cwd="/repo"))

    assert (nowhere.projects, there.projects) == ({}, {1: said.at_ms})
    assert there.new_events == 0
    assert by_project(scribe.db) == {"/repo": {"s1": 0}, "/other": {}}


async def test_what_was_read_before_its_conversation_is_brought_home(scribe: Scribe) -> None:
    """Newest files are read first, and a sub-agent's is newer than its parent's."""
    await scribe.tell(edit(scribe, "/repo", HERE), path="/t/a1")
    await scribe.tell(edit(scribe, "/other", THERE, "a2"), path="/t/a2")
    alone = by_project(scribe.db)

    await scribe.tell(scribe.event("add a parser", at_ms=1_500))
    await scribe.tell(edit(scribe, "/repo", HERE), path="/t/a1")

    assert alone == {"/repo": {HERE: 0}, "/other": {THERE: 0}}
    assert by_project(scribe.db) == {"/repo": {"s1": 1}, "/other": {THERE: 0}}
    (here,) = [row for row in sessions(scribe.db, limit=9) if row.native_id == "s1"]
    assert (here.started_ms, here.last_ms) == (1_000, 4_000)


async def test_what_it_takes_back_is_taken_back_at_home(scribe: Scribe) -> None:
    await scribe.tell("add a parser")
    said = scribe.event("look", session=HERE, subagent_id="a1")
    await scribe.tell(said, path="/t/a1")

    await scribe.tell(scribe.event(Retracted(keys=(said.key,)), session=HERE, subagent_id="a1"), path="/t/a1")

    (view,) = project_view(scribe.db, 1).sessions
    assert [side.prompts for side in view.subagents] == [0]


@pytest.mark.parametrize("cwd", ["/other", None])
async def test_one_that_names_its_conversation_stays_wherever_it_works(scribe: Scribe, cwd: str | None) -> None:
    """Claude Code's work in worktrees of their own, and `cd` about."""
    await scribe.tell("add a parser")

    await scribe.tell(scribe.event("look", cwd=cwd, subagent_id="a1"), path="/t/a1")

    assert by_project(scribe.db) == {"/repo": {"s1": 1}, "/other": {}}


async def test_one_in_a_folder_that_has_become_part_of_the_project_is_brought_home(scribe: Scribe) -> None:
    """As a worktree that was removed. Sub-agents of conversations elsewhere stay as they are."""
    await scribe.tell("add a parser")
    await scribe.tell(edit(scribe, "/other", THERE, "a2"), path="/t/a2")
    stranger = session_in_other_cwd("s9", "of-other")
    await scribe.tell(edit(scribe, "/other", stranger, "a3"), path="/t/a3")
    here, other = project(scribe.db, "/repo"), project(scribe.db, "/other")

    await scribe.ledger.write(move_project, other, here)
    await scribe.ledger.write(adopt_all, here)

    assert by_project(scribe.db) == {"/repo": {"s1": 1, stranger: 0}, "/other": {}}


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


@pytest.fixture
async def moved(scribe: Scribe) -> tuple[int, int]:
    """The project at /old, and the one at /new to which it was moved."""
    await worked(scribe, "s1", "/old")
    old, new = project(scribe.db, "/old"), await scribe.ledger.write(know_project, "/new", None)
    await scribe.ledger.write(move_project, old, new)
    return old, new


async def test_a_session_that_is_read_later_follows_as_long_as_the_folder_is_gone(
    scribe: Scribe, moved: tuple[int, int]
) -> None:
    await worked(scribe, "s2", "/old", gone=True)

    assert held(scribe.db) == {"/new": ["s1", "s2"]}
    assert (await scribe.ledger.write(move_back, moved[0])).sessions == 2
    assert held(scribe.db) == {"/old": ["s1", "s2"]}


async def test_another_folder_at_the_old_path_is_a_project_of_its_own(scribe: Scribe, moved: tuple[int, int]) -> None:
    """Also once that one is gone too: its last sessions may be read only then."""
    old, new = moved

    await worked(scribe, "other", "/old")
    await worked(scribe, "other too", "/old", gone=True)

    assert held(scribe.db) == {"/new": ["s1"], "/old": ["other", "other too"]}
    assert project_view(scribe.db, new).former_roots == ("/old",)
    assert (await scribe.ledger.write(move_back, old)).sessions == 1
    assert held(scribe.db) == {"/old": ["other", "other too", "s1"]}


async def test_notes_and_pins_move_too_and_are_told_apart_from_sessions(ledger: Ledger, scribe: Scribe) -> None:
    await worked(scribe, "s1", "/old")
    await worked(Scribe(ledger, agent=NOTE), "note-1", "/old")
    old, new = project(scribe.db, "/old"), await ledger.write(know_project, "/new", None)

    for done in (await ledger.write(move_project, old, new), await ledger.write(move_back, old)):
        assert (done.sessions, done.notes) == (2, 1)


async def test_moving_twice_moves_nothing_more(scribe: Scribe, moved: tuple[int, int]) -> None:
    for old in moved:
        assert (await scribe.ledger.write(move_project, old, moved[1])).sessions == 0
    assert held(scribe.db) == {"/new": ["s1"]}


async def test_a_project_may_move_on_and_each_move_can_be_undone(ledger: Ledger, scribe: Scribe) -> None:
    for name in ("a", "b", "c"):
        await worked(scribe, name, f"/{name}")
    a, b, c = (project(scribe.db, f"/{name}") for name in ("a", "b", "c"))
    await ledger.write(move_project, a, b)
    await ledger.write(move_project, b, c)
    assert held(scribe.db) == {"/c": ["a", "b", "c"]}
    assert set(project_view(scribe.db, c).former_roots) == {"/a", "/b"}

    await ledger.write(move_back, b)
    assert held(scribe.db) == {"/b": ["a", "b"], "/c": ["c"]}
    await ledger.write(move_back, a)
    assert held(scribe.db) == {"/a": ["a"], "/b": ["b"], "/c": ["c"]}


async def test_a_project_that_is_moved_back_has_its_sessions_again(ledger: Ledger, scribe: Scribe) -> None:
    await worked(scribe, "s1", "/old")
    await worked(scribe, "s2", "/new")
    old, new = project(scribe.db, "/old"), project(scribe.db, "/new")
    await ledger.write(move_project, old, new)

    await ledger.write(move_project, new, old)
    await worked(scribe, "s3", "/new", gone=True)

    assert held(scribe.db) == {"/old": ["s1", "s2", "s3"]}
    assert project_view(scribe.db, old).former_roots == ("/new",)


async def conversation(scribe: Scribe, *turns: int) -> None:
    for n in turns:
        await scribe.tell(
            scribe.event(f"Please write module {n}. Never use global variables in it, always write tests."),
            scribe.event(AssistantMessage(text=f"Module {n} is written and its tests pass.", final=True)),
            scribe.event("What does a sub-agent say?", subagent_id="a1"),
        )


async def test_a_digest_of_an_older_fold_is_made_again_before_new_events_are_folded_on(
    scribe: Scribe, ledger_path: Path, tmp_path: Path
) -> None:
    async with writing(tmp_path / "straight.sqlite") as straight:
        await conversation(straight, *range(6))
        expected = project_view(straight.db, 1)

    await conversation(scribe, *range(5))
    execute(ledger_path, f"UPDATE thread SET fold_version = {FOLD_VERSION - 1}, digest = 'old'")
    await conversation(scribe, 5)

    assert project_view(scribe.db, 1) == expected


async def test_a_thread_longer_than_one_read_is_made_again_whole(scribe: Scribe, ledger_path: Path) -> None:
    await scribe.tell(*(scribe.event(f"prompt {n}") for n in range(1_200)))
    before = project_view(scribe.db, 1)
    execute(ledger_path, f"UPDATE thread SET fold_version = {FOLD_VERSION - 1}, digest = 'old'")

    assert await scribe.ledger.rebuild_outdated()

    assert project_view(scribe.db, 1) == before
    assert before.sessions[0].digest.prompts == 1_200


DIGEST = b'{"prompts":3,"turns":[]}' * 20


def test_a_damaged_digest_is_one_that_is_made_again_and_not_an_empty_one() -> None:
    packed = pack_digest(DIGEST)
    damaged = unpack_digest(packed[:-3])

    assert (unpack_digest(packed), len(packed) < len(DIGEST)) == (DIGEST, True)
    assert damaged
    assert decode_digest(FOLD_VERSION, damaged, Digest) is None
