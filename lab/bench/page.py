"""How soon the page of `carryover ui` is painted where thousands of sessions are recorded. Needs Chromium."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from bench.corpus import make_project
from bench.measure import Row, at, compared
from page.browser import Page
from page.chromium import CHROMIUM, chromium
from support.claude_session import ClaudeWork
from support.daemon_process import DaemonProcess, daemon_below, wait_until

_PROJECTS: Final = 60
_DAYS: Final = 300
_READ_S: Final = 1800
_FIRST: Final = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
_VIEWS: Final = {
    "the projects": ("#/", ".rows li"),
    "all sessions": ("#/sessions", ".rows li"),
    "a handoff": ("#/project/1", "a.line"),
    "a project's sessions": ("#/project/1/sessions", ".rows li"),
}
"""By its name: its address, and what it has once its content is there."""


def page(top: Path, sessions: int, rounds: int) -> Iterator[Row]:
    """Yields a row for the first paint of each view, and one for its content, beside a page without any script."""
    if CHROMIUM is None:
        yield compared("First paint in Chromium", None, None, "ms")
        return
    home = top / "page"
    make_sessions(home, sessions)
    with daemon_below(home) as running:
        wait_until("the first read", lambda: running.health()["caught_up"], limit_s=_READ_S)
        running.settle()
        bare, found = asyncio.run(_measured(running, top / "chromium", rounds))
    for number, (name, painted) in enumerate(found.items()):
        first, content = (at(times, 0.5) for times in zip(*painted, strict=True))
        key = "" if number else "page-first-paint"
        yield compared(f"Until something is painted, of {name}", first, at(bare, 0.5), "ms", key)
        yield compared(f"Until the content is painted, of {name}", content, None, "ms")


def make_sessions(home: Path, number: int) -> None:
    """Writes this many short sessions of Claude Code in sixty projects, over 300 days."""
    roots = [make_project(home / "code" / f"project-{place}") for place in range(_PROJECTS)]
    now = datetime.now(UTC) - timedelta(minutes=1)
    for place, root in enumerate(islice(cycle(roots), number)):
        ended = now - timedelta(days=_DAYS * place / number)
        session = ClaudeWork(home / ".claude" / "projects", root, now=ended)
        session.work(f"Add a discount to the cart, {place} percent")
        session.write("discount.py", f"PERCENT = {place}\n")
        session.run("pytest -q", "=== 12 passed in 1.2s ===")
        session.work("yes, and round half to even")


async def _measured(
    running: DaemonProcess, profile: Path, rounds: int
) -> tuple[list[float], dict[str, list[tuple[float, float]]]]:
    """Returns the first paints of a bare page, and of each view those and when its content was painted, in ms."""
    command = (sys.executable, "-m", "carryover.faces.cli.main", "ui", "--no-open")
    address = await asyncio.to_thread(subprocess.check_output, command, env=running.env, text=True)
    async with chromium(profile) as browser:
        await browser.show_as(width=1280)
        await browser.open(address.strip())
        place = await browser.do("location.origin + location.pathname")
        bare = [await _painted(browser, "data:text/html,<h1>Projects</h1>", "h1") for _ in range(rounds)]
        views = {
            name: [await _painted(browser, f"{place}{fragment}", content) for _ in range(rounds)]
            for name, (fragment, content) in _VIEWS.items()
        }
    return [first for first, _ in bare], views


async def _painted(browser: Page, address: str, content: str) -> tuple[float, float]:
    """Returns when something was painted, and when what the selector `content` finds was."""
    await browser.load("about:blank")
    watch = f"""new MutationObserver((_, observer) => {{
        if (!document.querySelector({json.dumps(content)})) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => {{ window.painted = performance.now(); }}));
    }}).observe(document, {{ childList: true, subtree: true }})"""
    script = (await browser.call("Page.addScriptToEvaluateOnNewDocument", source=watch))["identifier"]
    await browser.load(address)
    await browser.until(f"window.painted && {_FIRST}")
    await browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
    first, whole = await browser.do(f"[{_FIRST}, window.painted]")
    return float(first), float(whole)
