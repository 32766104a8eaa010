from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest
from aiohttp import web

from carryover.config import Config, ServerConfig
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import PortState
from carryover.daemon.hooks.http_app import ConnectionLimiter, HookPort, listen
from support.log_lines import LogLines


async def hello(_request: web.Request) -> web.Response:
    return web.Response(text="hello")


def app(limiter: ConnectionLimiter, _port: object) -> web.Application:
    made = web.Application(middlewares=[limiter.middleware])
    made.router.add_get("/", hello)
    return made


def on_port(port: int) -> Config:
    return Config(server=ServerConfig(port=port))


@asynccontextmanager
async def at_work(context: DaemonContext, port: int) -> AsyncIterator[HookPort]:
    context.use(on_port(port))
    server = HookPort(context, app)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.run())
        yield server
        task.cancel()


async def ask(port: int | None) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.decode()


def test_only_this_machine_can_connect() -> None:
    with closing(listen(0)) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


async def test_one_answer_ends_the_connection(context: DaemonContext, lines: LogLines) -> None:
    async with at_work(context, 0) as server:
        await lines.until("listening")
        assert (await ask(server.state.port)).endswith("hello")

    assert server.state == PortState()


async def test_a_port_that_is_taken_is_reported_once_and_used_when_it_is_free(
    context: DaemonContext, lines: LogLines
) -> None:
    with closing(listen(0)) as other:
        port = other.getsockname()[1]
        async with at_work(context, port) as server:
            await lines.until("port_unavailable")
            assert server.state.port is None
            assert str(server.state.trouble).startswith(f"port {port} is taken by ")
            other.close()
            await lines.until("listening")  # it tries again by itself, after half a second
            assert server.state == PortState(port=port)
            assert (await ask(port)).endswith("hello")

    assert [line.split()[0] for line in lines] == ["port_unavailable", "listening"]


async def test_it_moves_when_the_setting_does(context: DaemonContext, lines: LogLines) -> None:
    async with at_work(context, 0) as server:
        await lines.until("listening")
        first = server.state.port
        with closing(listen(0)) as free:
            port = free.getsockname()[1]
        context.use(on_port(port))
        await lines.until(f"listening port={port}")
        assert (await ask(port)).endswith("hello")
        with pytest.raises(ConnectionRefusedError):
            await ask(first)
