"""Brings the handoffs of projects up to date after changes; bursts are merged. A project that cannot be published is
retried with a back-off and does not delay the others. Projects without an event for `publish.active_days` are published
only if somebody waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

import msgspec

from carryover.config import Config, project_settings
from carryover.daemon.context import DaemonContext
from carryover.daemon.log import Word, type_and_place
from carryover.daemon.second_pages import SecondPages
from carryover.daemon.supervisor import delay_s
from carryover.daemon.work_queue import WorkQueue
from carryover.fsio import is_empty, is_gone, mtime_ns
from carryover.ledger.batch import Committed
from carryover.probe.checkout import Checkout
from carryover.probe.looks import Silent, look_at_each
from carryover.projects.handoff_file import PAGE, Published, read_handoff
from carryover.projects.policy import POINTERS_OFF
from carryover.publish.git_state import TIMEOUT_S
from carryover.publish.make import MadeHandoff
from carryover.publish.project_view import UnknownProject
from carryover.redact import CleanText

PUBLISHERS: Final = 2
"""So that one project that takes long does not delay the others."""
QUIET_S: Final = 0.3
_CAP_S: Final = 0.5
"""What comes in one burst is published once, and a project in which work never pauses still twice a second."""
HISTORY_S: Final = 5.0
"""How often a project is published while its history is read, since each time the reading waits for the processor."""
OLD_HISTORY_S: Final = 60.0
"""The same, while what is read is older than `publish.active_days`: its handoff hardly changes by that."""
GIT_AGAIN_S: Final = 1.0
"""After this long, git is asked once more, and given `PATIENT_S`: in a large repository it is never in time."""
PATIENT_S: Final = 3.0
PublishOne = Callable[[int, int, float], MadeHandoff]
"""Makes and writes a project's handoff: its id, the time in ms, and how long git may take in seconds. Blocks."""


class LastPublication(msgspec.Struct):
    """What is remembered of a project until its next publication."""

    published: Published = Published()
    failures: int = 0  # consecutive
    error: str | None = None
    logged: set[str | None] = set()
    """The errors since the last success, each of which is logged once."""
    root: str = ""
    head: int | None = None
    """The `Checkout.head_stamp` just before it was published; 0 outside a repository, None if an earlier daemon
    published it."""
    text: CleanText | None = None
    """What a session gets that starts now; None if nothing is published there."""
    config: Config | None = None
    """The settings under which it was made."""


