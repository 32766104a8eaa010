from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from unittest.mock import create_autospec

import pytest
from watchfiles import Change

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import WatchState
from carryover.daemon.reading import Rescanner
from carryover.daemon.watched_folders import folders_below
from carryover.daemon.watcher import FLOOD, Watcher, noticed, polls, reports_of, watch_limit
from carryover.ingest.roots import TranscriptRoot
from carryover.ingest.scan import roots_in_projects, roots_to_read
from carryover.platform import LINUX
from carryover.platform.calls import library
from carryover.platform.inotify import Inotify, Kind, Overflow, StopEvent
from support.claude_session import ClaudeSession
from support.clock import LogLines
from support.platforms import altered, on

ROOT = TranscriptRoot("claude-code", Path("/home/dev/.claude/projects"))
SESSION = "/home/dev/.claude/projects/-home-dev-shop/c0de0000-0000-4000-8000-000000000001.jsonl"
FOLDER = "/home/dev/.claude/projects/-home-dev-shop"


@pytest.mark.parametrize("change", list(Change))
def test_whatever_happens_to_a_transcript_is_a_hint_and_to_nothing_else(
    agents: dict[str, Agent], change: Change
) -> None:
    """Least of all what Carryover itself publishes."""
    source = agents["claude-code"].source_of(Path(SESSION), ROOT.path)
    assert source is not None

    assert noticed([(change, SESSION)], [ROOT], agents) == ((source,), None)
    for path in (
        SESSION.replace(".jsonl", "/tool-results/out.txt"),
        f"{SESSION}.1",
        f"{FOLDER}/.carryover/handoff.md",
        f"{FOLDER}/AGENTS.md",
        "/home/dev/shop/.carryover/handoff.md",
        SESSION.replace("projects", "projects2"),
    ):
        assert noticed([(change, path)], [ROOT], agents) == ((), None)


def test_a_folder_that_comes_or_goes_and_a_flood_of_changes_ask_for_a_rescan(
    agents: dict[str, Agent], tmp_path: Path
) -> None:
    """Files were written before it was watched, or went with it; or the kernel's queue may have run over."""
    new, root = str(tmp_path), TranscriptRoot("claude-code", tmp_path.parent)
    changes = [(Change.modified, f"{FOLDER}/{n}.txt") for n in range(FLOOD + 1)]

    found = noticed([(Change.added, new)], [root], agents)
    assert found == ((), "folder_added")
    assert noticed([(Change.deleted, FOLDER)], [ROOT], agents) == ((), "folder_gone")
    assert noticed(changes, [ROOT], agents) == ((), "flood")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "watches"),
        (OSError(errno.EMFILE, "Too many open files"), "instances"),
        (FileNotFoundError("No path was found. about ['/x']"), None),
        (RuntimeError("error in underlying watcher: something else"), None),
    ],
)
def test_the_limits_of_the_system_are_known_by_their_numbers(error: Exception, reason: str | None) -> None:
    assert watch_limit(error) == reason


@pytest.fixture
def inotify() -> Iterator[None]:
    with on(LINUX):
        yield


def _at_the_limit() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _watching(context: DaemonContext) -> tuple[Watcher, asyncio.Queue[str | list[Source]]]:
    """A watcher of all agents' folders, and what it reports."""
    reported: asyncio.Queue[str | list[Source]] = asyncio.Queue()
    rescanner = create_autospec(Rescanner, instance=True)
    rescanner.hear.side_effect = lambda sources: reported.put_nowait(list(sources))
    rescanner.request.side_effect = reported.put_nowait
    watcher = Watcher(
        context, lambda: roots_to_read(context.agents.values(), context.config, context.home, {}), rescanner
    )
    return watcher, reported


@asynccontextmanager
async def _running(watcher: Watcher) -> AsyncIterator[asyncio.Future[None]]:
    running = asyncio.ensure_future(watcher.run())
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_it_begins_with_a_rescan_and_continues_with_hints(context: DaemonContext, session: ClaudeSession) -> None:
    watcher, reported = _watching(context)
    session.prompt("hello")
    async with _running(watcher):
        assert await asyncio.wait_for(reported.get(), 20) == "watch_begun"
        assert watcher.state == WatchState(mode="native", watched=1)

        session.prompt("hello again")
        assert await asyncio.wait_for(reported.get(), 20) == [session.source]


