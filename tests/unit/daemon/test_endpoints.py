from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from socket import AF_INET, AF_INET6, create_server
from typing import Any
from unittest.mock import AsyncMock, Mock, create_autospec
from urllib.parse import quote

import msgspec
import pytest

import carryover.config
import carryover.daemon.endpoints
from carryover.config import Config, ServerConfig
from carryover.daemon.client import ask_daemon
from carryover.daemon.commands import Imports, Moves
from carryover.daemon.context import DaemonContext
from carryover.daemon.endpoints import HookPort, control_app, serving
from carryover.daemon.health import PortState
from carryover.daemon.log import Log
from carryover.daemon.publish_queue import PublishQueue
from carryover.daemon.second_pages import SecondPages
from carryover.daemon.server import ConnectionLimiter
from carryover.daemon.upkeep import Forgetting
from carryover.errors import ExitCode, UserError
from carryover.faces.page import page_for
from carryover.ledger.connect import LedgerDamaged
from support.claude_session import ClaudeSession
from support.clock import LogLines


class Answer(msgspec.Struct):
    text: str = "grüße"


async def healthy() -> Answer:
    return Answer()


async def settled(_root: str) -> bool:
    return True


async def ask(path: Path, method: str, target: str) -> object:
    return await asyncio.to_thread(ask_daemon, path, method, target, timeout_s=10)


@asynccontextmanager
async def served(
    path: Path, log: Log, health: Callable[[], Awaitable[Answer]] = healthy, **parts: Any
) -> AsyncIterator[None]:
    """The control socket with these parts behind it while the block lasts."""
    limiter = ConnectionLimiter()
    parts = dict.fromkeys(("hooks", "moves", "imports", "forgetting", "page", "syncing", "handoffs"), Mock()) | parts
    app = control_app(log, limiter=limiter, health=health, settle=settled, **parts)
    async with serving(app, path, limiter):
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "daemon.sock"


async def test_what_is_asked_over_the_socket_is_answered_as_json_and_anything_else_is_refused(
    path: Path, log: Log
) -> None:
    """Only its owner may ask, and nothing is left behind."""
    async with served(path, log):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert await ask(path, "GET", "/health") == {"text": "grüße"}
        assert await ask(path, "POST", "/settle") == {"caught_up": True}
        for method, target in (("GET", "/settle"), ("POST", "/health"), ("GET", "/"), ("PUT", "/x")):
            with pytest.raises(UserError):
                await ask(path, method, target)

    assert not path.exists()
    assert await ask(path, "GET", "/health") is None


async def test_moves_and_imports_are_asked_for_by_absolute_paths_and_only_a_readable_selection_is_forgotten(
    path: Path, context: DaemonContext, home: Path, tmp_path: Path
) -> None:
    """An empty one would be everything."""
    session = ClaudeSession(tmp_path, tmp_path)
    session.prompt("Add a discount")
    moves = Moves(context, on_moved=lambda _moved: None)
    imports = Imports(context, create_autospec(PublishQueue, instance=True))
    refresh = Mock(side_effect=AssertionError)
    queue = PublishQueue(context, refresh, before=AsyncMock(), pages=SecondPages(context))
    forgetting = Forgetting(context, queue)
    old, new = quote(f"{home}/a b&c"), quote(str(home))
    given = f"/import?path={quote(str(session.path))}&agent=claude-code&project="
    odd = ("", "?selection=", "?selection=1", "?selection=" + quote('{"newer": 1}'))
    async with served(path, context.log, moves=moves, imports=imports, forgetting=forgetting):
        for target in (f"/follow?root={new}", f"/link?old={old}&new={new}", f"/unlink?old={old}"):
            assert await ask(path, "POST", target) == {"sessions": 0, "notes": 0, "projects": []}
        answer = await ask(path, "POST", given + old)
        assert isinstance(answer, dict)
        assert (answer["new_events"] > 0, answer["problem"]) == (True, None)
        forgotten = await ask(path, "POST", "/forget?selection=" + quote('{"root": "/none"}'))
        assert forgotten == {"sessions": 0, "problems": []}
        for target in (
            *("/follow", "/follow?root=here", f"/link?old={old}", f"/link?old={old}&new=here", "/unlink?old="),
            *("/import", "/import?path=here", given + "here", *(f"/forget{query}" for query in odd)),
            *("/handoff", "/handoff?root=here", f"/handoff?root={new}&tokens=many"),
        ):
            with pytest.raises(UserError):
                await ask(path, "POST", target)


async def test_an_error_is_answered_and_logged_without_its_words(path: Path, log: Log, lines: list[str]) -> None:
    async with served(path, log, AsyncMock(side_effect=KeyError("words from a transcript"))):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = await reader.read()
        writer.close()

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 500 ")
    assert json.loads(body)["error"].startswith("KeyError at carryover.daemon.")
    assert b"words" not in answer
    assert [line.split()[:2] for line in lines] == [["request_failed", "route=health"]]


