"""Tells open pages what has changed, as server-sent events. Used on the event loop only."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

COMMENT_S: Final = 20.0
"""Interval of comment lines, by which both ends notice that the other is gone."""
GAP_S: Final = 0.2
"""Shortest time between two events, so that the first read of a long history doesn't flood the page."""
_MOST_STREAMS: Final = 32


class _Stream:
    """The events that one open page has yet to get.

    >>> stream = _Stream()
    >>> stream.end()
    >>> stream.ended, stream.woken.is_set()
    (True, True)
    """

    def __init__(self) -> None:
        self.waiting: dict[bytes, None] = {}
        self.ended = False
        self.woken = asyncio.Event()

    def end(self) -> None:
        self.ended = True
        self.woken.set()


class Changes:
    """The open streams of events.

    changes = Changes()
    await changes.send(request, response)  # until the page is closed
    changes.project(1)  # meanwhile: all open pages ask for project 1 again
    """

    def __init__(self, *, comment_s: float = COMMENT_S, gap_s: float = GAP_S) -> None:
        self.streams: dict[_Stream, None] = {}
        self._comment_s, self._gap_s = comment_s, gap_s

    def project(self, project_id: int) -> None:
        """Tells that the content or the handoff of a project has changed."""
        event = b'event: project\ndata: {"id":%d}\n\n' % project_id
        for stream in self.streams:
            stream.waiting[event] = None
            stream.woken.set()

    def end(self) -> None:
        """Ends all streams."""
        for stream in self.streams:
            stream.end()

    async def send(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """Sends events as the body of `response` until the page is closed or `end` is called."""
        if len(self.streams) >= _MOST_STREAMS:
            # Probably of a page that was closed, which is noticed at the next write.
            next(iter(self.streams)).end()
        stream = _Stream()
        self.streams[stream] = None
        try:
            await response.prepare(request)
            await response.write(b": open\n\n")
            while not stream.ended:
                try:
                    async with asyncio.timeout(self._comment_s):
                        await stream.woken.wait()
                    events = b"".join(stream.waiting)
                    stream.waiting.clear()
                    stream.woken.clear()
                    await response.write(events)
                    await asyncio.sleep(self._gap_s)
                except TimeoutError:
                    await response.write(b": still here\n\n")
        except ConnectionResetError:
            pass  # the page was closed
        finally:
            del self.streams[stream]
        return response
