"""What one machine tells another of its ledger, and what the other makes of it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec
import pytest

from carryover.config import Config, PublishConfig, project_settings
from carryover.errors import UserError
from carryover.facts import is_foreign
from carryover.ledger.events import session_events
from carryover.ledger.machines import begin_log, log_id, segments_taken
from carryover.ledger.queries import Selection, agents_seen, projects, sessions, unpublished, whereabouts
from carryover.ledger.salvage import salvage
from carryover.ledger.schema import migrate
from carryover.ledger.sessions import know_project, move_project
from carryover.model import (
    AssistantMessage,
    ChangedElsewhere,
    FileEdit,
    PlanProposal,
    Retracted,
    SessionInfo,
    UserPrompt,
)
from carryover.past.context import project_root
from carryover.probe.checkout import Checkout
from carryover.projects.moved_folders import is_away, may_have_moved
from carryover.projects.policy import refusal
from carryover.publish.forgetting import forget_sessions, publish_here
from carryover.publish.limits import limited_projects
from carryover.publish.make import facts_now, made_handoff, view_now
from carryover.publish.project_moves import RootFacts, inspect_root
from carryover.publish.project_view import project_view
from carryover.publish.publish import awaits_handoff, publish_project
from carryover.sync.outgoing import LedgerOutgoing
from carryover.sync.payload import LARGEST_BODY, LARGEST_PAYLOAD, PIECE_BYTES
from carryover.sync.rounds import synchronise
from support.machines import OneMachine, machines, meet
from support.repository import repository
from support.scribe import noise


def told(machine: OneMachine) -> dict[str, list[str]]:
    """The texts of every session, each with the name of the machine that recorded it."""
    with machine.read() as db:
        return {
            f"{row.native_id}{f' on {row.machine}' if row.machine else ''}": [
                event.body.text
                for event in session_events(db, row)
                if isinstance(event.body, UserPrompt | AssistantMessage) and not event.retracted
            ]
            for row in sessions(db, limit=99)
        }


async def test_a_session_is_taken_once_and_says_where_it_was_recorded(laptop: OneMachine, desktop: OneMachine) -> None:
    await laptop.say(SessionInfo(title="Discounts", branch="main"), "Add a discount", at_ms=5_000)
    await laptop.tell()
    await desktop.tell()
    first = await desktop.take(laptop)
    desktop.taken.clear()
    again = await desktop.take(laptop)
    await laptop.say("Whole cents", at_ms=9_000)
    [payload] = await laptop.tell()
    await desktop.take(laptop)

    assert (first, again, len(payload.events)) == (2, 0, 1)
    assert told(desktop) == {"s1 on laptop": ["Add a discount", "Whole cents"]}
    with desktop.read() as db:
        [row] = sessions(db, limit=9)
        assert agents_seen(db) == []
    assert (row.title, row.branch, row.root, row.machine) == ("Discounts", "main", "laptop:/repo", "laptop")
    assert laptop.dump() == desktop.dump()
    assert await desktop.tell() == [], "what came from another machine is never told again"


async def test_what_a_machine_reads_late_of_its_session_is_taken_too(laptop: OneMachine, desktop: OneMachine) -> None:
    for at_ms, said in ((9_000, "Whole cents"), (5_000, "Add a discount")):
        await laptop.say(said, at_ms=at_ms)
        await laptop.tell()
        await desktop.take(laptop)

    assert told(desktop) == {"s1 on laptop": ["Whole cents", "Add a discount"]}


async def test_what_was_retracted_restored_and_retracted_again_counts_nowhere(
    laptop: OneMachine, desktop: OneMachine
) -> None:
    events = await laptop.say("Whole cents", "Floats", at_ms=5_000)
    key = events[1].key
    for number, retracted in enumerate((Retracted(keys=(key,)), Retracted(restored=(key,)), Retracted(keys=(key,)))):
        await laptop.say(retracted, at_ms=9_000 + 1_000 * number)
    await laptop.tell()
    await desktop.take(laptop)

    assert told(desktop) == {"s1 on laptop": ["Whole cents"]}
    assert laptop.dump() == desktop.dump()


async def test_a_file_that_something_else_changed_there_names_none_here(
    laptop: OneMachine, desktop: OneMachine
) -> None:
    await laptop.say("Add a discount", ChangedElsewhere(path="/repo/cart.py"), at_ms=5_000)
    await laptop.tell()
    await desktop.take(laptop)

    with desktop.read() as db:
        [row] = sessions(db, limit=9)
        named = [event.body.path for event in session_events(db, row) if isinstance(event.body, ChangedElsewhere)]
    assert named == ["laptop:/repo/cart.py"]


@pytest.mark.night
async def test_what_repeats_itself_goes_in_pieces_that_can_be_opened(laptop: OneMachine) -> None:
    """The ledger stores such texts in a thousandth of their size."""
    await laptop.say(*(f"{number}" * (PIECE_BYTES + 1) for number in range(3)), at_ms=5_000)

    assert [len(payload.events) for payload in await laptop.tell()] == [1, 1, 1]
    assert PIECE_BYTES + LARGEST_BODY <= LARGEST_PAYLOAD, "so much has the largest piece, with the last event in it"


async def test_a_session_that_moves_while_it_is_told_is_told_of_where_it_went(
    laptop: OneMachine, desktop: OneMachine
) -> None:
    await laptop.say("Elsewhere", session="s3", at_ms=1_000, cwd="/new")
    await laptop.say("x" * PIECE_BYTES, session="s2", at_ms=5_000)
    await laptop.say("First", "Second", session="s1", at_ms=9_000, cwd="/old")
    outgoing = LedgerOutgoing(laptop.state)
    await laptop.ledger.write(begin_log, outgoing.sent_projects())
    with laptop.read() as db:
        ids = {project.root: project.id for project in projects(db)}
    pieces = outgoing.pieces(0)
    laptop.sent.append(msgspec.msgpack.encode(next(pieces)[0]))
    await laptop.ledger.write(move_project, ids["/old"], ids["/new"])
    laptop.sent += [msgspec.msgpack.encode(payload) for payload, _ in pieces]
    await desktop.take(laptop)

    with desktop.read() as db:
        assert {row.native_id: row.root for row in sessions(db, limit=9)}["s1"] == "laptop:/new"


@pytest.mark.parametrize("how", ["excluded", "paused"])
async def test_nothing_of_an_excluded_project_is_told_nor_anything_in_a_pause(laptop: OneMachine, how: str) -> None:
    await laptop.say("Private", at_ms=1_000, cwd="/private")
    if how == "excluded":
        laptop.state.config.write_text('[projects]\nexclude = ["/private"]\n')
    else:
        laptop.state.paused.touch()

    assert await laptop.tell() == []
    assert b"Private" not in b"".join(laptop.sent)


async def test_what_was_recorded_in_an_excluded_project_is_told_once_it_is_no_longer_excluded(
    laptop: OneMachine,
) -> None:
    """Although its project was joined to one that is sent, and later events were sent."""
    laptop.state.config.write_text('[projects]\nexclude = ["/private"]\n')
    await laptop.say("Private", session="s1", at_ms=1_000, cwd="/private")
    with laptop.read() as db:
        [row] = sessions(db, limit=9)
    shop = await laptop.ledger.write(know_project, "/shop", None)
    await laptop.ledger.write(move_project, row.project_id or 0, shop)
    await laptop.say("Shop", session="s2", at_ms=3_000, cwd="/shop")
    before = [event.body for payload in await laptop.tell() for event in payload.events]
    laptop.state.config.unlink()
    after = [event.body for payload in await laptop.tell() for event in payload.events]

    assert (len(before), b"Shop" in before[0]) == (1, True)
    assert (len(after), b"Private" in after[0]) == (1, True)


async def test_a_transcript_of_this_machine_replaces_what_another_one_told(
    laptop: OneMachine, desktop: OneMachine
) -> None:
    events = await laptop.say("a", "b", at_ms=1_000)
    await meet(laptop, desktop)
    await desktop.scribe.tell(*events, path="/t/copied.jsonl")
    assert told(desktop) == {"s1": ["a", "b"]}

    await laptop.say("c", at_ms=9_000)
    await meet(laptop, desktop)

    assert told(desktop) == {"s1": ["a", "b"]}
    assert told(laptop) == {"s1": ["a", "b", "c"]}


async def test_what_is_forgotten_here_is_told_no_more_and_what_is_forgotten_there_is_not_taken_again(
    laptop: OneMachine, desktop: OneMachine
) -> None:
    """Each machine forgets its own: the other one still has it, until it is forgotten there too."""
    await laptop.say("Never tell", session="s1", at_ms=1_000)
    await laptop.say("Shop", session="s2", at_ms=2_000)
    await meet(laptop, desktop)
    before = LedgerOutgoing(laptop.state).forgets()

    await laptop.forget("s1", now_ms=50_000)
    assert LedgerOutgoing(laptop.state).forgets() != before
    laptop.position = 0
    laptop.sent.clear()
    desktop.taken.clear()
    await meet(laptop, desktop)
    assert b"Never tell" not in b"".join(laptop.sent)
    assert told(desktop) == {"s1 on laptop": ["Never tell"], "s2 on laptop": ["Shop"]}

    await desktop.forget("s2", now_ms=50_000)
    desktop.taken.clear()
    await meet(laptop, desktop)
    assert told(desktop) == {"s1 on laptop": ["Never tell"]}


async def test_a_subagent_that_finds_its_conversation_there_finds_it_here(
    laptop: OneMachine, desktop: OneMachine
) -> None:
    scribe = laptop.scribe
    late = scribe.event("Look for callers", session="c@folder", subagent_id="a1", at_ms=2_000)
    await scribe.tell(late, path="/t/sub.jsonl")
    await meet(laptop, desktop)
    assert told(desktop) == {"c@folder on laptop": ["Look for callers"]}

    await scribe.tell(scribe.event("Rename it", session="c", at_ms=1_000), path="/t/main.jsonl")
    await meet(laptop, desktop)

    assert told(laptop) == {"c": ["Rename it", "Look for callers"]}
    assert told(desktop) == {"c on laptop": ["Rename it", "Look for callers"]}
    assert laptop.dump() == desktop.dump()


async def test_a_project_that_is_moved_there_is_moved_here(laptop: OneMachine, desktop: OneMachine) -> None:
    await laptop.say("Add a discount", at_ms=1_000, cwd="/old/shop")
    await meet(laptop, desktop)
    with laptop.read() as db:
        [row] = sessions(db, limit=9)
    new = await laptop.ledger.write(know_project, "/new/shop", None)
    await laptop.ledger.write(move_project, row.project_id or 0, new)
    await meet(laptop, desktop)

    with desktop.read() as db:
        assert [row.root for row in sessions(db, limit=9)] == ["laptop:/new/shop"]


@pytest.mark.parametrize("first", ["laptop", "desktop"])
async def test_a_session_that_two_machines_have_read_is_one_session_on_a_third(tmp_path: Path, first: str) -> None:
    """Its transcript was copied from the laptop to the desktop, where it went on."""
    async with machines(tmp_path, "laptop", "desktop", "box") as three:
        laptop, desktop, box = three.values()
        copied = await laptop.say("a", "b", at_ms=1_000)
        later = desktop.scribe.event("c", at_ms=9_000)
        await desktop.scribe.tell(*copied, later, path="/t/copied.jsonl")
        for one in (laptop, desktop):
            await one.tell()
        for one in sorted((laptop, desktop), key=lambda each: each.name != first):
            await box.take(one)

        assert told(box) == {"s1 on desktop": ["a", "b", "c"]}


async def test_a_history_is_told_in_bounded_pieces_and_goes_on_after_any_of_them(
    laptop: OneMachine, desktop: OneMachine
) -> None:
    await laptop.say(*(noise(number, 200_000) for number in range(24)), at_ms=1_000)
    await laptop.ledger.write(begin_log, LedgerOutgoing(laptop.state).sent_projects())
    pieces = list(LedgerOutgoing(laptop.state).pieces(0))
    assert len(pieces) > 2
    assert sum(len(event.body) for event in pieces[0][0].events) < 4 << 20
    again = list(LedgerOutgoing(laptop.state).pieces(pieces[0][1]))
    assert again == pieces[1:]

    await laptop.tell()
    await desktop.take(laptop)

    assert laptop.dump() == desktop.dump()


async def test_a_sync_after_sync_was_ended_ends_the_log_of_changes(laptop: OneMachine) -> None:
    with pytest.raises(UserError, match="does not synchronise"):
        await synchronise(
            laptop.state, lambda do: do(laptop.ledger, laptop.paths), now_ms=lambda: 1, in_thread=asyncio.to_thread
        )

    with laptop.read() as db:
        assert log_id(db) is None


async def test_a_salvaged_ledger_still_knows_where_sessions_were_recorded_and_takes_everything_again(
    laptop: OneMachine, desktop: OneMachine, tmp_path: Path
) -> None:
    await laptop.say("On the laptop", at_ms=1_000)
    await meet(laptop, desktop)
    new = tmp_path / "salvaged.sqlite"
    with closing(sqlite3.connect(new, isolation_level=None)) as into:
        migrate(into, new)
        salvage(desktop.state.ledger, into, now_ms=9_000)
        assert into.execute("SELECT machine, native_id FROM session").fetchall() == [("laptop", "s1")]
        assert into.execute("SELECT name FROM machine").fetchall() == [("laptop",)]
        assert log_id(into) is None


async def test_a_ledger_restored_from_a_copy_is_told_and_takes_what_it_lacks(
    laptop: OneMachine, desktop: OneMachine
) -> None:
    await laptop.say("Before", session="s1", at_ms=1_000)
    await meet(laptop, desktop)
    await laptop.close()
    copy = laptop.state.ledger.read_bytes()
    await laptop.reopen()
    await desktop.say("On the desktop", session="s2", at_ms=2_000)
    await laptop.say("After", session="s1", at_ms=3_000)
    await meet(laptop, desktop)
    await laptop.close()
    laptop.state.ledger.write_bytes(copy)

    await laptop.reopen()
    await laptop.say("Later", session="s3", at_ms=4_000)
    await laptop.say("After", session="s1", at_ms=3_000)
    assert await laptop.ledger.write(segments_taken, desktop.said.machine, "0123456789") == set()
    laptop.taken.clear()
    await meet(laptop, desktop)

    assert told(desktop) == {"s1 on laptop": ["Before", "After"], "s2": ["On the desktop"], "s3 on laptop": ["Later"]}
    assert laptop.dump() == desktop.dump()


ROOT = "laptop:/home/ann/shop"
SHARED = Config(publish=PublishConfig(pointers="shared"))


def files_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(file.relative_to(folder)): (file.read_bytes(), file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository at the very path that the root would be if it were a path of this folder."""
    top = tmp_path / "trap"
    folder = top / ROOT
    folder.parent.mkdir(parents=True)
    repository(folder)
    (folder / "AGENTS.md").write_text("Ours.\n")
    (folder / ".carryover.toml").write_text('[resume]\nmode = "silent"\n')
    (folder / "cart.py").write_text("def discount(:\n")
    monkeypatch.chdir(top)
    return folder


