from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import msgspec
import pytest

from carryover.config import Config, PublishConfig
from carryover.daemon.context import DaemonContext
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.second_pages import SecondPages
from carryover.daemon.upkeep import Forgetting, StateGuard, bring_up_to_date, look_after
from carryover.errors import UserError
from carryover.ingest.pipeline import ingest
from carryover.ledger.connect import erase_mark
from carryover.ledger.queries import Selection, sessions
from carryover.paths import StateDir
from carryover.publish.make import MadeHandoff
from carryover.publish.publish import publish_project
from support.claude_session import ClaudeSession
from support.clock import LogLines
from support.daemon_process import handoff_of
from support.scribe import execute

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Watched(PublishQueue):
    """Notes the text of the project at `root` each time that somebody waits for its publication."""

    root = ""
    kept: tuple[object, ...] = ()

    async def do_now(self, keys: Iterable[int], *, also: Iterable[int] = ()) -> None:
        if self.root:
            self.kept = (*self.kept, self.last_of(self.root))
        await super().do_now(keys, also=also)


class Place:
    """A publish queue over a real ledger, and what forgets in it."""

    def __init__(self, context: DaemonContext):
        self.context = context
        context.now_ms = lambda: int(NOW.timestamp() * 1000)
        self.pages = SecondPages(context)
        self.queue = Watched(context, self._publish, before=AsyncMock(), pages=self.pages)
        self.forgetting = Forgetting(context, self.queue)

    def _publish(self, project: int, at_ms: int, _git_s: float) -> MadeHandoff:
        return publish_project(self.context.paths, project, self.context.config, now_ms=at_ms)

    async def read(self, *sessions: ClaudeSession) -> None:
        context, agent = self.context, self.context.agents["claude-code"]
        for each in sessions:
            result = await ingest(
                context.ledger, agent, each.source, root_of=context.paths.root_of, now_ms=context.now_ms
            )
            await self.queue.do_now(result.projects)

    def held(self) -> set[str]:
        with self.context.read_ledger() as db:
            return {row.native_id for row in sessions(db, limit=9)}


@pytest.fixture
async def place(context: DaemonContext) -> AsyncIterator[Place]:
    place = Place(context)
    publishing = asyncio.create_task(place.queue.run())
    yield place
    place.queue.drain()
    await publishing


@pytest.fixture
def old(session: ClaudeSession) -> ClaudeSession:
    session.now = NOW - timedelta(days=40)
    session.prompt("Never push to main. Add a parser.")
    session.answer("I added a parser in parse.py.")
    return session


@pytest.fixture
def new(old: ClaudeSession) -> ClaudeSession:
    """A later session in the same project."""
    session = ClaudeSession(old.folder, old.cwd, now=NOW - timedelta(days=1))
    session.prompt("Write the release notes.")
    return session


async def test_texts_kept_for_sessions_that_start_are_gone_before_handoffs_are_written_again(
    place: Place, new: ClaudeSession
) -> None:
    root = str(new.cwd)
    await place.read(new)
    last = place.queue.last_of(root)
    assert last is not None and "release notes" in last[1]
    place.queue.root = root
    await place.forgetting.forget(Selection(agent="claude-code", session=new.session))

    assert place.queue.kept[0] is None


async def test_all_that_an_earlier_version_recorded_is_brought_up_to_date(
    place: Place, old: ClaudeSession, new: ClaudeSession
) -> None:
    await place.read(old, new)
    path = place.context.state.ledger
    made = execute(path, "SELECT fold_version, digest FROM thread")
    execute(path, "UPDATE thread SET fold_version = 1, digest = x''")

    await bring_up_to_date(place.context)

    assert execute(path, "SELECT fold_version, digest FROM thread") == made


async def test_each_part_has_its_turn_when_settings_change_and_after_another_failed(context: DaemonContext) -> None:
    """A disk that is full for one part must not keep the others from their turn."""
    turns: list[str] = []
    first = asyncio.Event()

    async def failing() -> None:
        if "each" in turns:
            raise OSError("disk full")

    async def noting() -> None:
        turns.append("each")
        first.set()

    async def noting_change() -> None:
        turns.append("changed")

    running = asyncio.create_task(look_after(context, failing, noting, on_change=noting_change))
    await first.wait()
    context.use(Config(publish=PublishConfig(pointers="off")))

    with pytest.raises(OSError, match="disk full"):
        await running
    assert turns == ["changed", "each", "changed", "each"]


async def test_a_project_that_is_gone_is_published_no_more(place: Place, old: ClaudeSession, lines: LogLines) -> None:
    await place.read(old)
    (project,) = place.queue.outcomes

    done = await place.forgetting.forget(Selection(root=str(old.cwd)))
    place.queue.mark_all_dirty()
    await place.queue.do_now([project])

    assert msgspec.structs.asdict(done) == {"sessions": 1, "problems": ()}
    assert (place.queue.outcomes, handoff_of(old.cwd)) == ({}, "")
    assert [line for line in lines if "failed" in line] == []


async def test_what_could_not_be_erased_is_erased_as_soon_as_that_works(
    place: Place, old: ClaudeSession, ledger_path: Path
) -> None:
    await place.read(old)
    in_the_way = ledger_path.with_name("ledger.before-7.sqlite")
    in_the_way.mkdir()

    [problem] = (await place.forgetting.forget(Selection(root=str(old.cwd)))).problems
    await place.forgetting.look_after()
    marked = erase_mark(ledger_path).exists()
    in_the_way.rmdir()
    await place.forgetting.look_after()

    begins = "Deleted, but not yet overwritten, which carryoverd does once it can"
    assert re.fullmatch(rf"{begins}: {re.escape(str(in_the_way))} cannot be changed: [\w ]+\.", problem)
    assert (marked, erase_mark(ledger_path).exists()) == (True, False)
    assert b"Never push to main" not in ledger_path.read_bytes()


def replaced(path: Path) -> None:
    path.with_name("new").write_bytes(path.read_bytes())
    path.with_name("new").replace(path)


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        *((".", shutil.rmtree), (".", lambda state: state.rename(state.with_name("moved")))),
        *((name, taken) for name in ("daemon.lock", "ledger.sqlite") for taken in (Path.unlink, replaced)),
        ("ledger.sqlite", lambda ledger: ledger.write_bytes(b"")),
    ],
)
def test_what_is_taken_away_is_noticed(tmp_path: Path, name: str, taken: Callable[[Path], object]) -> None:
    root = tmp_path / "state"
    root.mkdir()
    (root / "daemon.lock").write_bytes(b"{}")
    (root / "ledger.sqlite").write_bytes(b"SQLite format 3\0" + bytes(4096))
    guard = StateGuard(StateDir(root))
    guard.check()

    taken(root / name)

    with pytest.raises(UserError, match="was removed, replaced or emptied"):
        guard.check()
