"""A daemon's page, by its contract (`carryover.page.answers`), with two agents' work of a few days and hostile text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec
from aiohttp import web

import carryover.page
from carryover.page import answers

STATIC: Final = Path(carryover.page.__file__).with_name("static")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_TYPES: Final = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
HOSTILE: Final = (
    "</script></pre><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}${alert(3)} `</code><b>` "
    "[x](javascript:alert(4)) \u202egnp.exe\u202c"
)
NOW_MS: Final = 1_795_266_000_000
MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
CLAUDE: Final = ("claude-code", "c0de0000-0000-4000-8000-000000000001")
CODEX: Final = ("codex", "0199a0de-cafe-7000-8000-000000000012")
DIFF: Final = """\
@@ -12,4 +12,7 @@ def total(cart):
     subtotal = sum(line.cents for line in cart)
-    return subtotal
+    discount = cart.discount_cents
+    if discount > subtotal:
+        raise ValueError("a discount beyond the total")
+    return subtotal - discount"""


class Pretend:
    """What the server answers with; tests change it, and `changed` says so to the page."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []
        self.searches: list[str] = []
        self.slow: dict[str, asyncio.Event] = {}
        """Searches that are answered only when their event is set."""
        self.locked = False
        self.projects = list(projects())
        self.handoff = list(handoff_lines())
        self._streams: set[web.StreamResponse] = set()

    async def changed(self, project: int) -> None:
        for stream in self._streams:
            await stream.write(b'event: project\ndata: {"id": %d}\n\n' % project)

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/ui/", self._index),
                web.get("/ui/api/me", self._me),
                web.get("/ui/api/projects", self._projects),
                web.get("/ui/api/project/{id}/handoff", self._handoff),
                web.get("/ui/api/project/{id}/timeline", self._timeline),
                web.get("/ui/api/project/{id}/work", self._work),
                web.get("/ui/api/session/{agent}/{session}", self._session),
                web.get("/ui/api/search", self._search),
                web.get("/ui/api/health", self._health),
                web.get("/ui/api/changes", self._changes),
                web.post("/ui/api/command", self._command),
                web.get("/ui/{name}", self._index),
            ]
        )
        return app

    async def _index(self, request: web.Request) -> web.Response:
        file = STATIC / request.match_info.get("name", "index.html")
        if file.name not in {path.name for path in STATIC.iterdir()}:
            raise web.HTTPNotFound
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return web.Response(text=file.read_text("utf-8"), content_type=_TYPES[file.suffix], headers=headers)

    def _answer(self, value: object) -> web.Response:
        if self.locked:
            raise web.HTTPForbidden
        return web.Response(body=msgspec.json.encode(value), content_type="application/json")

    async def _me(self, request: web.Request) -> web.Response:
        names = (
            ("aider", "Aider"),
            ("claude-code", "Claude Code"),
            ("codex", "Codex CLI"),
            ("copilot", "GitHub Copilot"),
        )
        more = ("cursor", "Cursor"), ("gemini-cli", "Gemini CLI"), ("opencode", "opencode"), ("windsurf", "Windsurf")
        agents = tuple(answers.AgentName(*name) for name in (*names, *more))
        startable = ("claude-code", "codex", "gemini-cli")
        return self._answer(
            answers.Me(
                token="t0ken", version="0.1.0", agents=agents, now_ms=NOW_MS, home="/home/dev", startable=startable
            )
        )

    async def _projects(self, request: web.Request) -> web.Response:
        return self._answer(answers.Projects(tuple(self.projects)))

    async def _handoff(self, request: web.Request) -> web.Response:
        lines = tuple(self.handoff) if request.match_info["id"] == "1" else ()
        path = "/home/dev/code/shop/.carryover/handoff.md" if lines else ""
        return self._answer(answers.HandoffAnswer(made_ms=NOW_MS, path=path, tokens=612 if lines else 0, lines=lines))

    async def _timeline(self, request: web.Request) -> web.Response:
        before = int(request.query.get("before_ms", "0")) or NOW_MS + 1
        earlier = [entry for entry in timeline() if entry.at_ms < before]
        limit = min(int(request.query["limit"]), 18)
        return self._answer(answers.TimelineAnswer(tuple(earlier[:limit]), len(earlier) > limit))

    async def _work(self, request: web.Request) -> web.Response:
        return self._answer(work())

    async def _session(self, request: web.Request) -> web.Response:
        agent, session = request.match_info["agent"], request.match_info["session"]
        if (agent, session) not in (CLAUDE, CODEX):
            raise web.HTTPNotFound
        wanted = max(1, min(int(request.query["turn"] or "30"), 30))
        first = max(1, wanted - 2)
        return self._answer(
            answers.SessionAnswer(
                agent=agent,
                agent_name={"codex": "Codex CLI"}.get(agent, "Claude Code"),
                session=session,
                title="Add a discount to the cart" if agent == "claude-code" else HOSTILE,
                root="/home/dev/code/shop",
                project=1,
                first_turn=first,
                turns=tuple(turn(number) for number in range(first, min(first + 5, 31))),
                total_turns=30,
            )
        )

    async def _search(self, request: web.Request) -> web.Response:
        words = request.query["q"]
        self.searches.append(words)
        if words in self.slow:
            await self.slow[words].wait()
        hits = [] if words == "nothing" else [hit(number, words) for number in range(1, 13)]
        return self._answer(answers.SearchAnswer(hits=tuple(hits), more=False, took_ms=7))

    async def _health(self, request: web.Request) -> web.Response:
        finding = {
            "check": "hooks",
            "level": "wrong",
            "what": "Hooks of Codex CLI are not reviewed.",
            "why": "Codex runs a new hook only after you trusted it, so its sessions start without the handoff.",
            "do": "Start `codex` once and choose “Trust all”.",
        }
        todo = {
            **finding,
            "level": "todo",
            "what": HOSTILE,
            "why": "A pointer can't be written there.",
            "do": "Run `x`.",
        }
        return self._answer({"healthy": False, "findings": [finding, todo], "repairs": [], "update": "uv tool upgrade"})

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(b": here\n\n")
        self._streams.add(stream)
        try:
            await asyncio.Event().wait()
        finally:
            self._streams.discard(stream)
        return stream

    async def _command(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Carryover-Token") != "t0ken":
            raise web.HTTPForbidden
        asked = msgspec.json.decode(await request.read(), type=answers.CommandAsked)
        self.commands.append(msgspec.to_builtins(asked))
        if asked.command == "pause":
            self.projects[0] = msgspec.structs.replace(self.projects[0], is_paused=True)
        line = f"carryover to {asked.agent} {quote('/home/dev/code/shop')}" if asked.command == "to" else ""
        output = "2 sessions of 1 project, 37 turns: Claude Code, Codex CLI." if asked.preview else ""
        return self._answer(
            answers.CommandAnswer(argv=("carryover",), ok=True, output=output, line=line, was_run=not asked.preview)
        )


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


def projects() -> list[answers.Project]:
    def one(number: int, name: str, agent: tuple[str, str], minutes: int, **more: Any) -> answers.Project:
        return answers.Project(
            id=number,
            root=f"/home/dev/code/{name}",
            name=name,
            agent=agent[0],
            agent_name=agent[1],
            last_ms=NOW_MS - minutes * MINUTE,
            has_handoff=True,
            **more,
        )

    claude, codex, gemini = ("claude-code", "Claude Code"), ("codex", "Codex CLI"), ("gemini-cli", "Gemini CLI")
    limit = answers.Reset("codex", NOW_MS + 95 * MINUTE)
    return [
        one(
            1,
            "shop",
            claude,
            3,
            waits_for="you",
            waits_since_ms=NOW_MS - 3 * MINUTE,
            sessions=14,
            asks="Shall the receipt show the discount in percent, too?",
        ),
        one(
            2,
            "ledger-sync",
            codex,
            26,
            waits_for="a limit",
            waits_since_ms=NOW_MS - 26 * MINUTE,
            sessions=5,
            limit=limit,
        ),
        one(3, "docs", gemini, 190, waits_for="approval", waits_since_ms=NOW_MS - 190 * MINUTE, sessions=2),
        one(4, HOSTILE, claude, 1500, sessions=1),
        one(5, "old-experiment", codex, 30_000, sessions=1, is_paused=True),
    ]


def handoff_lines() -> list[answers.HandoffLine]:
    def source(kind: str, agent: tuple[str, str], number: int) -> answers.LineSource:
        return answers.LineSource(kind=kind, agent=agent[0], session=agent[1], turn=number, at_ms=NOW_MS - HOUR)

    def line(text: str, *sources: answers.LineSource) -> answers.HandoffLine:
        return answers.HandoffLine(text=text, kind="line", sources=sources)

    def title(text: str) -> answers.HandoffLine:
        return answers.HandoffLine(text=f"## {text}", kind="title")

    head = "# Handoff: shop\n\nRead this before you begin. Ask the user one question: continue from here?".split("\n")
    return [
        *(answers.HandoffLine(text=text, kind="head") for text in head),
        title("Task"),
        line(
            "- First prompt (turn 1, 3 h earlier): Add a discount to the cart: whole cents, never floats. Tests beside "
            "the code, and no new dependency.",
            source("prompt", CLAUDE, 1),
        ),
        line(
            "- Prompt (turn 12, 40 min earlier): 1, and no cap. Show the discount on the receipt too.",
            source("prompt", CODEX, 12),
        ),
        line("- Newest prompt (turn 14): Go on with the receipt, then run all tests.", source("prompt", CLAUDE, 14)),
        title("Where it stands"),
        line(
            "- Claude Code's turn 14: no answer recorded after 2 calls; last test run (4 min earlier) "
            "`python3 -m pytest -q`: failed (4 passed, 1 failed)",
            source("ending", CLAUDE, 14),
            source("test run", CODEX, 13),
        ),
        line("- In flight, no result recorded: `python3 -m pytest -q`", source("in flight", CLAUDE, 14)),
        line(f"- {HOSTILE}", source("last words", CODEX, 13)),
        title("Open questions"),
        line(
            "- Tests fail in tests/test_receipt.py::test_total: KeyError: 'discount'; not run again since `receipt.py` "
            "changed",
            source("open tests", CLAUDE, 13),
        ),
        title("Recent files"),
        line("- `receipt.py`: edited 2 times, failing before this edit", source("file", CLAUDE, 14)),
        line("- `cart.py`: edited 8 min earlier, tests pass", source("file", CODEX, 12)),
        line("- Uncommitted: 2 files changed, on branch `discount`", answers.LineSource(kind="git")),
        title("Do not redo"),
        line(
            "- `pip install moneyed` failed: ERROR: No matching distribution found for moneyed",
            source("failed", CODEX, 13),
        ),
    ]


def timeline() -> list[answers.Entry]:
    found: list[answers.Entry] = []

    def entry(
        minutes: float, agent: tuple[str, str], kind: Any, number: int, text: str, detail: str = "", diff: str = ""
    ) -> None:
        at_ms = NOW_MS - int(minutes * MINUTE)
        found.append(
            answers.Entry(
                at_ms=at_ms,
                kind=kind,
                agent=agent[0],
                session=agent[1],
                turn=number,
                text=text,
                detail=detail,
                diff=diff,
            )
        )

    entry(3, CLAUDE, "edit", 14, "Edited receipt.py +4 -1", "", DIFF)
    entry(4, CLAUDE, "tests", 14, "python3 -m pytest -q", "fail")
    entry(5, CLAUDE, "edit", 14, "Edited receipt.py +4 -1", "", DIFF)
    entry(
        6,
        CLAUDE,
        "edit",
        14,
        "Added tests/test_receipt.py +2",
        "",
        "@@ -0,0 +1,2 @@\n+def test_total():\n+    assert total([]) == 0",
    )
    entry(8, CLAUDE, "prompt", 14, "Go on with the receipt, then run all tests.")
    entry(9, CLAUDE, "handover", 0, "codex")
    entry(9, CLAUDE, "session", 0, "Finish the receipt")
    entry(26, CODEX, "limit", 13, "You've hit your usage limit. Try again at 2:35 PM.")
    entry(31, CODEX, "commit", 13, "Show the discount on the receipt", "3f2a9c81d0")
    entry(33, CODEX, "tests", 13, "python3 -m pytest -q tests/test_cart.py", "pass")
    entry(40, CODEX, "prompt", 12, "1, and no cap. Show the discount on the receipt too.")
    entry(44, CODEX, "prompt", 11, HOSTILE)
    for day in range(1, 9):
        entry(day * 1440 + 20, CODEX, "edit", 9, f"Edited {HOSTILE}", "", f"-{HOSTILE}\n+{HOSTILE}")
        entry(day * 1440 + 30, CODEX, "prompt", 9, f"Which of the two rounds correctly? (day {day})")
        entry(day * 1440 + 60, CODEX, "note", 0, "From ChatGPT: half-even is what the accountants want")
    return found


def work() -> answers.Work:
    days = []
    for back in range(30, -1, -1):
        turns = {"claude-code": (back * 7) % 13, "codex": (back * 5) % 8 if back < 20 else 0, "gemini-cli": back % 3}
        shown = {agent: number for agent, number in turns.items() if number}
        if back % 7 not in (5, 6) and shown:
            days.append(answers.Day(_day(NOW_MS - back * DAY), shown))
    limits = tuple(
        answers.LimitReached(NOW_MS - back * DAY, "codex", NOW_MS - back * DAY + 2 * HOUR) for back in (16, 8, 1)
    )
    sections = (
        ("Task", 210),
        ("Where it stands", 148),
        ("Open questions", 70),
        ("Recent files", 96),
        ("Do not redo", 60),
    )
    return answers.Work(
        days=tuple(days), limits=limits, handoff_tokens=tuple(answers.SectionTokens(*each) for each in sections)
    )


def _day(at_ms: int) -> str:
    from datetime import datetime

    return f"{datetime.fromtimestamp(at_ms / 1000):%Y-%m-%d}"  # noqa: DTZ006 (a local day, as the page counts them)


def turn(number: int) -> answers.Turn:
    part = answers.Part
    said = (
        "Go on with the receipt, then run all tests."
        if number == 14
        else f"Prompt {number}: show the discount. {HOSTILE}"
    )
    return answers.Turn(
        number=number,
        at_ms=NOW_MS - (30 - number) * 8 * MINUTE,
        parts=(
            part(kind="user", text=said),
            part(
                kind="thinking", text="The receipt has its own rounding, so both must agree.\nLook at the tests first."
            ),
            part(kind="call", name="Bash", text="python3 -m pytest -q"),
            part(kind="result", name="Bash", text=f"....F\nKeyError: 'discount'\n{HOSTILE}", is_error=True),
            part(kind="edit", name="Edited receipt.py", diff=f"{DIFF}\n+{HOSTILE}"),
            part(
                kind="agent",
                name="",
                text="The total came before the discount.\n\n## What changed\n- `receipt.py` reads **discount**\n\n"
                f"```python\ntotal = cart.total()\n{HOSTILE}\n```\nShall I run all tests? {HOSTILE}",
            ),
        ),
    )


def hit(number: int, words: str) -> answers.SearchHit:
    agent, session = CLAUDE if number % 2 else CODEX
    return answers.SearchHit(
        project=1,
        root="/home/dev/code/shop",
        agent=agent,
        session=session,
        turn=number,
        at_ms=NOW_MS - number * HOUR,
        kind="prompt" if number % 3 else "path",
        before="… the receipt shows the " if number > 1 else HOSTILE,
        words=words,
        after=" below the subtotal, in whole cents, and never more than the total …",
    )
