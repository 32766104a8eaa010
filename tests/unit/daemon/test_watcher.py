from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from watchfiles import Change

from carryover.adapter.contract import Agent, Source
from carryover.daemon.health import WatchState
from carryover.daemon.log import Log
from carryover.daemon.watcher import (
    FLOOD,
    LOOK_AT_LEAST_S,
    Noticed,
    Watcher,
    _limit,
    noticed,
    pause_s,
)
from carryover.ingest.scan import TranscriptRoot, roots_of
from support.claude_session import ClaudeSession

ROOT = TranscriptRoot("claude-code", Path("/home/dev/.claude/projects"))
SESSION = "/home/dev/.claude/projects/-home-dev-shop/c0de0000-0000-4000-8000-000000000001.jsonl"
FOLDER = "/home/dev/.claude/projects/-home-dev-shop"


def of(agents: dict[str, Agent], *changes: tuple[Change, str], folders: Iterable[str] = ()) -> Noticed:
    return noticed(changes, [ROOT], agents, is_dir=set(folders).__contains__)


def source_at(agents: dict[str, Agent], path: str) -> Source:
    source = agents["claude-code"].source_of(Path(path), ROOT.path)
    assert source is not None
    return source


@pytest.mark.parametrize("change", list(Change))
def test_whatever_happens_to_a_transcript_is_a_hint(agents: dict[str, Agent], change: Change) -> None:
    assert of(agents, (change, SESSION)) == Noticed((source_at(agents, SESSION),))


def test_several_changes_of_one_file_are_one_hint(agents: dict[str, Agent]) -> None:
    found = of(agents, (Change.added, SESSION), (Change.modified, SESSION), (Change.deleted, SESSION))
    assert found == Noticed((source_at(agents, SESSION),))


@pytest.mark.parametrize(
    "path",
    [
        f"{FOLDER}/c0de0000-0000-4000-8000-000000000001/tool-results/out.txt",
        f"{FOLDER}/c0de0000-0000-4000-8000-000000000001.jsonl.1",
        f"{FOLDER}/.carryover/handoff.md",
        f"{FOLDER}/AGENTS.md",
        "/home/dev/shop/.carryover/handoff.md",
        "/home/dev/.claude/projects2/-home-dev-shop/c0de0000-0000-4000-8000-000000000001.jsonl",
    ],
)
@pytest.mark.parametrize("change", list(Change))
def test_nothing_else_is_a_hint(agents: dict[str, Agent], path: str, change: Change) -> None:
    """Least of all what Carryover itself publishes."""
    assert of(agents, (change, path)) == Noticed()


def test_a_new_folder_may_hold_what_was_written_before_it_was_watched(agents: dict[str, Agent]) -> None:
    found = of(agents, (Change.added, FOLDER), folders=[FOLDER])
    assert found == Noticed(rescan="folder_added", new_folders=(FOLDER,))


def test_a_folder_that_goes_takes_its_files_with_it_without_a_word(agents: dict[str, Agent]) -> None:
    assert of(agents, (Change.deleted, FOLDER)) == Noticed(rescan="folder_gone")


def test_a_flood_of_changes_asks_for_a_look_at_everything(agents: dict[str, Agent]) -> None:
    """The kernel's queue may have run over, and then the last change of a file is among those that are lost."""
    changes = [(Change.modified, f"{FOLDER}/{n}.txt") for n in range(FLOOD + 1)]
    assert of(agents, *changes) == Noticed(rescan="flood")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            OSError('OS file watch limit reached. about ["/x"] (Error { kind: MaxFilesWatch })'),
            "watches",
        ),
        (RuntimeError("Error creating recommended watcher: Too many open files (os error 24)"), "instances"),
        (FileNotFoundError("No path was found. about ['/x']"), None),
        (RuntimeError("error in underlying watcher: something else"), None),
    ],
)
def test_the_limits_of_the_system_are_known_by_the_words_of_watchfiles(error: Exception, reason: str | None) -> None:
    assert _limit(error) == reason


class Seen:
    """What a running watcher told."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.reasons: list[str] = []
        self.reported = asyncio.Event()

    def sources(self, sources: Iterable[Source]) -> None:
        self.paths.extend(source.path for source in sources)
        self.reported.set()

    def rescan(self, reason: str) -> None:
        self.reasons.append(reason)
        self.reported.set()

    async def next(self) -> None:
        await asyncio.wait_for(self.reported.wait(), 20)
        self.reported.clear()


@asynccontextmanager
async def watching(agents: dict[str, Agent], home: Path, log: Log) -> AsyncIterator[tuple[Watcher, Seen]]:
    reported = Seen()
    watcher = Watcher(
        agents,
        lambda: roots_of(agents.values(), home, {}),
        on_sources=reported.sources,
        on_rescan=reported.rescan,
        log=log,
    )
    running = asyncio.ensure_future(watcher.run())
    try:
        yield watcher, reported
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_it_begins_with_a_rescan_and_continues_with_hints(
    agents: dict[str, Agent], session: ClaudeSession, home: Path, log: Log
) -> None:
    session.prompt("hello")
    async with watching(agents, home, log) as (watcher, reported):
        await reported.next()
        assert (reported.reasons, reported.paths) == (["watch_begun"], [])
        assert watcher.state == WatchState(mode="native", watched=1)

        session.prompt("hello again")
        await reported.next()
        assert (reported.reasons, reported.paths) == (["watch_begun"], [str(session.path)])


@pytest.mark.parametrize(
    ("took_s", "deep", "expected_s"), [(0.0001, True, 0.5), (0.0001, False, 1.0), (0.004, True, 2.0), (1.0, False, 5.0)]
)
def test_looking_at_many_folders_takes_a_small_share_of_a_core(took_s: float, deep: bool, expected_s: float) -> None:
    assert pause_s(took_s, deep=deep) == pytest.approx(expected_s)
    assert pause_s(took_s, deep=deep) <= LOOK_AT_LEAST_S


async def test_beginning_again_asks_for_a_rescan(
    agents: dict[str, Agent], transcripts: Path, home: Path, log: Log
) -> None:
    transcripts.mkdir(parents=True)
    async with watching(agents, home, log) as (watcher, reported):
        await reported.next()
        watcher.restart()
        await reported.next()
        assert reported.reasons == ["watch_begun", "watch_begun"]


async def test_a_folder_that_appears_is_watched_from_then_on(
    agents: dict[str, Agent], transcripts: Path, home: Path, log: Log, lines: list[str]
) -> None:
    async with watching(agents, home, log) as (watcher, reported):
        await asyncio.sleep(0)
        transcripts.mkdir(parents=True)
        await reported.next()
        assert (reported.reasons, watcher.state) == (["watch_begun"], WatchState(mode="native", watched=1))

    assert lines[-1] == "watch_folders watched=1 missing=0"
