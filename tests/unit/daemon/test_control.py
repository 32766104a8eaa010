from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import Mock
from urllib.parse import quote

import msgspec
import pytest

from carryover.daemon.client import ask_daemon
from carryover.daemon.context import DaemonContext
from carryover.daemon.control import Answers, control_app, serving
from carryover.daemon.forgetting import Forgetting
from carryover.daemon.hooks.http_app import Answer as Answering
from carryover.daemon.hooks.http_app import ConnectionLimiter
from carryover.daemon.log import Log
from carryover.daemon.moves import Moves
from carryover.daemon.publish_queue import PublishQueue
from carryover.errors import UserError
from carryover.ledger.connect import LedgerDamaged


class Answer(msgspec.Struct):
    text: str


async def healthy() -> Answer:
    return Answer("grüße")


def refuse(*_: object) -> NoReturn:
    raise AssertionError("nothing is to be published")


async def failing() -> Answer:
    raise KeyError("words from a transcript")


async def ask(path: Path, method: str, target: str) -> object:
    return await asyncio.to_thread(ask_daemon, path, method, target, timeout_s=10)


@asynccontextmanager
async def served(path: Path, log: Log, health: Answering = healthy, **parts: Any) -> AsyncIterator[None]:
    """The control socket with these parts behind it while the block lasts."""
    limiter = ConnectionLimiter()
    parts = dict.fromkeys(("know", "hooks", "moves", "imports", "forgetting", "page", "syncing"), Mock()) | parts
    app = control_app(Answers(health=health, settle=healthy, **parts), log, limiter=limiter, port=lambda: None)
    async with serving(app, path, limiter):
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "daemon.sock"


async def test_what_is_asked_over_the_socket_is_answered_as_json(path: Path, log: Log) -> None:
    async with served(path, log):
        assert await ask(path, "GET", "/health") == {"text": "grüße"}
        assert await ask(path, "POST", "/settle") == {"text": "grüße"}


async def test_moves_are_asked_for_by_absolute_paths(path: Path, context: DaemonContext, home: Path) -> None:
    moves = Moves(context, on_moved=lambda _moved: None)
    old, new = quote(f"{home}/a b&c"), quote(str(home))
    async with served(path, context.log, moves=moves):
        for target in (f"/follow?root={new}", f"/link?old={old}&new={new}", f"/unlink?old={old}"):
            assert await ask(path, "POST", target) == {"sessions": 0}
        for target in ("/follow", "/follow?root=here", f"/link?old={old}", f"/link?old={old}&new=here", "/unlink?old="):
            with pytest.raises(UserError):
                await ask(path, "POST", target)
    moves.pool.shutdown()


async def test_only_a_readable_selection_is_forgotten(path: Path, context: DaemonContext, pool: Executor) -> None:
    """An empty one would be everything."""
    forgetting = Forgetting(context, PublishQueue(context, refuse, pool), rescan=Mock())
    async with served(path, context.log, forgetting=forgetting):
        for query in ("", "?selection=", "?selection=1", "?selection=" + quote('{"newer": 1}')):
            with pytest.raises(UserError):
                await ask(path, "POST", f"/forget{query}")
        answer = await ask(path, "POST", "/forget?selection=" + quote('{"root": "/none"}'))

    assert answer == {"sessions": 0, "problems": []}


async def test_only_its_owner_may_ask_and_nothing_is_left_behind(path: Path, log: Log) -> None:
    async with served(path, log):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    assert not path.exists()
    assert await ask(path, "GET", "/health") is None


async def test_an_error_is_answered_and_logged_without_its_words(path: Path, log: Log, lines: list[str]) -> None:
    async with served(path, log, failing):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = await reader.read()
        writer.close()

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 500 ")
    assert json.loads(body)["error"].startswith("KeyError at carryover.daemon.hooks.http_app:")
    assert b"words" not in answer
    assert [line.split()[:2] for line in lines] == [["request_failed", "route=health"]]


async def test_a_daemon_whose_ledger_is_damaged_counts_as_one_that_ends(path: Path, log: Log) -> None:
    async def damaged() -> Answer:
        raise LedgerDamaged("mended at the next start")

    async with served(path, log, damaged):
        assert await ask(path, "GET", "/health") is None


@pytest.mark.parametrize(("method", "target"), [("GET", "/settle"), ("POST", "/health"), ("GET", "/"), ("PUT", "/x")])
async def test_anything_else_is_refused(path: Path, log: Log, method: str, target: str) -> None:
    async with served(path, log):
        with pytest.raises(UserError):
            await ask(path, method, target)