@pytest.mark.on_disk
def test_a_link_is_followed_to_the_users_other_folders_and_nowhere_else(home: Path) -> None:
    root, other = home / "agent" / "projects", home / "other"
    (root / "shop").mkdir(parents=True)
    (other / "deep").mkdir(parents=True)
    for name, target in {"all": "/", "up": "..", "here": ".", "proc": "/proc", "mem": "/proc/self/task"}.items():
        (root / name).symlink_to(target)
    (other / "back").symlink_to(root)
    (root / "shop" / "elsewhere").symlink_to(other)
    (root / "gone").symlink_to("/nowhere")

    found = folders_below([root])

    assert found.followed == (str(root / "shop" / "elsewhere"),)
    assert folders_below([other / "deep"]).followed == ()


@pytest.mark.usefixtures("inotify")
async def test_a_link_to_the_whole_disk_delays_and_breaks_nothing(
    context: DaemonContext, session: ClaudeSession
) -> None:
    watcher, reported = _watching(context)
    session.prompt("hello")
    (session.path.parent / "all").symlink_to("/")
    odd = session.folder / os.fsdecode(b"\xff") / f"{session.session}.jsonl"
    odd.parent.mkdir()
    async with _running(watcher):
        assert await asyncio.wait_for(reported.get(), 20) == "watch_begun"
        assert _watches() < 10

        session.prompt("hello again")
        assert await asyncio.wait_for(reported.get(), 20) == [session.source]

        odd.write_bytes(session.prompt_line("hello from a folder that is not UTF-8"))
        assert await asyncio.wait_for(reported.get(), 20) == [
            context.agents["claude-code"].source_of(odd, session.folder)
        ]


class Writing(Inotify):
    """Reports these changes, one each time it is asked, and then the last one for ever or nothing."""

    def __init__(self, *paths: str, ends: bool) -> None:
        super().__init__(library())
        self._left = [*paths]
        self._ends = ends

    def wait(self, _stop: StopEvent, _timeout_s: float) -> bool:
        return True

    def changes(self) -> set[tuple[Kind, str]]:
        if not self._left:
            return set()
        return {("modified", self._left.pop(0) if self._ends or len(self._left) > 1 else self._left[0])}


@pytest.mark.usefixtures("inotify")
@pytest.mark.linux("for inotify")
@pytest.mark.parametrize("ends", [True, False], ids=["in turn", "without end"])
def test_lines_that_are_written_in_turn_are_one_report_but_not_for_ever(ends: bool) -> None:
    reports = reports_of(Writing("/a", "/b", ends=ends), (), (), deep=True, stop=StopEvent(), pause_s=3600)
    with closing(reports):
        assert next(reports) == set()
        assert next(reports) == {(Change.modified, "/a"), (Change.modified, "/b")}


class Paced(Inotify):
    """Reports at the seconds of `steps` a change, or that there was none. Sets `ended` after the last."""

    def __init__(self, steps: list[tuple[float, bool]]) -> None:
        super().__init__(library())
        self._steps = steps
        self._changes: set[tuple[Kind, str]] = set()
        self.now_s = 0.0
        self.ended = threading.Event()

    def wait(self, stop: StopEvent, _timeout_s: float) -> bool:
        if not self._steps:
            self.ended.set()
            stop.wait()
            return False
        self.now_s, is_changed = self._steps.pop(0)
        self._changes = {("modified", SESSION)} if is_changed else set()
        return is_changed

    def changes(self) -> set[tuple[Kind, str]]:
        found, self._changes = self._changes, set()
        return found