class PublishQueue(WorkQueue[int]):
    """Publishes changed projects. Times of events are UTC ms.

    queue.seed({project: last_event_ms})  # known at the start
    queue.mark_dirty([project], event_ms, urgent=True)  # a session starts in it
    await queue.run()
    """

    def __init__(
        self,
        context: DaemonContext,
        publish: PublishOne,
        *,
        before: Callable[[int], Awaitable[None]],
        pages: SecondPages,
    ) -> None:
        """`before` is awaited before each publication, and `pages` are told of it."""
        super().__init__(quiet_s=QUIET_S, cap_s=_CAP_S, clock=context.clock)
        self._context = context
        self._publish_one = publish
        self._pool = context.pool(PUBLISHERS, "publish")
        self._before = before
        self.pages = pages
        self._last_event_ms: dict[int, int] = {}
        self._moments = count()
        self._news: dict[int, int] = {}
        """When each project last had news that is not published yet, by `_moments`."""
        self._begun: dict[int, int] = {}
        """When the last publication of each project began, by `_moments`."""
        self._following: dict[int, asyncio.Future[None]] = {}
        """Of each project that names one with news: done once it has been published since."""
        self._git_was_late: set[int] = set()
        self._in_history: frozenset[int] = frozenset()
        """The projects of the sources of history that were read last: one source, and then old ones."""
        self.outcomes: dict[int, LastPublication] = {}

    @property
    def oldest_active_ms(self) -> int:
        """The time before which a project's last event makes it inactive."""
        return self._context.now_ms() - self._context.config.publish.active_ms

    def rank(self, key: int) -> float:
        """The project with the newest event comes first."""
        return -self._last_event_ms.get(key, 0)

    def seed(self, last_event_ms: Mapping[int, int], dirty: Iterable[int] | None = None) -> None:
        """Sets the time of each project's last event, by project id, and marks these, or `dirty`, as changed."""
        self._last_event_ms.update(last_event_ms)
        self.mark_dirty(last_event_ms if dirty is None else dirty, 0)

    def mark_dirty(
        self, projects: Iterable[int], event_ms: int, *, urgent: bool = False, within_s: float | None = None
    ) -> None:
        """Marks `projects`, whose newest event is at `event_ms`, as changed.

        `urgent`: publishes them without delay, also inactive ones, which are not published otherwise.
        `within_s`: as for `hint`.
        """
        for project in projects:
            newest_ms = self._last_event_ms[project] = max(event_ms, self._last_event_ms.get(project, 0))
            self._news[project] = next(self._moments)
            if urgent or newest_ms >= self.oldest_active_ms:
                self.hint(project, urgent=urgent, within_s=within_s)

    def source_read(self, read: Committed, more_follows: bool) -> None:
        """Marks the projects of a source as changed; without delay if a turn ended, since nothing may come for a while.
        If `more_follows` of the backlog that the source is from, they are published now and then, and once more when a
        source of other projects was read. Old sources come in the order of their times, perhaps each of another
        project, so their projects are published once all are read."""
        within_s = None
        if more_follows and read.newest_ms < self.oldest_active_ms:
            self._in_history |= frozenset(read.projects)
            within_s = OLD_HISTORY_S
        elif more_follows:
            self.hurry(self._in_history.difference(read.projects))
            self._in_history = frozenset(read.projects)
            within_s = HISTORY_S
        for project, event_ms in read.projects.items():
            self.mark_dirty([project], event_ms, within_s=within_s)
        if read.turn_ended and not more_follows:
            self.hurry(read.projects)

    def history_read(self) -> None:
        """No more of the backlog follows, of any project."""
        self.hurry(self._in_history)
        self._in_history = frozenset()

    def last_of(self, root: str) -> tuple[int, CleanText] | None:
        """Returns the project at `root` and its handoff's text; None if settings have changed since it was made."""
        for project_id, outcome in self.outcomes.items():
            if outcome.root == root and outcome.config is self._context.config and outcome.text:
                return project_id, outcome.text
        return None

    def forget_texts(self) -> None:
        """Forgets the texts of all handoffs, of which some may hold what is being forgotten."""
        for outcome in self.outcomes.values():
            outcome.text = None

    def mark_all_dirty(self) -> None:
        """Marks all known projects, after a change that affects all of them, such as a setting."""
        self.mark_dirty(list(self._last_event_ms), 0)

    async def retry_missing(self) -> None:
        """Marks projects whose refusal may have passed, whose files or HEAD have changed, or are excluded by now."""
        done, config = dict(self.outcomes), self._context.config

        def is_outdated(key: int) -> bool:
            return _is_outdated(done[key], config) or (key not in self.pages.due and _lacks_page(done[key].published))

        def missing() -> list[int]:
            looked = look_at_each(done, is_outdated, at=lambda key: Path(done[key].root))
            return [key for key, is_outdated in looked if is_outdated or done[key].published.passing]

        self.mark_dirty(await asyncio.to_thread(missing), 0)

    async def settle(self) -> None:
        """Waits as `flush` does, then for the projects that name one with news, and for late answers of git."""
        await self.flush()
        self.hurry(self._following)
        if self._following:
            await asyncio.wait(self._following.values())
        await self.do_now(list(self._git_was_late))

    async def handle(self, key: int) -> bool:
        """Publishes one project. An error in it, or in our handling of it, must not block the others."""
        try:
            await self._publish(key)
        except UnknownProject:
            self._last_event_ms.pop(key, None)
            self.outcomes.pop(key, None)
        except Exception as error:
            await self._context.ledger.report(error)
            outcome = self.outcomes[key]
            outcome.failures += 1
            outcome.error = error.strerror if isinstance(error, Silent) else type_and_place(error)
            is_new = outcome.error not in outcome.logged
            outcome.logged.add(outcome.error)
            if is_new and isinstance(error, Silent):  # a drive that sleeps is no error of ours
                self._context.log.warning("publish_failed", project=key, reason=Word("silent"))
            elif is_new:
                self._context.log.error("publish_failed", error, project=key)
            self.later(key, delay_s(outcome.failures))
        return False

    async def _publish(self, project: int) -> None:
        outcome = self.outcomes.setdefault(project, LastPublication())
        self._begun[project] = next(self._moments)
        started_ms, began_s, config = self._context.now_ms(), time.monotonic(), self._context.config
        await self._before(project)
        git_s = PATIENT_S if project in self._git_was_late else TIMEOUT_S
        made = await asyncio.get_running_loop().run_in_executor(
            self._pool, self._publish_one, project, started_ms, git_s
        )
        self._git_was_late.discard(project)
        if made.lacks_git and git_s < PATIENT_S:
            self._git_was_late.add(project)
            self.later(project, GIT_AGAIN_S)
        published = made.published
        await self._context.ledger.set_published(project, made.sha, started_ms, published.refusal, made.git)
        self.pages.published(project, made)
        if published.changed:
            self._context.log.info("published", project=project, ms=(time.monotonic() - began_s) * 1000)
        if published.refusal is not None and published.refusal != outcome.published.refusal:
            self._context.log.info("not_published", project=project)
        self.outcomes[project] = LastPublication(
            published=published,
            root=made.root,
            head=made.head,
            text=made.text if published.refusal in (None, POINTERS_OFF) else None,
            config=config,
        )
        news = self._news.pop(project, None)
        if news is not None:
            self._follow(made.related, news)

    def _follow(self, related: Iterable[int], news: int) -> None:
        """Publishes the `related` projects, which name one with news, unless their last publication began after `news`.
        No other project is published on their account, since they have no news of their own."""
        for project in related:
            is_active = self._last_event_ms.get(project, 0) >= self.oldest_active_ms
            if is_active and self._begun.get(project, -1) < news:
                self.hint(project)
                self._following[project] = self._finished(project)


def _is_outdated(last: LastPublication, config: Config) -> bool:
    """Whether the handoff is no longer there, or it is empty, as a power cut leaves it, or names another branch or
    commit than is checked out now, or a file that is hidden from git may be the user's now, or its project is excluded
    by now. Blocks.
    """
    published = last.published
    is_given = published.file is not None or last.text is not None
    if is_given and project_settings(Path(last.root), config).excluded is not None:
        return True
    if published.file is not None and _is_lost(published.file):
        return True
    if any(mtime_ns(Path(path)) != written_ns for path, written_ns in published.hidden.items()):
        return True
    checkout = Checkout(Path(last.root))
    if last.head is None:
        return published.file is not None and checkout.moved_since(mtime_ns(published.file) or 0)
    return last.head != 0 and checkout.head_stamp() not in (0, last.head)


def _lacks_page(published: Published) -> bool:
    """Whether the handoff names a second page that is not there, or is empty. Blocks."""
    if published.file is None or published.page is None or not _is_lost(published.page):
        return False
    with suppress(OSError):  # what an earlier daemon published may have none
        return f"{PAGE}`".encode() in read_handoff(published.file)
    return False


def _is_lost(file: Path) -> bool:
    return is_gone(file) or is_empty(file)
