from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from carryover.adapter.contract import Source
from carryover.agents import adapters
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.history import WORTH_BYTES, History, read_all, unread_bytes
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ingest.read_ahead import ReadAhead
from carryover.ingest.scan import FoundSource, key_of
from carryover.ledger.batch import READ_IN_PART, LastRead, PreparedBatch
from carryover.ledger.store import Ledger
from support.claude_session import ClaudeSession
from support.daemon_process import wait_until
from support.ledger_dump import dump

LATER_MS = 1_900_000_000_000
LINES = 700
"""More than a batch."""
EVENTS = LINES + 1
"""What the client is comes first."""


def now_ms() -> int:
    return LATER_MS


@pytest.fixture
def session(tmp_path: Path) -> ClaudeSession:
    session = ClaudeSession(tmp_path / "projects", tmp_path / "shop")
    session.append(b"".join(session.prompt_line(f"Now do step {n}") for n in range(LINES)))
    return session


@pytest.fixture
def source(session: ClaudeSession) -> Source:
    return source_of(session)


def source_of(session: ClaudeSession) -> Source:
    source = adapters()["claude-code"].source_of(session.path, session.folder)
    assert source is not None
    return source


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(tmp_path / "ledger.sqlite", DigestReducer())
    yield ledger
    await ledger.close()


@pytest.fixture
def start() -> Iterator[Callable[..., ReadAhead]]:
    """Starts a process that reads ahead; it is ended after the test."""
    started: list[ReadAhead] = []

    def start(source: Source, **options: object) -> ReadAhead:
        ahead = ReadAhead(ProjectRoot, now_ms, processes=1, **options)  # type: ignore[arg-type]
        started.append(ahead)
        ahead.start()
        ahead.plan([(source, None)], adapters())
        return ahead

    yield start
    for ahead in started:
        ahead.close()


Start = Callable[..., ReadAhead]


def wait_until_begun(ahead: ReadAhead, source: Source) -> None:
    wait_until("a process that begins", lambda: key_of(source) in ahead.begun())


async def read(ledger: Ledger, source: Source, ahead: ReadAhead, max_batches: int | None = None) -> IngestResult:
    agent = adapters()[source.agent]
    return await ingest(
        ledger, agent, source, root_of=ProjectRoot, now_ms=now_ms, max_batches=max_batches, prepare=ahead.prepare
    )


async def test_a_process_that_is_killed_costs_nothing_but_time(
    ledger: Ledger, source: Source, start: Start, tmp_path: Path
) -> None:
    ahead = start(source)
    wait_until_begun(ahead, source)
    first = await read(ledger, source, ahead, max_batches=1)
    assert ahead.pid is not None
    os.kill(ahead.pid, signal.SIGKILL)
    rest = await read(ledger, source, ahead)

    assert (first.more, first.new_events + rest.new_events) == (True, EVENTS)
    other = await Ledger.open(tmp_path / "other.sqlite", DigestReducer())
    await ingest(other, adapters()[source.agent], source, root_of=ProjectRoot, now_ms=now_ms)
    await other.close()
    assert dump(tmp_path / "ledger.sqlite") == dump(tmp_path / "other.sqlite")


async def test_a_process_that_hangs_is_done_without(ledger: Ledger, source: Source, start: Start) -> None:
    ahead = start(source, patience_s=0.1)
    wait_until_begun(ahead, source)
    assert ahead.pid is not None
    os.kill(ahead.pid, signal.SIGSTOP)

    assert (await read(ledger, source, ahead)).new_events == EVENTS


async def test_what_was_written_after_it_was_prepared_is_read_too(
    ledger: Ledger, session: ClaudeSession, source: Source, start: Start
) -> None:
    ahead = start(source)
    wait_until_begun(ahead, source)
    first = await read(ledger, source, ahead, max_batches=1)
    wait_until("the last batch", lambda: ahead.holds(source))
    session.prompt("One more")
    last = await read(ledger, source, ahead, max_batches=1)

    assert first.new_events + last.new_events == EVENTS + 1
    assert not last.more


async def test_what_was_prepared_from_a_former_state_is_not_used(ledger: Ledger, source: Source, start: Start) -> None:
    """Forgetting gives up how far a source was read, which begins it again."""
    ahead = start(source)
    wait_until_begun(ahead, source)
    await read(ledger, source, ahead, max_batches=1)
    wait_until("the last batch", lambda: ahead.holds(source))
    given_up = PreparedBatch(cursor=b"", context=b"{}", size=READ_IN_PART, mtime_ns=0)
    await ledger.commit(source, given_up, seen_rev=1)

    assert (await read(ledger, source, ahead)).volume.records == LINES


async def test_without_an_interpreter_everything_is_prepared_here(ledger: Ledger, source: Source, start: Start) -> None:
    ahead = start(source, python="/nowhere/python")

    assert ahead.pid is None
    assert (await read(ledger, source, ahead)).new_events == EVENTS


async def test_an_interpreter_without_carryover_changes_nothing(
    ledger: Ledger, source: Source, start: Start, tmp_path: Path
) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o700)
    ahead = start(source, python=str(other))

    assert (await read(ledger, source, ahead)).new_events == EVENTS


def test_the_processes_end_with_the_one_that_started_them(source: Source) -> None:
    """Killed, it tells nobody: its end of the channels is closed, and that ends them."""
    program = (
        "import sys; from carryover.ingest.read_ahead import ReadAhead; from carryover.facts import ProjectRoot\n"
        "ahead = ReadAhead(ProjectRoot, lambda: 0, processes=2); ahead.start(); print(ahead.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        first = int(parent.stdout.readline())
        wait_until("the second process", lambda: children_of(first) or None)
        (second,) = children_of(first)
        parent.kill()
    wait_until("the end of both", lambda: not is_alive(first) and not is_alive(second))


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    """A zombie is not: nobody may be there to wait for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("unread, expected", [(WORTH_BYTES - 1, False), (WORTH_BYTES, True)])
async def test_processes_are_there_only_for_a_long_history_and_as_long_as_it_lasts(
    ledger: Ledger, source: Source, unread: int, expected: bool
) -> None:
    history = History(ledger, adapters(), root_of=ProjectRoot, now_ms=now_ms)
    history.expect(unread)
    await history.plan([source])
    pid = history.pid
    await history.plan([])

    assert (pid is not None) == expected
    assert history.pid is None
    assert pid is None or not is_alive(pid)


async def test_all_sources_of_a_list_are_read_in_their_order(
    ledger: Ledger, session: ClaudeSession, source: Source, tmp_path: Path
) -> None:
    others = [ClaudeSession(session.folder, tmp_path / name) for name in "abc"]
    for other in others:
        other.prompt("Begin")
    sources = [source_of(other) for other in others] + [source]
    agents = adapters()
    read = read_all(ledger, agents, sources, root_of=ProjectRoot, now_ms=now_ms, unread=WORTH_BYTES)

    assert [(each, result.new_events) async for each, result in read] == [
        *((each, 2) for each in sources[:-1]),
        (source, EVENTS),
    ]


def found(source: Source, size: int) -> FoundSource:
    return FoundSource(source, size, 1)


def test_what_has_not_been_read_is_counted(source: Source) -> None:
    def known(size: int, state: str = "active") -> dict[tuple[str, str], LastRead]:
        return {key_of(source): LastRead(size=size, mtime_ns=1, state=state)}  # type: ignore[arg-type]

    sizes = [
        unread_bytes([found(source, 100)], known)
        for known in ({}, known(70), known(100), known(120), known(READ_IN_PART), known(10, "broken"))
    ]
    assert sizes == [100, 30, 0, 100, 0, 0]
