"""Sub-agents of a conversation that goes on in several folders: each is told of where it worked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from carryover.facts import ProjectRoot
from carryover.ledger.batch import Entry
from carryover.ledger.provisional import add_provisional
from carryover.ledger.queries import project_by_root, sessions
from carryover.model import AssistantMessage, Event, FileEdit, Retracted, session_in_other_cwd
from carryover.publish.project_view import project_view
from support.scribe import Scribe

Reading = Callable[[], sqlite3.Connection]
AGENT = "made-up"
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


async def test_one_that_works_in_its_conversations_project_belongs_to_it(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell("add a parser")

    commit = await scribe.tell(edit(scribe, "/repo", HERE), path="/t/a1")

    assert commit.projects == (1,)
    assert by_project(reading()) == {"/repo": {"s1": 1}, "/other": {}}


async def test_one_that_works_elsewhere_is_reported_there_and_nowhere_else(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell("add a parser")
    await scribe.tell(scribe.event("write a post", cwd="/other", session=THERE))

    commit = await scribe.tell(edit(scribe, "/other", THERE), path="/t/a1")

    assert commit.projects == (2,)
    assert by_project(reading()) == {"/repo": {"s1": 0}, "/other": {THERE: 1}}


async def test_what_was_read_before_its_conversation_is_brought_home(scribe: Scribe, reading: Reading) -> None:
    """Newest files are read first, and a sub-agent's is newer than its parent's."""
    await scribe.tell(edit(scribe, "/repo", HERE), path="/t/a1")
    await scribe.tell(edit(scribe, "/other", THERE, "a2"), path="/t/a2")
    alone = by_project(reading())

    await scribe.tell(scribe.event("add a parser", at_ms=1_500))
    await scribe.tell(edit(scribe, "/repo", HERE), path="/t/a1")

    assert alone == {"/repo": {HERE: 0}, "/other": {THERE: 0}}
    assert by_project(reading()) == {"/repo": {"s1": 1}, "/other": {THERE: 0}}
    (here,) = [row for row in sessions(reading(), limit=9) if row.native_id == "s1"]
    assert (here.started_ms, here.last_ms) == (1_000, 4_000)


async def test_what_a_hook_reported_of_it_goes_along(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell(edit(scribe, "/repo", HERE), path="/t/a1")
    early = Entry.of(AGENT, scribe.event(AssistantMessage(text="Done."), session=HERE, at_ms=90_000), {})
    await scribe.ledger.write(add_provisional, AGENT, [early], {"/repo": ProjectRoot("/repo")}, now_ms=90_000)

    await scribe.tell(scribe.event("add a parser", at_ms=2_000))

    (view,) = project_view(reading(), 1).sessions
    assert view.digest.turn is not None
    assert (view.session, view.digest.turn.answer) == ("s1", "Done.")


async def test_what_it_takes_back_is_taken_back_at_home(scribe: Scribe, reading: Reading) -> None:
    await scribe.tell("add a parser")
    said = scribe.event("look", session=HERE, subagent_id="a1")
    await scribe.tell(said, path="/t/a1")

    await scribe.tell(scribe.event(Retracted(keys=(said.key,)), session=HERE, subagent_id="a1"), path="/t/a1")

    (view,) = project_view(reading(), 1).sessions
    assert [side.prompts for side in view.subagents] == [0]


@pytest.mark.parametrize("cwd", ["/other", None])
async def test_one_that_names_its_conversation_stays_wherever_it_works(
    scribe: Scribe, reading: Reading, cwd: str | None
) -> None:
    """Claude Code's work in worktrees of their own, and `cd` about."""
    await scribe.tell("add a parser")

    await scribe.tell(scribe.event("look", cwd=cwd, subagent_id="a1"), path="/t/a1")

    assert by_project(reading()) == {"/repo": {"s1": 1}, "/other": {}}
