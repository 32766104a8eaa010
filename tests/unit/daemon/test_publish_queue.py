from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest

from carryover.config import Config, Pointers, PublishConfig
from carryover.daemon.context import DaemonContext
from carryover.daemon.publish_queue import GIT_AGAIN_S, HISTORY_S, OLD_HISTORY_S, PATIENT_S, QUIET_S, PublishQueue
from carryover.facts import DAY_MS
from carryover.ingest.pipeline import ingest
from carryover.ledger.batch import Committed
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import projects
from carryover.probe.looks import Silent
from carryover.projects.root import find_root
from carryover.publish.git_state import TIMEOUT_S
from carryover.publish.make import MadeHandoff
from carryover.publish.publish import publish_project
from support.claude_session import ClaudeSession
from support.clock import LATER_MS, Clock, LogLines
from support.daemon_process import handoff_of
from support.repository import git, repository


class Desk:
    """A publisher over a real ledger. `fails`: projects whose next publication raises; `calls`: what was published.
    `git_is_late`: whether git needs longer than it usually gets; `git_s`: what it was given, in seconds."""

    def __init__(self, context: DaemonContext) -> None:
        self.fails: set[int] = set()
        self.calls: list[int] = []
        self.git_is_late = False
        self.git_s: list[float] = []
        self.now_ms = 0
        self.config = Config()
        self._context = context
        context.now_ms = lambda: self.now_ms
        self.pages = Mock(due={})
        self.publisher = PublishQueue(context, self._publish, before=AsyncMock(), pages=self.pages)

    def _publish(self, project: int, now_ms: int, git_s: float) -> MadeHandoff:
        self.calls.append(project)
        self.git_s.append(git_s)
        git_s = 0.0 if self.git_is_late and git_s <= TIMEOUT_S else 60.0
        if project in self.fails:
            self.fails.remove(project)
            raise KeyError("words from a transcript")
        return publish_project(self._context.paths, project, self.config, now_ms=now_ms, git_s=git_s)

    async def stored(self, session: ClaudeSession) -> int:
        """Bring `session` into the ledger; the id of its project. It is now the moment of its last event."""
        context, agent = self._context, self._context.agents["claude-code"]
        result = await ingest(context.ledger, agent, session.source, root_of=find_root, now_ms=lambda: LATER_MS)
        [(project, newest_ms)] = result.projects.items()
        self.now_ms = max(self.now_ms, newest_ms)
        return project

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PublishQueue]:
        """Two workers publish while the block lasts, and then to the end of what is to be published."""
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(self.publisher.run())
            try:
                yield self.publisher
            finally:
                self.publisher.drain()


@pytest.fixture
async def desk(context: DaemonContext) -> Desk:
    return Desk(context)


async def test_a_project_that_is_touched_is_published(
    desk: Desk, session: ClaudeSession, ledger_path: Path, lines: list[str]
) -> None:
    session.prompt("Add a discount function")
    project = await desk.stored(session)
    async with desk.open() as publisher:
        publisher.mark_dirty([project], desk.now_ms)
        await publisher.flush()

    assert "discount function" in handoff_of(session.cwd)
    assert [line.split()[:2] for line in lines] == [["published", "project=1"]]
    with closing(connect_read_only(ledger_path)) as db:
        [row] = projects(db)
    assert (row.published_ms, row.refusal, len(row.published_sha or "")) == (desk.now_ms, None, 16)


Read = Callable[..., list[int]]
"""Has a source of a project be read of which the events are so many days old; returns the projects that are due."""


@pytest.fixture
async def queue(context: DaemonContext, clock: Clock) -> PublishQueue:
    """From which the tests take the projects themselves."""
    context.clock = clock
    return PublishQueue(context, Mock(), before=AsyncMock(), pages=Mock(due={}))


def _due(queue: PublishQueue) -> list[int]:
    due = []
    while (key := queue.pop()) is not None:
        queue.done(key)
        due.append(key)
    return sorted(due)


@pytest.fixture
def read(queue: PublishQueue, context: DaemonContext) -> Read:
    def read(project: int, *, days_old: int = 0, more_follows: bool = True, turn_ended: bool = False) -> list[int]:
        now_ms = context.now_ms()
        newest_ms = now_ms - days_old * DAY_MS
        queue.source_read(
            Committed(projects={project: now_ms}, newest_ms=newest_ms, turn_ended=turn_ended), more_follows
        )
        return _due(queue)

    return read


