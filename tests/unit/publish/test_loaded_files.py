"""The file that an agent loads with each request stays as it is while that agent works: else its cache is lost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from carryover.agents import specs
from carryover.config import Config
from carryover.ledger.queries import Selection
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage
from carryover.paths import StateDir
from carryover.probe.looks import presume_silent
from carryover.projects.root import StatePaths
from carryover.publish.forgetting import forget_sessions, publish_here
from carryover.publish.loaded_files import CACHE_MS
from carryover.publish.publish import publish_project
from carryover.publish.store import loaded_names
from support.repository import repository
from support.scribe import Scribe

LOADS, *_ = (spec.id for spec in specs() if spec.loads_from)
MINUTE_MS = 60_000


class Project:
    """A repository, and the agents at work in it."""

    def __init__(self, home: Path, ledger: Ledger, name: str = "shop", written: int = 0) -> None:
        self.root = repository(home / "work" / name, {"a.py": "1\n"})
        self._paths = StatePaths(StateDir(home / ".carryover"), home)
        self._ledger, self._written, self._id = ledger, written, 0

    async def work(self, agent: str, session: str, task: str, at_ms: int) -> None:
        await self._told(agent, session, at_ms, task, AssistantMessage(text=f"I did it: {task}. Shall I go on?"))

    async def prompted(self, agent: str, session: str, prompt: str, at_ms: int) -> None:
        """A prompt is recorded; its first request is about to be sent."""
        await self._told(agent, session, at_ms, prompt)

    async def _told(self, agent: str, session: str, at_ms: int, *bodies: str | AssistantMessage) -> None:
        scribe = Scribe(self._ledger, agent=agent, written=self._written)
        self._written += len(bodies)
        told = [scribe.event(body, session=session, at_ms=at_ms, cwd=str(self.root)) for body in bodies]
        [self._id] = (await scribe.tell(*told, path=f"/t/{session}/{self._written}")).projects
        self.published(at_ms)

    def published(self, now_ms: int) -> bool:
        """Publishes; whether it is worth another try later."""
        return publish_project(self._paths, self._id, Config(), now_ms=now_ms).published.passing

    async def forget(self, session: str, *, writes: str) -> None:
        """Forgets a session; when it is published again, another publication has just written `writes`."""

        async def publish(again: Sequence[int], gone: Sequence[int]) -> Iterable[str]:
            if not published:
                folder = self.root / ".carryover"
                folder.mkdir(exist_ok=True)
                (folder / ("handoff.md" if gone else loaded_names()[0])).write_text(writes)
            published.append(again)
            return await publish_here(self._ledger, self._paths, Config(), again, gone)

        published: list[Sequence[int]] = []
        selection = Selection(agent="claude-code", session=session)
        await forget_sessions(self._ledger, self._paths, selection, publish)

    @property
    def handoff(self) -> str:
        return (self.root / ".carryover" / "handoff.md").read_text()

    @property
    def loaded(self) -> str:
        return (self.root / ".carryover" / loaded_names()[0]).read_text()


@pytest.fixture
def now_ms() -> int:
    """The time of the files that are written."""
    return int(time.time() * 1000)


@pytest.fixture
def project(home: Path, ledger: Ledger) -> Project:
    return Project(home, ledger)


async def test_it_changes_only_when_another_session_moved_the_project_on(project: Project, now_ms: int) -> None:
    await project.work("claude-code", "a", "Add a parser", now_ms - MINUTE_MS)
    before = project.loaded
    assert "Add a parser" in before
    assert "If this session begins now, read `.carryover/handoff.md` first: it may be newer." in before

    for step in range(3):
        await project.work(LOADS, "b", f"Round price {step}", now_ms - 1_000 + step)
        assert f"Round price {step}" in project.handoff
        assert project.loaded == before

    await project.work("claude-code", "c", "Test it", now_ms + 10 * MINUTE_MS)
    assert "Test it" in project.loaded
    assert "Round price 2" in project.loaded


@pytest.mark.parametrize("prompt", ["Hello", "Round the rest"])
async def test_a_prompt_in_another_session_brings_it_up_to_date(project: Project, now_ms: int, prompt: str) -> None:
    await project.work(LOADS, "a", "Round the price", now_ms)
    await project.work(LOADS, "a", "Add the tax", now_ms + 1_000)
    assert "Add the tax" not in project.loaded

    await project.prompted(LOADS, "b", prompt, now_ms + 2_000)

    assert "Add the tax" in project.loaded


async def test_after_a_while_without_work_nothing_is_cached_any_more(project: Project, now_ms: int) -> None:
    await project.work(LOADS, "b", "Round the price", now_ms)
    before = project.loaded
    assert "Round the price" in before, "the first work in a project makes it"
    await project.work(LOADS, "b", "Add the tax", now_ms + 1_000)
    assert project.loaded == before
    assert project.published(now_ms + 2_000), "it is tried again"

    assert not project.published(now_ms + 1_000 + CACHE_MS)
    assert "Add the tax" in project.loaded


async def test_what_is_forgotten_while_a_publication_writes_it_is_not_kept(project: Project, now_ms: int) -> None:
    """The agent is at work, so what that publication wrote after the others' work would stay."""
    await project.work("claude-code", "a", "Add zebra-4711", now_ms - MINUTE_MS)
    await project.work(LOADS, "b", "Round the price", now_ms - 1_000)
    stale = project.loaded
    assert "zebra-4711" in stale

    await project.forget("a", writes=stale)

    assert "Round the price" in project.handoff
    assert "zebra-4711" not in project.loaded