async def test_the_file_of_a_plan_is_named_as_one_of_the_other_machine(laptop: OneMachine, desktop: OneMachine) -> None:
    plan = PlanProposal(call_id="p", text="1. The page.", file="/home/ann/.claude/plans/pears.md")
    await laptop.say("Plan it", plan, at_ms=5_000, cwd="/home/ann/shop")
    await meet(laptop, desktop)

    with desktop.read() as db:
        [row] = sessions(db, limit=9)
        [file] = [event.body.file for event in session_events(db, row) if isinstance(event.body, PlanProposal)]
    assert is_foreign(file) and file.endswith(plan.file)


async def of_laptop(laptop: OneMachine, desktop: OneMachine) -> int:
    """Has the desktop take a session of the laptop; returns the id of its project there."""
    edit = FileEdit(path="/home/ann/shop/cart.py", change="modify", line=1)
    await laptop.say("Add a discount", edit, AssistantMessage(text="Done."), at_ms=5_000, cwd="/home/ann/shop")
    await meet(laptop, desktop)
    with desktop.read() as db:
        [row] = sessions(db, limit=9)
        paths = [event.body.path for event in session_events(db, row) if isinstance(event.body, FileEdit)]
        assert row.project_id is not None
        roots = row.root, project_view(db, row.project_id).root
    assert (roots, paths) == ((ROOT, ROOT), [f"{ROOT}/cart.py"])
    return row.project_id


