from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from carryover.config import Config, ProjectsConfig, ProjectSettings
from carryover.distill.render import render
from carryover.distill.view import Opinion, ProjectView, Worktree, has_past
from carryover.facts import Facts, ProjectRoot
from carryover.ledger.sessions import know_project
from carryover.ledger.store import Ledger
from carryover.model import NOTE, PIN, AssistantMessage, FileEdit, SessionInfo, UserPrompt
from carryover.publish.make import distill_view, view_now, with_page
from carryover.publish.project_view import MAX_SESSIONS, MAX_SUBAGENTS, project_view
from support.forged_git import claimed, worktree_in_itself
from support.scribe import Reading, Scribe

EDIT = FileEdit(path="/repo/parser.py", change="modify")


async def test_the_newest_sessions_and_sub_agents_come_first_and_the_oldest_not_at_all(
    scribe: Scribe, reading: Reading
) -> None:
    for n in range(MAX_SESSIONS + 3):
        await scribe.tell(scribe.event("hi", session=f"s{n}"), path=f"/t/{n}")
    for n in range(MAX_SUBAGENTS + 3):
        await scribe.tell(scribe.event("hi", session="s9", subagent_id=f"a{n}"), path=f"/t/9/{n}")

    view = project_view(reading(), 1)

    assert [session.session for session in view.sessions] == ["s9", *(f"s{n}" for n in range(22, 2, -1) if n != 9)]
    newest = scribe.written * 1_000
    assert [side.last_ms for side in view.sessions[0].subagents] == [newest - 1_000 * n for n in range(MAX_SUBAGENTS)]


async def test_texts_from_outside_are_no_sessions_and_only_the_newest_two_are_named(
    scribe: Scribe, ledger: Ledger, reading: Reading
) -> None:
    await scribe.tell("add a parser")
    noted = Scribe(ledger, agent=NOTE, written=10)
    for n in range(3):
        told = [
            noted.event(body, session=f"note-{n}", key=f"n{noted.written}")
            for body in (SessionInfo(title=f"Opinion {n}"), AssistantMessage(text="Always add tests."))
        ]
        await noted.tell(*told, path=f"/n/{n}")

    view = project_view(reading(), 1)

    assert [session.session for session in view.sessions] == ["s1"]
    assert [(one.session, one.title) for one in view.opinions] == [(f"note-{n}", f"Opinion {n}") for n in (2, 1)]


def test_where_nothing_happened_but_a_text_was_brought_in_the_handoff_names_that() -> None:
    view = ProjectView(root="/repo", sessions=(), opinions=(Opinion(session="note-1", title="Use decimals", at_ms=5),))
    made = distill_view(view, Facts(), now_ms=9, resume="ask")

    assert made is not None
    assert (made.agent, made.resume, made.updated_ms) == ("outside", "silent", 5)
    assert "Use decimals" in str(made.sections)
    assert distill_view(replace(view, opinions=()), Facts(), now_ms=9, resume="ask") is None


def test_where_nothing_happened_but_a_handoff_was_shared_no_second_page_is_named() -> None:
    task = "\n".join(f"> - Cap the discount of shop {number} in whole cents" for number in range(90))
    shared = Opinion(session="note-1", title="", at_ms=5, text=f"> From Ann on vm, of shop\n> ## Task\n{task}\n")
    view = ProjectView(root="/repo", sessions=(), opinions=(shared,), shared=shared)
    made = distill_view(view, Facts(), now_ms=9, resume="ask")
    assert made is not None
    text = render(with_page(made, ProjectSettings(), has_file=True))

    assert "of shop 89" not in text and "of shop 1 " in text
    assert ("more.md" in text, "`carryover show note-1`" in text) == (False, True)


@pytest.mark.parametrize("talks", [3, MAX_SESSIONS, 2 * MAX_SESSIONS])
async def test_the_newest_session_that_worked_stays_however_many_came_that_only_talked(
    scribe: Scribe, reading: Reading, talks: int
) -> None:
    for session in ("before", "worked"):
        await scribe.tell(scribe.event("Add it", session=session), scribe.event(EDIT, session=session), path=session)
    await scribe.tell(*(scribe.event("hi", session=f"s{n}") for n in range(talks)))

    shown = [session.session for session in project_view(reading(), 1).sessions]

    newest = [*(f"s{n}" for n in reversed(range(talks))), "worked", "before"][:MAX_SESSIONS]
    assert shown == (newest if "worked" in newest else [*newest, "worked"])