async def test_what_a_publication_writes_of_a_project_while_it_is_forgotten_is_removed(
    project: Project, now_ms: int
) -> None:
    await project.work("claude-code", "a", "Add zebra-4711", now_ms)

    await project.forget("a", writes=project.handoff)

    assert not (project.root / ".carryover" / "handoff.md").exists()


async def test_nor_is_what_it_writes_where_no_handoff_was_left_while_another_session_is_kept(
    project: Project, now_ms: int
) -> None:
    await project.work("claude-code", "a", "Add zebra-4711", now_ms - MINUTE_MS)
    await project.work("claude-code", "b", "Round the price", now_ms)
    folder = project.root / ".carryover"
    shutil.rmtree(folder)

    await project.forget("a", writes="Add zebra-4711")

    assert [path.name for path in folder.glob("*.md")] == []


async def test_a_copy_that_came_with_the_folder_does_not_stay(home: Path, ledger: Ledger, now_ms: int) -> None:
    former, project = Project(home, ledger, "shop"), Project(home, ledger, "copy of shop", written=100)
    await former.work("claude-code", "a", "Add zebra-4711", now_ms - MINUTE_MS)
    shutil.copytree(former.root / ".carryover", project.root / ".carryover")
    assert "zebra-4711" in project.loaded

    await project.work(LOADS, "b", "Round the price", now_ms)
    assert "zebra-4711" not in project.loaded

    before = project.loaded
    await project.work(LOADS, "b", "Add the tax", now_ms + 1_000)
    assert project.loaded == before, "from then on, it is ours"


@pytest.mark.parametrize("child", ["bank/.git", "bank/.carryover"])
async def test_a_folder_that_holds_projects_has_none(project: Project, now_ms: int, child: str) -> None:
    """Outside of git, opencode also loads what it finds in each folder above (1.18.34)."""
    shutil.rmtree(project.root / ".git")
    (project.root / "link").symlink_to(repository(project.root.parent / "other", {}))  # which is not below
    await project.work(LOADS, "a", "Round the price", now_ms)
    assert "Round the price" in project.loaded

    (project.root / child).mkdir(parents=True)
    await project.work(LOADS, "a", "Add the tax", now_ms + 1_000)
    assert "Add the tax" in project.handoff
    assert not (project.root / ".carryover" / loaded_names()[0]).exists()


async def test_a_folder_below_whose_disk_does_not_answer_is_not_asked(project: Project, now_ms: int) -> None:
    shutil.rmtree(project.root / ".git")
    (project.root / "net" / ".git").mkdir(parents=True)
    presume_silent([str(project.root / "net")])

    await project.work(LOADS, "a", "Round the price", now_ms)

    assert "Round the price" in project.loaded


async def test_nor_has_one_that_holds_a_project_further_down(home: Path, ledger: Ledger, now_ms: int) -> None:
    """Outside of git, opencode also loads what it finds in each folder above (1.18.34), however far."""
    outer = Project(home, ledger)
    inner = Project(home, ledger, "shop/banks/first", written=100)
    alike = Project(home, ledger, "shop-old/banks/first", written=200)
    for each in (outer, inner, alike):
        shutil.rmtree(each.root / ".git")
    await alike.work(LOADS, "c", "Print the receipt", now_ms)
    await outer.work(LOADS, "a", "Round the price", now_ms)
    assert "Round the price" in outer.loaded

    await inner.work(LOADS, "b", "Join the accounts", now_ms)
    await outer.work(LOADS, "a", "Add the tax", now_ms + 1_000)
    copy = outer.root / ".carryover" / loaded_names()[0]
    assert not copy.exists()
    assert "Join the accounts" in inner.loaded

    shutil.rmtree(inner.root)
    await outer.work(LOADS, "a", "Round again", now_ms + 2_000)
    assert "Round again" in outer.loaded
