"""The routes of the local page, below `/ui/` on the daemon's port.

    GET  /ui/?key=K                       sets the cookie, at the key's host; every other address needs it
    GET  /ui/, /ui/NAME  the page and its files
    GET  /ui/api/me, projects, project/ID/{handoff,timeline}, search
    GET  /ui/api/sessions, session/AGENT/ID, outline/AGENT/ID
    GET  /ui/api/revision                 a number that grows with each change

Answers are made by a thread of the page's own, one after the other, so that a busy page does not delay hooks. Searches
have two others: what is typed need not wait for a page that is being loaded, nor for another browser's search.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from carryover.agents import agent_names
from carryover.daemon.context import DaemonContext
from carryover.daemon.own_page import PageKey
from carryover.errors import ExitCode, UserError, visible
from carryover.faces.page.access import COOKIE, HEADERS, Access, Visitor, is_of_the_page, may_ask, no_entry
from carryover.past import projects
from carryover.past.outline import session_outline, session_turns
from carryover.past.search import search_page
from carryover.past.sessions import session_page
from carryover.past.timeline import timeline_page
from carryover.probe.looks import Silent, look_at

PREFIX: Final = "/ui/"
_API: Final = "/ui/api/"
_SEARCH: Final = "/ui/api/search"
_OFF: Final = (
    "The page is turned off: [server] page is false in config.toml. `carryover config server.page true` turns it on."
)
_MISSING: Final = (
    "The page's files can't be read in this installation of Carryover. Handoffs are kept fresh all the same. "
    "Install Carryover again, then run `carryover restart`."
)
MOST_WAITING: Final = 24
"""Maximum number of requests that wait for a thread; others are told to come back."""
CONTENT_TYPES: Final = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_T = TypeVar("_T")
Read = Callable[[sqlite3.Connection], msgspec.Struct | None]
"""Makes an answer; None if what is asked for does not exist."""


class PageApp:
    """The page of `carryover ui`, in the daemon: gives keys to it, and answers its requests.

    page = PageApp(context, Access(context.clock))
    key = await page.key()  # for `carryover ui`
    if page.is_at(request.path):
        response = await page.answer(request)
    page.close()  # at the end
    """

    def __init__(self, context: DaemonContext, access: Access) -> None:
        """Reads the page's files. Blocks."""
        self._context = context
        # By name: nothing else of the disk can be asked for.
        self._files: dict[str, bytes] = {}
        try:
            self._files = _read_files(files("carryover.faces.page").joinpath("static"))
        except OSError as error:  # a broken installation must not keep the daemon from starting
            context.log.error("page_not_read", error)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="page")
        self._searcher = ThreadPoolExecutor(2, thread_name_prefix="page-search")
        self._waiting = 0
        self.access = access

    def is_at(self, path: str) -> bool:
        """Whether the path is one of the page's, and the settings have a page."""
        return self._context.config.server.page and f"{path}/".startswith(PREFIX)

    def hosts(self) -> Collection[str]:
        """Returns the hosts below which the page may be asked for now."""
        return self.access.hosts()

    async def key(self) -> PageKey:
        """Returns a key. Raises UserError (REFUSED) if there is no page, and says why."""
        if not self._context.config.server.page or not self._files:
            raise UserError(_MISSING if self._context.config.server.page else _OFF, ExitCode.REFUSED)
        return self.access.new_key()

    def no_entry(self) -> web.Response:
        """Returns the answer to who may not see the page. It says how to open one."""
        return no_entry()

    def end(self) -> None:
        """Ends all visits, as the port is given up: whoever has it next may be shown their cookies."""
        self.access.end()

    def close(self) -> None:
        """Takes no more work. Doesn't wait."""
        for pool in (self._reader, self._searcher):
            pool.shutdown(wait=False, cancel_futures=True)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers a request for an address below `PREFIX`, whose host and origin were found to be ours."""
        try:
            answer = await self._answer(request)
        except web.HTTPException as error:
            answer = web.json_response({"error": error.reason}, status=error.status)
        except projects.UnknownProject:
            answer = web.json_response({"error": "Not Found"}, status=404)
        except UserError as error:
            answer = web.json_response({"error": str(error)}, status=409)
        answer.headers.update(HEADERS)
        return answer

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        visitor = self.access.visitor(request)
        if visitor is None and not self.access.has_key(request):
            return no_entry()
        if not (is_of_the_page(request) if self._is_public(request) else await asyncio.to_thread(may_ask, request)):
            raise web.HTTPForbidden(reason="only the page itself is answered")
        if request.path == PREFIX and request.method == "GET" and "key" in request.query:
            return _welcome(self.access.admit(request))
        if visitor is None:
            return no_entry()
        if request.path + "/" == PREFIX:
            return _welcome(None)
        if not request.path.startswith(_API):
            return self._file(request.method, request.path.removeprefix(PREFIX) or "index.html")
        if request.path == _SEARCH and request.method == "GET":
            return await self._search(request)
        return await self._data(request, request.path.removeprefix(_API).split("/"))

    def _is_public(self, request: web.Request) -> bool:
        """Whether a file of the page is asked for, which all who have Carryover have: whose process asks is not found
        out, since for each of twenty files that takes longer than the answer."""
        name = request.path.removeprefix(PREFIX) or "index.html"
        return request.method == "GET" and "key" not in request.query and name in self._files

    def _file(self, method: str, name: str) -> web.Response:
        if name not in self._files or method != "GET":
            raise web.HTTPNotFound
        return web.Response(body=self._files[name], content_type=CONTENT_TYPES[Path(name).suffix], charset="utf-8")

    async def _data(self, request: web.Request, path: list[str]) -> web.StreamResponse:
        match (request.method, *path):
            case ("GET", "me"):
                home = visible(str(self._context.home))
                return web.json_response({"agents": {**agent_names()}, "now_ms": self._context.now_ms(), "home": home})
            case ("GET", "projects"):
                context = self._context
                listed = partial(projects.listed_projects, config=context.config, now_ms=context.now_ms())
                transcripts, unread = context.transcripts, context.unread()
                return await self._read(partial(listed, transcripts=transcripts, unread=unread))
            case ("GET", "project", number, what):
                return await self._project(request, _number(number), what)
            case ("GET", "sessions"):
                return await self._sessions(request)
            case ("GET", "outline", agent, *native_id):
                return await self._read(lambda db: session_outline(db, agent, "/".join(native_id)))
            case ("GET", "session", agent, *native_id):
                turn = _number_in(request, "turn")
                return await self._read(lambda db: session_turns(db, agent, "/".join(native_id), turn))
            case ("GET", "revision"):
                return web.json_response({"revision": self._context.ledger.revision})
            case _:
                raise web.HTTPNotFound

    async def _project(self, request: web.Request, number: int, what: str) -> web.StreamResponse:
        context, now_ms = self._context, self._context.now_ms()
        before_ms, limit = _number_in(request, "before_ms"), _number_in(request, "limit") or 100
        answers: Mapping[str, Callable[[sqlite3.Connection, projects.ProjectRow], msgspec.Struct]] = {
            "handoff": lambda db, row: projects.project_handoff(db, row, context.config, now_ms=now_ms),
            "timeline": lambda db, row: timeline_page(db, row, before_ms=before_ms, limit=limit),
        }
        if what not in answers:
            raise web.HTTPNotFound

        def root() -> str:
            with context.read_ledger() as db:
                return projects.project_here(db, number).root

        folder = await self._in_thread(root)
        return await self._read(lambda db: answers[what](db, projects.project_here(db, number)), folder=folder)

    async def _sessions(self, request: web.Request) -> web.StreamResponse:
        """Answers with a page of sessions: of a `project`, of an `agent`, in a period; `after` those before."""
        page = partial(
            session_page,
            project_id=_number_in(request, "project"),
            limit=_number_in(request, "limit") or 100,
            agent=request.query.get("agent") or None,
            since_ms=_number_in(request, "since_ms"),
            until_ms=_number_in(request, "until_ms"),
            after=_place(request.query.get("after", "")),
        )
        return await self._read(page)

    async def _search(self, request: web.Request) -> web.StreamResponse:
        words, project_id = request.query.get("q", ""), _number_in(request, "project")
        limit, now_ms = _number_in(request, "limit") or 20, self._context.now_ms()
        search = partial(search_page, typed=words, project_id=project_id, limit=limit, now_ms=now_ms)
        return await self._read(search, self._searcher)

    async def _read(self, read: Read, pool: Executor | None = None, folder: str | None = None) -> web.StreamResponse:
        """Answers with what is read from the ledger, and from the folder `folder`."""

        def answer() -> bytes:
            with self._context.read_ledger() as db:
                record = read(db)
            if record is None:
                raise web.HTTPNotFound
            return msgspec.json.encode(record)

        try:
            work = answer if folder is None else partial(look_at, folder, answer)
            return web.Response(body=await self._in_thread(work, pool), content_type="application/json")
        except Silent as error:
            raise web.HTTPServiceUnavailable(reason=f"{folder}: {error.strerror}") from error

    async def _in_thread(self, work: Callable[[], _T], pool: Executor | None = None) -> _T:
        if self._waiting >= MOST_WAITING:
            raise web.HTTPServiceUnavailable(reason="too many requests at once")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(pool or self._reader, work)
        finally:
            self._waiting -= 1


def _read_files(folder: Traversable) -> dict[str, bytes]:
    """Returns the files that a page is made of, by their names."""
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if Path(entry.name).suffix in CONTENT_TYPES}


def _welcome(visitor: Visitor | None) -> web.Response:
    answer = web.Response(status=303, headers={"Location": PREFIX})
    if visitor is not None:
        answer.headers["Clear-Site-Data"] = '"storage"'  # with its workers; there can be none at a new host
        answer.set_cookie(COOKIE, visitor.cookie, path="/ui", httponly=True, samesite="Strict")
    return answer


def _number_in(request: web.Request, name: str) -> int | None:
    text = request.query.get(name, "")
    return _number(text) if text else None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise web.HTTPBadRequest
    return int(text)


def _place(text: str) -> tuple[int, int] | None:
    """Returns the two numbers after which a list goes on."""
    if not text:
        return None
    last_ms, _, row_id = text.partition(",")
    return _number(last_ms), _number(row_id)
