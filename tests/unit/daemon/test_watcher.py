from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from watchfiles import Change

from carryover.adapter.contract import Agent, Source
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import WatchState
from carryover.daemon.watcher import (
    FLOOD,
    Noticed,
    Watcher,
    _limit,
    noticed,
)
from carryover.ingest.scan import TranscriptRoot, roots_of
from support.claude_session import ClaudeSession

ROOT = TranscriptRoot("claude-code", Path("/home/dev/.claude/projects"))
SESSION = "/home/dev/.claude/projects/-home-dev-shop/c0de0000-0000-4000-8000-000000000001.jsonl"
FOLDER = "/home/dev/.claude/projects/-home-dev-shop"


def of(agents: dict[str, Agent], *changes: tuple[Change, str], root: TranscriptRoot = ROOT) -> Noticed:
    return noticed(changes, [root], agents)


def source_at(agents: dict[str, Agent], path: str) -> Source:
    source = agents["claude-code"].source_of(Path(path), ROOT.path)
    assert source is not None
    return source


@pytest.mark.parametrize("change", list(Change))
def test_whatever_happens_to_a_transcript_is_a_hint(agents: dict[str, Agent], change: Change) -> None:
    assert of(agents, (change, SESSION)) == Noticed((source_at(agents, SESSION),))


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


def test_a_new_folder_may_hold_what_was_written_before_it_was_watched(agents: dict[str, Agent], tmp_path: Path) -> None:
    root = TranscriptRoot("claude-code", tmp_path.parent)
    found = of(agents, (Change.added, str(tmp_path)), root=root)
    assert found == Noticed(rescan="folder_added", new_folders=(str(tmp_path),))


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
async def watching(context: DaemonContext) -> AsyncIterator[tuple[Watcher, Seen]]:
    reported = Seen()
    watcher = Watcher(
        context,
        lambda: roots_of(context.agents.values(), context.home, {}),
        reported.sources,
        reported.rescan,
    )
    running = asyncio.ensure_future(watcher.run())
    try:
        yield watcher, reported
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_it_begins_with_a_rescan_and_continues_with_hints(context: DaemonContext, session: ClaudeSession) -> None:
    session.prompt("hello")
    async with watching(context) as (watcher, reported):
        await reported.next()
        assert (reported.reasons, reported.paths) == (["watch_begun"], [])
        assert watcher.state == WatchState(mode="native", watched=1)

        session.prompt("hello again")
        await reported.next()
        assert (reported.reasons, reported.paths) == (["watch_begun"], [str(session.path)])