async def test_a_project_whose_history_is_read_is_published_now_and_then_and_at_the_end(
    queue: PublishQueue, read: Read, clock: Clock
) -> None:
    shop, blog = 1, 2
    assert read(shop) == [shop]
    clock.now += HISTORY_S / 2
    assert read(shop) == []
    clock.now += HISTORY_S / 4
    assert read(blog) == [shop, blog]  # the shop is read to its end, and the blog comes for the first time
    assert read(blog) == []
    assert read(blog, turn_ended=True) == []  # long ago
    queue.history_read()  # the last source was of a third project, or of none
    assert queue.pop() == blog
    queue.done(blog)
    assert read(blog, more_follows=False) == [blog]  # a session that is at work does not wait for its history
    assert read(blog, more_follows=False) == []
    clock.now += QUIET_S
    assert read(blog, more_follows=False) == [blog]
    assert read(blog, more_follows=False) == []
    assert read(blog, more_follows=False, turn_ended=True) == [blog]


async def test_history_older_than_the_active_days_is_published_after_a_minute_or_when_all_is_read(
    queue: PublishQueue, read: Read, clock: Clock
) -> None:
    shop, blog = 1, 2
    assert (read(shop), read(blog)) == ([shop], [blog])
    for _ in range(3):
        clock.now += HISTORY_S
        assert (read(shop, days_old=30), read(blog, days_old=30)) == ([], [])
    clock.now += OLD_HISTORY_S - 2 * HISTORY_S
    assert _due(queue) == [shop, blog]
    assert (read(shop, days_old=30), read(blog, days_old=30)) == ([], [])
    queue.history_read()
    assert _due(queue) == [shop, blog]


async def test_new_history_is_not_kept_waiting_by_what_was_old(queue: PublishQueue, read: Read, clock: Clock) -> None:
    """A rescan may put what has changed before the old ones that are still to be read."""
    shop = 1
    assert (read(shop), read(shop, days_old=30), read(shop)) == ([shop], [], [])
    clock.now += HISTORY_S
    assert _due(queue) == [shop]


async def test_of_many_projects_the_one_with_the_newest_event_is_published_first(desk: Desk, clock: Clock) -> None:
    """However long the others have waited by then."""
    publisher = desk.publisher
    desk.now_ms = 10 * DAY_MS
    publisher.mark_dirty([1], 8 * DAY_MS)
    publisher.mark_dirty([2], 9 * DAY_MS)
    publisher.mark_dirty([3], 7 * DAY_MS)
    clock.now += 1
    assert publisher.pop() == 2
    publisher.mark_dirty([3], 10 * DAY_MS)
    clock.now += 1
    assert [publisher.pop(), publisher.pop()] == [3, 1]


async def test_old_history_is_not_published(desk: Desk, session: ClaudeSession) -> None:
    session.prompt("Add a discount function")
    project = await desk.stored(session)
    event_ms = desk.now_ms
    desk.now_ms += 7 * DAY_MS + 1
    async with desk.open() as publisher:
        publisher.mark_dirty([project], event_ms)
        await publisher.flush()

    assert (desk.calls, handoff_of(session.cwd)) == ([], "")


async def test_a_store_of_many_projects_has_only_those_published_that_were_worked_in_lately(desk: Desk) -> None:
    publisher = desk.publisher
    desk.now_ms = 20 * DAY_MS
    publisher.source_read(Committed(projects={1: 12 * DAY_MS, 2: 19 * DAY_MS, 3: 20 * DAY_MS}), more_follows=False)
    assert [publisher.pop(), publisher.pop(), publisher.pop()] == [3, 2, None]


async def test_a_project_that_cannot_be_published_stops_no_other_and_is_tried_again(
    desk: Desk, session: ClaudeSession, blog: Path, lines: LogLines
) -> None:
    session.prompt("Add a discount function")
    other = ClaudeSession(session.folder, blog, now=session.now)
    other.prompt("Write a post")
    good, bad = await desk.stored(session), await desk.stored(other)
    desk.fails.add(bad)
    async with desk.open() as publisher:
        publisher.mark_dirty([bad, good], desk.now_ms)
        await publisher.flush()
        failed = publisher.outcomes[bad]
        await lines.until(f"published project={bad}")  # it is tried again by itself, after half a second

    assert "discount function" in handoff_of(session.cwd)
    assert str(failed.error).startswith("KeyError at ")
    assert (failed.failures, desk.publisher.outcomes[bad].error) == (1, None)
    [line] = [line for line in lines if "failed" in line]
    assert line.startswith(f"publish_failed project={bad} error=")
    assert "words" not in line


