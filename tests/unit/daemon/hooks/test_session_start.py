"""What sessions that start at about the same time share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Final
from unittest.mock import Mock, call

import pytest

from carryover.config import Config, ProjectsConfig
from carryover.daemon.context import DaemonContext
from carryover.daemon.hooks.dispatch import HookReply
from carryover.daemon.hooks.session_start import SHARED_MS
from support.claude_session import ClaudeSession
from support.hook_client import start_after
from support.hook_desk import HookDesk, hanging
from support.repository import repository

AT_ONCE: Final = 64
MOMENT_MS: Final = 1_800_000_000_000
DIFF: Final = "diff"
"""Git is asked for it once for each answer that is made."""


class Starts:
    """Sessions that start in a repository in which another one has worked; the clock stands still."""

    def __init__(self, context: DaemonContext, session: ClaudeSession) -> None:
        self.now_ms = MOMENT_MS
        context.now_ms = lambda: self.now_ms
        self.desk = HookDesk(context)
        self.session = session

    async def first(self, started: list[list[str]]) -> None:
        """One after which all is read and published, and counted from."""
        await self.one()
        await self.desk.publisher.flush()
        await self.one()
        started.clear()

    async def at_once(self, number: int) -> list[HookReply]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.one()) for _ in range(number)]
        return [task.result() for task in tasks]

    async def one(self, **more: str) -> HookReply:
        payload = json.dumps(start_after(self.session, **more)).encode()
        return await self.desk.hooks.call("claude-code", "SessionStart", payload)


@pytest.fixture
async def starts(context: DaemonContext, session: ClaudeSession) -> Starts:
    repository(session.cwd, {"cart.py": "1\n"})
    session.prompt("Add a discount function")
    return Starts(context, session)


def made(started: Sequence[list[str]]) -> int:
    return sum(DIFF in line for line in started)


async def test_64_sessions_that_start_at_once_get_one_answer_that_is_made_once(
    starts: Starts, started: list[list[str]]
) -> None:
    async with starts.desk.at_work():
        await starts.first(started)
        starts.now_ms += SHARED_MS
        starts.desk.publisher.forget_texts()  # which a loaded machine may give some of them instead
        replies = await starts.at_once(AT_ONCE)

    answers = {reply.body for reply in replies if reply.status == 200}
    assert len(answers) == 1
    assert b"discount function" in answers.pop()
    assert made(started) == 1


@pytest.mark.parametrize(("changed", "status"), [(None, 200), ("reason", 503), ("settings", 503), ("forgotten", 503)])
async def test_what_cant_be_made_in_time_is_the_last_handoff_while_that_may_be_given(
    starts: Starts, context: DaemonContext, changed: str | None, status: int
) -> None:
    async with starts.desk.at_work():
        await starts.first([])
        await starts.desk.publisher.flush()
        if changed == "settings":
            context.use(Config())
        elif changed == "forgotten":
            starts.desk.publisher.forget_texts()
        heard = Mock()
        starts.desk.publisher.pages.want = heard  # type: ignore[method-assign]
        async with hanging(starts.desk.hooks.starts.answers):
            reply = await starts.one(source="resume" if changed == "reason" else "startup")

    assert (reply.status, b"Add a discount function" in reply.body) == (status, status == 200)
    assert heard.call_count == (status == 200), "then the second page is written, which this handoff names"


async def test_at_a_start_the_second_page_that_its_handoff_names_is_wanted(starts: Starts) -> None:
    heard = Mock()
    starts.desk.publisher.pages.want = heard  # type: ignore[method-assign]
    async with starts.desk.at_work():
        reply = await starts.one()

    assert (b"Add a discount function" in reply.body, heard.call_args_list) == (True, [call(1)])


async def test_what_was_stored_since_is_in_the_next_answer_however_soon_it_comes(starts: Starts) -> None:
    async with starts.desk.at_work():
        before = await starts.one()
        starts.session.prompt("Now the receipt")
        after = await starts.one()

    assert b"Now the receipt" not in before.body
    assert b"Now the receipt" in after.body


@pytest.mark.parametrize("passed_ms", [SHARED_MS, -SHARED_MS])
async def test_when_the_moment_has_passed_git_is_asked_again(
    starts: Starts, started: list[list[str]], passed_ms: int
) -> None:
    async with starts.desk.at_work():
        await starts.first(started)
        await starts.one()
        within = made(started)
        starts.now_ms += passed_ms
        await starts.one()

    assert (within, made(started)) == (0, 1)


async def test_a_project_that_was_excluded_since_gets_nothing(starts: Starts, context: DaemonContext) -> None:
    async with starts.desk.at_work():
        before = await starts.one()
        context.use(Config(projects=ProjectsConfig(exclude=(str(starts.session.cwd),))))
        after = await starts.one()

    assert (before.status, after.status) == (200, 204)
