"""The watcher on macOS, where FSEvents watches trees and reports real paths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.daemon.context import DaemonContext
from carryover.daemon.reading import Rescanner
from carryover.daemon.watcher import FLOOD, Watcher
from carryover.ingest.roots import TranscriptRoot
from carryover.ingest.scan import roots_in_projects, roots_to_read
from carryover.platform import MACOS
from support.claude_session import ClaudeSession
from support.clock import LogLines
from support.fake_fsevents import FakeFsEvents, Seen
from support.platforms import altered, on

HISTORY = ".aider.chat.history.md"
Reports = asyncio.Queue[str | list[Source]]
Watching = Callable[..., AbstractAsyncContextManager[tuple[Watcher, Reports]]]


@pytest.fixture
def agents() -> dict[str, Agent]:
    return {name: adapters()[name] for name in ("claude-code", "aider")}


@pytest.fixture
def fsevents() -> Iterator[FakeFsEvents]:
    fake = FakeFsEvents()
    with on(MACOS), on(altered(descriptors=lambda: fake.descriptors)):
        yield fake
    assert fake.closed == 0


@pytest.fixture
def watching(context: DaemonContext, fsevents: FakeFsEvents, monkeypatch: pytest.MonkeyPatch) -> Watching:
    """A watcher that has begun: of all agents' folders, or of `projects`."""

    @asynccontextmanager
    async def watching(
        projects: Iterable[Path] = (),
    ) -> AsyncIterator[tuple[Watcher, Reports]]:
        reported: Reports = asyncio.Queue()

        def roots() -> Iterable[TranscriptRoot]:
            if projects:
                return roots_in_projects(context.agents.values(), projects)
            return roots_to_read(context.agents.values(), context.config, context.home, {})

        rescanner = create_autospec(Rescanner, instance=True)
        rescanner.hear.side_effect = lambda sources: reported.put_nowait(list(sources))
        rescanner.request.side_effect = reported.put_nowait
        monkeypatch.setattr("carryover.daemon.watcher.watch", fsevents.watch)
        watcher = Watcher(context, roots, rescanner, deep=not projects)
        running = asyncio.ensure_future(watcher.run())
        try:
            begun = await asyncio.wait_for(reported.get(), 20)
            assert len(begun) >= len(list(projects)) if projects else begun == "watch_begun"
            yield watcher, reported
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.wait([running])

    return watching


async def hinted(reported: Reports) -> list[Source]:
    """Returns the next hints; a new folder may ask for a rescan before."""
    while isinstance(found := await asyncio.wait_for(reported.get(), 20), str):
        assert found == "folder_added"
    return found


async def test_what_is_written_in_a_linked_folder_is_a_hint_by_its_own_name(
    watching: Watching, fsevents: FakeFsEvents, session: ClaudeSession, home: Path
) -> None:
    dotfiles = home / "dotfiles" / "claude"
    dotfiles.mkdir(parents=True)
    (home / ".claude").symlink_to(dotfiles)
    session.prompt("hello")

    async with watching() as (watcher, reported):
        session.prompt("hello again")
        assert await hinted(reported) == [session.source]
        assert (watcher.state.mode, watcher.state.reason) == ("native", None)
        assert fsevents.begun == [(str(dotfiles / "projects"),)]


@pytest.mark.on_disk
async def test_a_project_made_later_and_a_folder_behind_a_link_are_seen_without_a_path_for_each(
    watching: Watching, fsevents: FakeFsEvents, session: ClaudeSession, shop: Path, transcripts: Path, home: Path
) -> None:
    for number in range(40):
        (home / "archive" / str(number)).mkdir(parents=True)
    (home / "archive" / session.path.parent.name).mkdir()
    transcripts.mkdir(parents=True)
    session.path.parent.symlink_to(home / "archive" / session.path.parent.name)
    (transcripts / "old").symlink_to(home / "archive")
    other = ClaudeSession(transcripts, shop / "other")

    async with watching() as (_watcher, reported):
        session.prompt("hello")
        assert session.source in await hinted(reported)
        other.prompt("hello")
        assert await hinted(reported) == [other.source]
        assert [len(paths) for paths in fsevents.begun] == [3]


async def test_of_projects_the_histories_alone_are_polled(
    watching: Watching, fsevents: FakeFsEvents, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carryover.daemon.watcher.POLL_MS", 20)
    projects = [home / "work" / str(number) for number in range(60)]
    for project in projects:
        project.mkdir(parents=True)
        (project / HISTORY).write_text("")
    last = projects[-1]
    moved = last / "notes" / "chat.md"
    moved.parent.mkdir()
    moved.write_text("")
    (last / ".aider.conf.yml").write_text("chat-history-file: notes/chat.md\n")

    async with watching(projects) as (watcher, reported):
        (last / "vendor").mkdir()
        (last / "vendor" / HISTORY).write_text("not ours")
        (last / HISTORY).write_text("# aider chat started")
        assert [Path(source.path) for source in await hinted(reported)] == [last / HISTORY, moved]
        moved.write_text("# aider chat started")
        assert [Path(source.path) for source in await hinted(reported)] == [last / HISTORY, moved]
        assert (watcher.state.mode, watcher.state.reason) == ("polling", None)
        assert fsevents.begun == []


@pytest.mark.on_disk
async def test_if_there_is_no_room_for_its_folders_it_polls_and_says_so(
    watching: Watching, fsevents: FakeFsEvents, transcripts: Path, home: Path, lines: LogLines
) -> None:
    transcripts.mkdir(parents=True)
    for number in range(25):
        (home / f"archive-{number}").mkdir()
        (transcripts / str(number)).symlink_to(home / f"archive-{number}")

    async with watching() as (watcher, _reported):
        assert (watcher.state.mode, watcher.state.reason) == ("polling", "descriptors")
        assert fsevents.begun == []
        assert "watch_limit_reached reason=descriptors polling_ms=2000" in lines


async def test_events_that_say_all_at_once_are_hints_and_a_flood_asks_for_a_rescan(
    watching: Watching, fsevents: FakeFsEvents, session: ClaudeSession
) -> None:
    """Where events are dropped, FSEvents names the folder alone, and watchfiles passes nothing on."""
    session.prompt("hello")
    async with watching() as (_watcher, reported):
        for seen in (Seen.CREATED | Seen.REMOVED | Seen.MODIFIED, Seen.RENAMED, Seen.CREATED | Seen.RENAMED):
            fsevents.report((session.path, seen))
            assert await hinted(reported) == [session.source]

        many = [(session.path.with_suffix(f".{number}"), Seen.MODIFIED) for number in range(FLOOD + 1)]
        fsevents.report((session.folder, Seen.MUST_SCAN_SUBDIRS), *many)
        found = "folder_added"
        while found != "flood":
            found = str(await asyncio.wait_for(reported.get(), 20))
