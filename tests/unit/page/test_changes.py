from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from carryover.page import changes
from carryover.page.changes import Changes

HEALTH = ("event: health\ndata: {}", "")


class Stream(web.StreamResponse):
    """Keeps what was sent, or fails as the stream to a closed page does."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.wrote = asyncio.Event()
        self.closed = False

    async def prepare(self, request: web.BaseRequest) -> None:
        pass

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.closed:
            raise ConnectionResetError
        self.sent.append(bytes(data))
        self.wrote.set()

    async def next(self) -> bytes:
        await self.wrote.wait()
        self.wrote.clear()
        return self.sent[-1]


def begin(told: Changes, stream: Stream) -> asyncio.Task[web.StreamResponse]:
    return asyncio.ensure_future(told.send(make_mocked_request("GET", "/ui/api/changes"), stream))


async def test_what_changes_at_once_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_GAP_S", 0)
    told, stream = Changes(), Stream()
    sending = begin(told, stream)
    await stream.next()

    for project in (2, 1, 2):
        told.project(project)
    told.health()
    sent = (await stream.next()).decode().split("\n\n")

    assert sent == [*(f"event: project\ndata: {json.dumps({'id': n}, separators=(',', ':'))}" for n in (1, 2)), *HEALTH]
    told.end()
    await sending


async def test_a_quiet_stream_says_that_it_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "COMMENT_S", 0.01)
    told, stream = Changes(), Stream()
    sending = begin(told, stream)
    await stream.next()

    assert (await stream.next()).startswith(b":")
    stream.closed = True
    await sending
    assert told._streams == {}


async def test_streams_are_bounded_and_the_oldest_makes_room() -> None:
    told, streams = Changes(), [Stream() for _ in range(33)]
    sending = [begin(told, stream) for stream in streams]
    for stream in streams:
        await stream.next()

    await sending[0]
    assert not any(task.done() for task in sending[1:])
    told.end()
    await asyncio.gather(*sending)
