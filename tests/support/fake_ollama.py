"""An Ollama for tests: an HTTP server on a free loopback port that answers as a test says."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web

Generate = Callable[[web.Request, dict[str, Any], web.StreamResponse], Awaitable[None]]
"""Answers one question: request, its JSON, and the stream, whose headers are not sent yet."""


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def says(*words: str) -> Generate:
    """A model that answers every question with these words, one line each."""

    async def generate(request: web.Request, asked: dict[str, Any], stream: web.StreamResponse) -> None:
        await stream.prepare(request)
        for word in words:
            await stream.write(line(model=asked["model"], response=word, done=False))
        await stream.write(line(model=asked["model"], response="", done=True, done_reason="stop"))

    return generate


class FakeOllama:
    """Runs in a thread of its own between `with` and its end. `questions` holds what it was asked."""

    def __init__(self, generate: Generate, *models: str | dict[str, Any]) -> None:
        self.generate = generate
        self.tags: Any = {"models": [{"name": model} if isinstance(model, str) else model for model in models]}
        self.questions: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.released = asyncio.Event()
        """Set at the end, so that a handler that stalls ends."""
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        if request.path == "/api/tags":
            return web.json_response(self.tags)
        asked = await request.json()
        self.questions.append(asked)
        stream = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await self.generate(request, asked, stream)
        return stream

    async def _stop(self) -> None:
        self.released.set()
        assert self._runner is not None
        await self._runner.cleanup()

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
