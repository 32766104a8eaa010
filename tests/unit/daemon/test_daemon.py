from __future__ import annotations

import asyncio
import signal
from contextlib import ExitStack

from carryover.config import Config, ServerConfig
from carryover.daemon.client import wait_for_daemon
from carryover.daemon.context import DaemonContext
from carryover.daemon.daemon import Daemon
from carryover.daemon.lock import acquire_daemon_lock
from carryover.daemon.supervisor import SystemdNotifier
from carryover.faces.page import page_for
from carryover.ledger.queries import projects
from support.claude_session import ClaudeSession
from support.clock import BEGAN_MS
from support.daemon_process import handoff_of
from support.repository import git, repository

YEAR_MS = 365 * 86_400_000


async def test_after_the_clock_was_set_back_it_still_says_how_long_it_runs(context: DaemonContext) -> None:
    context.config = Config(server=ServerConfig(port=0))
    context.now_ms = lambda: BEGAN_MS
    daemon = Daemon(context, SystemdNotifier({}, context.log), page=page_for)
    context.now_ms = lambda: BEGAN_MS - YEAR_MS

    with ExitStack() as stack:
        stack.callback(acquire_daemon_lock(context.state, started_ms=BEGAN_MS).release)
        async with asyncio.TaskGroup() as group:
            group.create_task(daemon.run(once=False, stopping=lambda: None))
            health, _ = await asyncio.to_thread(wait_for_daemon, context.state, 20)
            daemon.stop(signal.SIGTERM)

    assert health is not None and 0 < health.uptime_s < 60


async def test_a_checkout_while_no_daemon_ran_is_published_by_the_next(
    context: DaemonContext, session: ClaudeSession
) -> None:
    git(repository(session.cwd, {"cart.py": ""}), "switch", "--quiet", "--create", "feature/x")
    session.prompt("Add a discount function")

    async def published() -> tuple[bool, int]:
        await Daemon(context, SystemdNotifier({}, context.log), page=page_for).run(once=True, stopping=lambda: None)
        with context.read_ledger() as db:
            [project] = projects(db)
        return "branch feature/y at" in handoff_of(session.cwd), project.handoff_ms or 0

    with ExitStack() as stack:
        stack.callback(acquire_daemon_lock(context.state, started_ms=BEGAN_MS).release)
        first, again = await published(), await published()
        assert again == first and not first[0]
        git(session.cwd, "switch", "--quiet", "--create", "feature/y")
        assert (await published())[0]


async def test_a_second_page_that_a_daemon_did_not_get_to_is_made_by_the_next(
    context: DaemonContext, session: ClaudeSession
) -> None:
    session.prompt("Add a discount function")
    session.run("make discount", "made")
    page = session.cwd / ".carryover" / "more.md"

    with ExitStack() as stack:
        stack.callback(acquire_daemon_lock(context.state, started_ms=BEGAN_MS).release)
        for _ in range(2):
            await Daemon(context, SystemdNotifier({}, context.log), page=page_for).run(once=True, stopping=lambda: None)
            assert "make discount" in page.read_text()
            page.unlink()


async def test_nothing_waits_to_be_read_before_a_daemon_has_looked(context: DaemonContext) -> None:
    assert (context.transcripts, context.unread()) == (0, 0)