async def test_a_caller_who_goes_away_in_the_middle_of_a_call_is_no_error(
    path: Path, log: Log, lines: LogLines
) -> None:
    """Anyone who reaches the port could fill the log with errors otherwise."""
    async with served(path, log):
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(b"POST /hook/claude-code/Stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        await writer.drain()
        await asyncio.to_thread(ask_daemon, path, "GET", "/health", timeout_s=10)
        writer.close()
        await writer.wait_closed()
        await asyncio.to_thread(ask_daemon, path, "GET", "/health", timeout_s=10)

    assert lines == []


async def test_silent_connections_push_nobody_away_who_waits_for_an_answer(
    path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carryover.daemon.server.most_connections", lambda: 3)
    monkeypatch.setattr("carryover.daemon.server.HEAD_S", 60)  # none is closed because its time is up
    asked, ready = asyncio.Event(), asyncio.Event()

    async def health() -> Answer:
        asked.set()
        await ready.wait()
        return Answer()

    async with served(path, log, health):
        answer = asyncio.create_task(ask(path, "GET", "/health"))
        await asked.wait()
        silent = [await asyncio.open_unix_connection(path) for _ in range(5)]
        async with asyncio.timeout(5):
            assert [await reader.read() for reader, _ in silent[:3]] == [b""] * 3, (
                "the oldest are closed for the newest"
            )
        ready.set()
        assert await answer == {"text": "grüße"}
        for _, writer in silent:
            writer.close()


async def test_a_daemon_whose_ledger_is_damaged_counts_as_one_that_ends(path: Path, log: Log) -> None:
    async with served(path, log, AsyncMock(side_effect=LedgerDamaged("mended at the next start"))):
        assert await ask(path, "GET", "/health") is None


async def test_what_the_user_is_to_be_told_comes_through_with_its_exit_code(path: Path, log: Log) -> None:
    refuses = AsyncMock(side_effect=UserError("The store is in use. Nothing is lost.", ExitCode.REFUSED))

    async with served(path, log, refuses):
        with pytest.raises(UserError, match=r"^The store is in use\. Nothing is lost\.$") as told:
            await ask(path, "GET", "/health")

    assert told.value.code == ExitCode.REFUSED


async def greeted(port: int | None) -> bool:
    """Whether it answers on `port`, and ends the connection after one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return b"carryoverd" in answer


async def test_it_moves_when_the_setting_does(context: DaemonContext, lines: LogLines) -> None:
    context.use(Config(server=ServerConfig(port=0)))
    page = page_for(context)
    server = HookPort(context, Mock(), page)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.run())
        await lines.until("listening")
        first = server.state.port
        key = await page.key()
        assert page.hosts() == {key.host}
        with create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        context.use(Config(server=ServerConfig(port=port)))
        await lines.until(f"listening port={port}")
        assert await greeted(port)
        assert page.hosts() == set(), "another user may have the port now, and be shown the cookies of the page there"
        page.close()
        with pytest.raises(ConnectionRefusedError):
            await greeted(first)
        task.cancel()
    assert server.state == PortState()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_port_that_is_taken_is_replaced_unless_the_user_chose_it(
    context: DaemonContext, lines: LogLines, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Two users of one machine have the same default. Taken at ::1 alone, browsers would find the other one there."""
    with create_server((address, 0), family=AF_INET6 if ":" in address else AF_INET) as others:
        taken = others.getsockname()[1]
        monkeypatch.setattr(carryover.config, "DEFAULT_PORT", taken)
        context.use(Config(server=ServerConfig(port=taken)))
        server = HookPort(context, Mock(), page_for(context))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(server.run())
            await lines.until("listening")
            other = server.state.port
            assert (server.state.trouble, await greeted(other)) == (None, True)
            context.use(Config(server=ServerConfig(port=taken), port_is_set=True))
            await lines.until("port_unavailable")
            assert server.state == PortState(trouble=f"port {taken} is taken by another process")
            for _ in range(9):  # each time it tries again
                context.use(context.config)
                await asyncio.sleep(0)
            assert [line.startswith("port_unavailable") for line in lines].count(True) == 1
            task.cancel()
    assert other != taken


async def test_without_its_files_only_the_page_is_missing(
    context: DaemonContext, lines: LogLines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an update that was interrupted."""
    monkeypatch.setattr("carryover.faces.page.app.files", lambda _package: tmp_path)

    page = page_for(context)
    with pytest.raises(UserError, match="Install Carryover again"):
        await page.key()
    page.close()

    await lines.until("page_not_read")


async def test_a_key_is_given_only_where_there_is_a_page(context: DaemonContext) -> None:
    page = page_for(context)
    context.use(Config(server=ServerConfig(page=False)))
    with pytest.raises(UserError, match=r"\[server\] page is false"):
        await page.key()
    context.use(Config())
    key = await page.key()
    page.close()

    assert len(key.key) > 40 and key.host in page.hosts()


async def test_its_addresses_are_below_ui(context: DaemonContext) -> None:
    page, paths = page_for(context), ("/ui", "/ui/", "/ui/api/me", "/uix", "/", "/hook/ui/x")
    assert [path for path in paths if page.is_at(path)] == ["/ui", "/ui/", "/ui/api/me"]

    context.use(Config(server=ServerConfig(page=False)))
    assert not any(map(page.is_at, paths))