async def test_each_reason_of_a_row_of_failures_is_logged_once_and_a_silent_disk_is_no_error(
    context: DaemonContext, lines: LogLines
) -> None:
    failures = iter([Silent(Path("/srv")), KeyError("words"), Silent(Path("/srv")), KeyError("words")])

    def publish(*_: object) -> MadeHandoff:
        raise next(failures)

    publisher = PublishQueue(context, publish, before=AsyncMock(), pages=Mock(due={}))
    for _ in range(4):
        await publisher.handle(1)

    silent, broken = lines
    assert silent == "publish_failed project=1 reason=silent"
    assert broken.startswith("publish_failed project=1 error=") and "KeyError" in broken


async def test_a_hidden_file_that_the_user_extends_is_soon_shown_by_git(desk: Desk, session: ClaudeSession) -> None:
    session.prompt("Add a discount function")
    git(session.cwd, "init", "--quiet")
    desk.config = Config(publish=PublishConfig(pointers="local"))
    project, file = await desk.stored(session), session.cwd / "AGENTS.md"
    async with desk.open() as publisher:
        publisher.mark_dirty([project], desk.now_ms)
        await publisher.flush()
        assert "AGENTS.md" not in git(session.cwd, "status", "--porcelain")
        file.write_text(f"Be brief.\n\n{file.read_text()}")
        await publisher.retry_missing()
        await publisher.flush()

    assert file.read_text() == "Be brief.\n"
    assert "?? AGENTS.md\n" in git(session.cwd, "status", "--porcelain")


async def test_what_was_deleted_or_is_refused_for_a_reason_that_may_pass_is_tried_again(
    desk: Desk, session: ClaudeSession
) -> None:
    session.prompt("Add a discount function")
    project = await desk.stored(session)
    store = session.cwd / ".carryover"
    async with desk.open() as publisher:

        async def retry() -> tuple[str | None, bool]:
            await publisher.retry_missing()
            await publisher.flush()
            return publisher.outcomes[project].published.refusal, "discount" in handoff_of(session.cwd)

        publisher.mark_dirty([project], desk.now_ms)
        await publisher.flush()
        assert (await retry(), len(desk.calls)) == ((None, True), 1)
        shutil.rmtree(store)  # as `git clean -fdx` does
        assert await retry() == (None, True)
        os.truncate(store / "handoff.md", 0)  # as a power cut may leave it
        assert await retry() == (None, True)
        shutil.rmtree(store)
        store.write_text("in the way")
        for _ in range(2):
            assert await retry() == (".carryover is a file instead of a folder", False)
        store.unlink()
        assert await retry() == (None, True)
        assert (await retry(), len(desk.calls)) == ((None, True), 6)


@pytest.mark.parametrize("pointers", ["local", "off"])
async def test_a_project_that_excludes_itself_is_noticed_though_nothing_happens_in_it(
    desk: Desk, session: ClaudeSession, pointers: Pointers
) -> None:
    desk.config = Config(publish=PublishConfig(pointers=pointers))
    session.prompt("Add a discount function")
    project = await desk.stored(session)
    async with desk.open() as publisher:
        publisher.mark_dirty([project], desk.now_ms)
        await publisher.flush()
        (session.cwd / ".carryover.toml").write_text("exclude = true\n")
        for _ in range(2):
            await publisher.retry_missing()
            await publisher.flush()

        assert "excluded" in (publisher.outcomes[project].published.refusal or "")
    assert len(desk.calls) == 2


async def test_a_second_page_that_is_missing_is_made_again_unless_it_is_still_to_be_made(
    desk: Desk, session: ClaudeSession
) -> None:
    session.prompt("Add a discount function")
    session.run("make discount", "made")
    project = await desk.stored(session)
    async with desk.open() as publisher:
        publisher.mark_dirty([project], desk.now_ms)
        await publisher.flush()
        for awaiting, calls in (({project}, 1), (set[int](), 2)):
            desk.pages.due = awaiting
            await publisher.retry_missing()
            await publisher.flush()
            assert len(desk.calls) == calls


async def test_a_checkout_of_another_branch_or_a_commit_is_published_too(desk: Desk, session: ClaudeSession) -> None:
    repository(session.cwd, {"cart.py": ""})
    session.prompt("Add a discount function")
    project = await desk.stored(session)
    async with desk.open() as publisher:
        publisher.mark_dirty([project], desk.now_ms)
        await publisher.flush()
        git(session.cwd, "switch", "--quiet", "--create", "feature/x")
        for _ in range(2):
            await publisher.retry_missing()
            await publisher.flush()

    assert "branch feature/x at" in handoff_of(session.cwd)
    assert len(desk.calls) == 2