async def test_only_what_changed_is_unpacked_again_for_the_next_handoff(scribe: Scribe, reading: Reading) -> None:
    for session in ("one", "two"):
        await scribe.tell(scribe.event(f"Add {session}", session=session), path=session)
    before = {one.session: one.digest.turns for one in project_view(reading(), 1).sessions}
    await scribe.tell(scribe.event("Go on", session="two"), path="two")

    after = {one.session: one.digest.turns for one in project_view(reading(), 1).sessions}

    assert after["one"][0] is before["one"][0]
    assert [turn.prompt for turn in after["two"]] == ["Add two", "Go on"]


async def test_where_only_sub_agents_left_anything_the_newest_stands_for_the_session(
    scribe: Scribe, reading: Reading
) -> None:
    await scribe.tell(scribe.event("look", at_ms=6_000, subagent_id="a1"), path="/t/a1")
    await scribe.tell(scribe.event("mend", at_ms=7_000, subagent_id="a2"), path="/t/a2")

    view = project_view(reading(), 1)

    (session,) = view.sessions
    assert [turn.prompt for turn in session.digest.turns] == ["mend"]
    assert len(session.subagents) == 1
    assert has_past(view)


async def test_a_main_checkout_lists_the_worktrees_that_exist_and_have_work(
    scribe: Scribe, ledger: Ledger, reading: Reading, tmp_path: Path
) -> None:
    """One was removed since, and in one a session only started."""
    await scribe.tell(scribe.event("hi", cwd="/repo"))
    here, removed, idle = (str(tmp_path / name) for name in ("here", "removed", "idle"))
    for tree in (here, removed):
        reported = scribe.prepared(scribe.event("add the tax", cwd=tree, session=tree))
        await scribe.commit(replace(reported, roots={tree: ProjectRoot(tree, "/repo")}), path=f"/t{tree}")
    await ledger.write(know_project, idle, "/repo")
    for tree in (here, idle):
        (Path(tree) / ".git").mkdir(parents=True)

    db = reading()
    assert project_view(db, 1).worktrees == (Worktree(root=here, last_event_ms=2_000, task="add the tax"),)
    assert (project_view(db, 2).worktrees, project_view(db, 2).main_root) == ((), "/repo")


async def test_what_was_once_taken_for_a_worktree_is_looked_at_again(
    scribe: Scribe, ledger: Ledger, reading: Reading, home: Path
) -> None:
    """An earlier version believed a folder from an archive, and what it recorded stays in the ledger."""
    shop, forged = claimed(home), home / "work" / "forged"
    forged.mkdir()
    worktree_in_itself(forged)
    await scribe.tell(scribe.event("the task of the shop", cwd=str(shop)))
    tree = str(home / "work" / "tree")
    for root in (tree, str(forged)):
        reported = scribe.prepared(scribe.event(f"work in {root}", cwd=root, session=root))
        await scribe.commit(replace(reported, roots={root: ProjectRoot(root, str(shop))}), path=f"/t{root}")
    (forged.parent / "idle").mkdir()
    worktree_in_itself(forged.parent / "idle")
    idle = await ledger.write(know_project, str(forged.parent / "idle"), str(shop))

    views = [view_now(reading(), number, Config()) for number in (1, 2, 3, idle)]

    assert [view.main_root for view in views] == [None, str(shop), None, None]
    assert [[one.root for one in view.worktrees] for view in views] == [[tree], [str(shop)], [], []]
    assert not has_past(views[3]), "it has none of its own"


async def test_of_an_excluded_checkout_the_others_say_nothing(
    scribe: Scribe, ledger: Ledger, reading: Reading, home: Path
) -> None:
    shop, tree = claimed(home), home / "work" / "tree"
    await scribe.tell(scribe.event("the task of the shop", cwd=str(shop)))
    reported = scribe.prepared(scribe.event("add the tax", cwd=str(tree), session="s2"))
    await scribe.commit(replace(reported, roots={str(tree): ProjectRoot(str(tree), str(shop))}), path="/t/two.jsonl")
    notes = Scribe(ledger, agent=NOTE)
    pinned = notes.event(UserPrompt(text="In cents.", command="pin"), session=f"{PIN}1", cwd=str(shop))
    await notes.tell(pinned, path="/t/pins")

    def seen(number: int, *excluded: Path) -> tuple[list[str], list[str]]:
        config = Config(projects=ProjectsConfig(exclude=tuple(map(str, excluded))))
        view = view_now(reading(), number, config)
        return [one.task for one in view.worktrees], [pin.text for pin in view.pins]

    of_shop, of_tree = (["add the tax"], ["In cents."]), (["the task of the shop"], ["In cents."])
    assert (seen(1), seen(2)) == (of_shop, of_tree)
    assert (seen(1, tree), seen(2, tree)) == (([], ["In cents."]), of_tree)
    assert (seen(1, shop), seen(2, shop)) == (of_shop, ([], []))