async def test_no_writer_and_no_reader_takes_it_for_a_folder_here(
    tmp_path: Path, trap: Path, laptop: OneMachine, desktop: OneMachine
) -> None:
    project = await of_laptop(laptop, desktop)
    before = files_of(tmp_path / "trap")
    assert is_foreign(ROOT)
    assert not any(map(is_foreign, ["/home/ann/shop", "C:/shop", "C:\\shop", "shop", "", "a b:/x"]))

    made = publish_project(desktop.paths, project, SHARED, now_ms=9_000)
    assert (made.text, made.sha, made.git, made.published.changed) == (None, None, None, False)
    with desktop.read() as db:
        found = made_handoff(db, project, SHARED, now_ms=9_000)
        view = view_now(db, project, SHARED)
        now = facts_now(view, Checkout(Path(ROOT)), git_s=1)
        assert (found.git, now.git, now.files, view.checkouts) == (None, None, {}, ())
        assert (projects(db), unpublished(db, since_ms=0)) == ([], [])
        assert limited_projects(db, (), since_ms=0, now_ms=1) == {}
        assert not any(may_have_moved(row, str(trap)) for row in whereabouts(db))
    assert refusal(Checkout(Path(ROOT)), desktop.paths) is not None
    assert project_settings(Path(ROOT), SHARED).resume_mode == SHARED.resume.mode
    assert inspect_root(desktop.paths, ROOT, SHARED) == RootFacts(root=ROOT)
    assert not awaits_handoff(Path(ROOT), SHARED, desktop.paths)
    assert is_away(ROOT)
    with pytest.raises(UserError, match="another machine"):
        project_root(ROOT)
    await desktop.ledger.set_published(project, "0" * 16, 9_000, None)
    publish = partial(publish_here, desktop.ledger, desktop.paths, SHARED)
    done = await forget_sessions(desktop.ledger, desktop.paths, Selection(root=ROOT), publish)
    assert (done.sessions, done.problems) == (1, ())
    assert files_of(tmp_path / "trap") == before