async def test_git_that_is_late_is_asked_once_more_and_given_more_time(
    context: DaemonContext, clock: Clock, session: ClaudeSession
) -> None:
    context.clock = clock
    desk = Desk(context)
    repository(session.cwd, {"cart.py": ""})
    session.prompt("Add a discount function")
    project = await desk.stored(session)
    desk.git_is_late = True

    async def publish() -> bool:
        """Whether what was due then tells what git says."""
        while (key := desk.publisher.pop()) is not None:
            await desk.publisher.handle(key)
            desk.publisher.done(key)
        return "branch main at" in handoff_of(session.cwd)

    desk.publisher.mark_dirty([project], desk.now_ms)
    assert (await publish(), desk.git_s) == (False, [TIMEOUT_S])
    for _ in range(2):  # and not again without a change
        clock.now += GIT_AGAIN_S
        assert (await publish(), desk.git_s) == (True, [TIMEOUT_S, PATIENT_S])


async def test_if_git_is_late_its_last_known_state_is_used_even_after_a_restart(
    context: DaemonContext, session: ClaudeSession
) -> None:
    repository(session.cwd, {"cart.py": ""})
    session.prompt("Add a discount function")
    before, after = Desk(context), Desk(context)
    project = await before.stored(session)
    after.git_is_late, after.now_ms = True, before.now_ms
    for desk in (before, after):
        async with desk.open() as publisher:
            publisher.mark_dirty([project], desk.now_ms)
            await publisher.flush()

    assert "(last known; git did not answer in time)" in handoff_of(session.cwd)


async def test_settling_waits_for_a_late_answer_of_git(desk: Desk, session: ClaudeSession) -> None:
    repository(session.cwd, {"cart.py": ""})
    session.prompt("Add a discount function")
    project = await desk.stored(session)
    desk.git_is_late = True
    async with desk.open() as publisher:
        publisher.mark_dirty([project], desk.now_ms)
        await publisher.settle()
        assert "branch main at" in handoff_of(session.cwd)
    assert desk.git_s == [TIMEOUT_S, PATIENT_S]


async def test_the_main_checkout_names_the_worktree_with_work_and_the_worktree_what_is_unfinished_in_the_other(
    desk: Desk, session: ClaudeSession
) -> None:
    tree = session.cwd.parent / "shop-tax"
    git(repository(session.cwd, {"cart.py": ""}), "worktree", "add", "--quiet", str(tree))
    session.prompt("Add a discount function")
    main = await desk.stored(session)
    async with desk.open() as publisher:
        publisher.mark_dirty([main], desk.now_ms)
        await publisher.flush()
        beside = ClaudeSession(session.folder, tree, now=session.now).work("Move the tax to its own module")
        there = await desk.stored(beside)
        publisher.mark_dirty([there], desk.now_ms)
        await publisher.settle()

        assert f"Worktree `{tree}`, with its own handoff" in handoff_of(session.cwd)
        assert "Move the tax to its own module" in handoff_of(session.cwd)
        assert f"Unfinished in the main checkout `{session.cwd}`" in handoff_of(tree)
        assert "Add a discount function" in handoff_of(tree)
        assert desk.calls == [main, there, main]

        publisher.mark_dirty([main, there], desk.now_ms)
        await publisher.settle()
        assert len(desk.calls) == 5, "each was published since the other had news"

        shutil.rmtree(tree / ".carryover")
        publisher.mark_dirty([main], desk.now_ms)
        await publisher.settle()
        assert not (tree / ".carryover").exists(), "git removes the worktree, and fails if the folder is there again"
        await publisher.retry_missing()
        await publisher.settle()
        assert "Move the tax" in handoff_of(tree)


async def test_a_handoff_that_no_file_had_comes_into_its_worktree_at_once(desk: Desk, session: ClaudeSession) -> None:
    """Its folder was never there, so git can't be removing it."""
    tree = session.cwd.parent / "shop-tax"
    git(repository(session.cwd, {"cart.py": ""}), "worktree", "add", "--quiet", str(tree))
    there = await desk.stored(ClaudeSession(session.folder, tree, now=session.now).work("Move the tax"))
    async with desk.open() as publisher:
        for desk.config in (Config(publish=PublishConfig(pointers="off")), Config()):
            publisher.mark_dirty([there], desk.now_ms)
            await publisher.flush()
            assert "Move the tax" in (publisher.outcomes[there].text or ""), "as a session gets that starts now"

    assert "Move the tax" in handoff_of(tree)
