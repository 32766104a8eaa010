"""A daemon's page, by the contract of its answers, with two agents' work of a few days and hostile text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web
from msgspec.structs import replace

import carryover.export
import carryover.faces.page
from carryover.faces.page.access import HEADERS
from carryover.faces.page.app import CONTENT_TYPES
from carryover.past import types
from carryover.publish.handoff_json import PrintedHandoff

STATIC: Final = Path(carryover.faces.page.__file__).with_name("static")
HOSTILE: Final = (
    "</script></pre><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}${alert(3)} `</code><b>` "
    "[x](javascript:alert(4)) \u202egnp.exe\u202c"
)
NOW_MS: Final = 1_795_266_000_000
MINUTE: Final = 60_000
CLAUDE: Final = ("claude-code", "c0de0000-0000-4000-8000-000000000001")
CODEX: Final = ("codex", "0199a0de-cafe-7000-8000-000000000012")
T = TypeVar("T")


class Pretend:
    """What the server answers with; tests change it, and `changed` says so to the page."""

    def __init__(self) -> None:
        self.searches: list[str] = []
        self.slow: dict[str, asyncio.Event] = {}
        """Searches that are answered only when their event is set."""
        self.locked = False
        self.unread = 0
        self.projects = _known("projects", list[types.Project])
        self.handoff = _known("handoff", PrintedHandoff)
        self.revision = 1

    def changed(self) -> None:
        self.revision += 1

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/ui/api/search", self._search),
                web.get("/ui/api/revision", self._revision),
                web.get("/ui/api/{data:.+}", self._data),
                web.get("/ui/{name:.*}", self._file),
            ]
        )
        return app

    async def _file(self, request: web.Request) -> web.Response:
        file = STATIC / (request.match_info["name"] or "index.html")
        if file not in STATIC.rglob("*.*"):
            raise web.HTTPNotFound
        return web.Response(text=file.read_text("utf-8"), content_type=CONTENT_TYPES[file.suffix], headers=HEADERS)

    def _answer(self, value: object) -> web.Response:
        if self.locked:
            raise web.HTTPForbidden
        return web.Response(body=msgspec.json.encode(value), content_type="application/json")

    def _projects(self) -> types.Projects:
        return types.Projects(tuple(self.projects), transcripts=340, unread=self.unread)

    async def _data(self, request: web.Request) -> web.Response:
        match request.match_info["data"].split("/"):
            case ["me"]:
                return self._answer(_known("me", dict[str, object]))
            case ["projects"]:
                return self._answer(self._projects())
            case ["project", "1", "handoff"]:
                path = "/home/dev/code/shop/.carryover/handoff.md"
                return self._answer(types.ProjectHandoff(handoff=self.handoff, path=path, tokens=612))
            case ["project", _, "handoff"]:
                return self._answer(types.ProjectHandoff(handoff=None, path="", tokens=0))
            case ["project", _, "timeline"]:
                before = int(request.query.get("before_ms", "0")) or NOW_MS + 1
                earlier = [entry for entry in _known("timeline", list[types.Moment]) if entry.at_ms < before]
                limit = min(int(request.query["limit"]), 18)
                return self._answer(types.Timeline(tuple(earlier[:limit]), len(earlier) > limit))
            case ["sessions"]:
                return self._answer(self._sessions(request.query))
            case ["outline", agent, session] if (agent, session) in (CLAUDE, CODEX):
                return self._answer(_outline(agent))
            case ["session", agent, session] if (agent, session) in (CLAUDE, CODEX):
                return self._answer(_session(agent, int(request.query["turn"] or "30")))
        raise web.HTTPNotFound

    def _sessions(self, query: Mapping[str, str]) -> types.SessionPage:
        """A page of 250 sessions, of two agents in turns, an hour apart."""
        listed = [_listed(number) for number in range(250)]
        begin, end = int(query.get("since_ms", "0")), int(query.get("until_ms", str(NOW_MS + 1)))
        wanted = [
            (number, each)
            for number, each in enumerate(listed)
            if query.get("agent", each.agent) == each.agent and each.last_ms >= begin and each.started_ms < end
        ]
        after = int(query.get("after", "0,-1").split(",")[1])
        page = [(number, each) for number, each in wanted if number > after]
        limit = int(query["limit"])
        return types.SessionPage(
            sessions=tuple(each for _, each in page[:limit]),
            after=(1, page[limit - 1][0]) if len(page) > limit else None,
            agents={"codex": 125, "claude-code": 125},
        )

    async def _search(self, request: web.Request) -> web.Response:
        words = request.query["q"]
        self.searches.append(words)
        if words in self.slow:
            await self.slow[words].wait()
        hits = []
        for hit in _known("hits", list[types.Hit]):
            before, _, after = hit.excerpt or ("", "", "")
            hits.append(replace(hit, excerpt=(before, words, after), title=HOSTILE))
        found = () if words == "nothing" else tuple(hits)
        note = "No entry has 'recipt', these have 'receipt'." if words == "recipt" else ""
        return self._answer(types.Search(query=words, project=None, hits=found, note=note))

    async def _revision(self, _request: web.Request) -> web.Response:
        return self._answer({"revision": self.revision})


@asynccontextmanager
async def serving(pretend: Pretend, port: int = 0) -> AsyncIterator[str]:
    """Serves the page, and gives its address."""
    runner = web.AppRunner(pretend.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/ui/"
    finally:
        await runner.cleanup()


_ANSWERS: Final[dict[str, Any]] = json.loads(
    Path(__file__).with_name("pretend.json").read_text("utf-8").replace("@HOSTILE@", json.dumps(HOSTILE)[1:-1])
)


def _known(name: str, kind: type[T]) -> T:
    return msgspec.convert(_ANSWERS[name], kind)


def _session(agent: str, turn: int) -> types.SessionAnswer:
    first = max(1, min(turn, 30) - 2)
    return types.SessionAnswer(
        session=replace(
            _listed(1 if agent == "codex" else 0),
            title="Add a discount to the cart" if agent == "claude-code" else HOSTILE,
        ),
        first_turn=first,
        turns=tuple(_turn(number) for number in range(first, min(first + 5, 31))),
        total_turns=30,
    )


def _listed(number: int) -> types.Session:
    agent, session = CODEX if number % 2 else CLAUDE
    last_ms = NOW_MS - number * 60 * MINUTE
    return types.Session(
        agent=agent,
        agent_name={"codex": "Codex CLI"}.get(agent, "Claude Code"),
        id=session if number < 2 else f"{session}-{number}",
        short=session[:8],
        title=HOSTILE if number == 1 else f"Add a discount, part {number}",
        project="/home/dev/code/shop",
        project_id=1,
        started_ms=last_ms - 30 * MINUTE,
        last_ms=last_ms,
        prompts=number % 7 + 1,
        files=number % 5,
        tests=("", "pass", "fail")[number % 3],
    )


def _outline(agent: str) -> types.SessionAnswer:
    known = _known("outline", dict[str, Any])
    turns = msgspec.convert(known["turns"], tuple[types.SessionTurn, ...])
    files = msgspec.convert(known["files"], tuple[types.FileOfSession, ...])
    return types.SessionAnswer(session=_session(agent, 30).session, turns=turns, total_turns=len(turns), files=files)


def _turn(number: int) -> types.SessionTurn:
    said = "Go on with the receipt, then run all tests." if number == 14 else f"Prompt {number}: show it. {HOSTILE}"
    at_ms = NOW_MS - (30 - number) * 8 * MINUTE
    parts = [{"kind": "user", "at_ms": at_ms, "heading": "You", "text": said}, *_ANSWERS["turn_parts"]]
    return msgspec.convert({"number": number, "at_ms": at_ms, "parts": parts}, types.SessionTurn)