@pytest.mark.usefixtures("inotify")
async def test_it_looks_for_other_folders_in_a_pause_or_after_a_while(
    context: DaemonContext, session: ClaudeSession
) -> None:
    """Not while what was just written is read."""
    session.prompt("hello")
    watcher, _ = _watching(context)
    roots, looked = watcher.roots, list[float]()

    def noting() -> Iterable[TranscriptRoot]:
        looked.append(paced.now_s)
        return roots()

    paced = Paced([(2.0, True), (3.0, False), (5.0, True), (9.0, True)])
    watcher.roots, context.clock = noting, lambda: paced.now_s
    with on(altered(inotify=lambda: paced)):
        async with _running(watcher):
            assert await asyncio.to_thread(paced.ended.wait, 20)

    assert looked == [0.0, 0.0, 3.0, 9.0]


class Full(Inotify):
    """Has lost changes each time."""

    def changes(self) -> set[tuple[Kind, str]]:
        raise Overflow


@pytest.mark.usefixtures("inotify")
async def test_if_changes_were_lost_it_begins_again_with_a_rescan(
    context: DaemonContext, session: ClaudeSession, lines: LogLines
) -> None:
    watcher, reported = _watching(context)
    session.prompt("hello")
    with on(altered(inotify=lambda: Full(library()))):
        async with _running(watcher):
            assert await asyncio.wait_for(reported.get(), 20) == "watch_begun"
            session.prompt("hello again")
            assert await asyncio.wait_for(reported.get(), 20) == "watch_begun"
            assert watcher.state.mode == "native"
    assert [line.split()[0] for line in lines].count("watch_folders") == 1, "they are the same"


@pytest.mark.usefixtures("inotify")
async def test_where_projects_begin_again_only_what_is_new_or_has_changed_is_a_hint(
    context: DaemonContext, home: Path
) -> None:
    """With hundreds of projects, a rescan of all agents' transcripts for each new one would take most of the time."""
    context.known = {"aider": adapters()["aider"]}
    histories = [home / "work" / name / ".aider.chat.history.md" for name in ("a", "b", "c")]
    for history in histories:
        history.parent.mkdir(parents=True)
        history.write_text("# aider chat started")
    watcher, reported = _watching(context)
    projects = [history.parent for history in histories[:2]]
    watcher.roots, watcher.deep = partial(roots_in_projects, context.agents.values(), projects), False

    async def hinted() -> list[Path]:
        found = await asyncio.wait_for(reported.get(), 20)
        return [Path(source.path) for source in found if isinstance(source, Source)]

    async with _running(watcher):
        assert await hinted() == histories[:2]
        _append(histories[0])
        assert await hinted() == histories[:1]
        projects.append(histories[2].parent)
        watcher.restart()
        assert await hinted() == [histories[0], histories[2]], "it may have changed while nothing was watched"
        watcher.restart()
        _append(histories[1])
        assert await hinted() == histories[1:2]


@pytest.mark.usefixtures("inotify")
@pytest.mark.parametrize(("reason", "asked"), [("watches", None), (None, None), (None, _at_the_limit)])
async def test_rescans_stand_in_for_what_the_system_does_not_watch(
    reason: str | None,
    asked: Callable[[], None] | None,
    context: DaemonContext,
    session: ClaudeSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("carryover.daemon.watcher.POLL_MS", 20)
    watcher, reported = _watching(context)
    watcher.state.reason = reason
    session.prompt("hello")
    with on(altered(inotify=asked or (lambda: None))):
        async with _running(watcher):
            said = [await asyncio.wait_for(reported.get(), 20) for _ in range(3)]

    assert said == ["watch_begun", "polled", "polled"]
    assert watcher.state.mode == "polling"


def test_rescans_that_stand_in_for_watching_come_every_two_seconds_and_take_a_tenth_of_the_time_at_most() -> None:
    class Paced(StopEvent):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            return len(waited) > 2

    waited: list[float | None] = []
    took = iter((0.01, 0.4, 3.0))

    assert len(list(polls(Paced(), took_s=lambda: next(took)))) == 3
    assert waited == [2.0, 4.0, 30.0]


def _append(history: Path) -> None:
    with history.open("a") as file:
        file.write("#### hello")


def _watches() -> int:
    """Returns how many folders this process watches."""
    infos = [info.read_text() for info in Path("/proc/self/fdinfo").iterdir() if info.exists()]
    return sum(text.count("inotify wd:") for text in infos)
