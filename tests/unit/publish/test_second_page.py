"""The second page lies beside the handoff that names it, and goes with it."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from carryover.actions.uninstalling import store_files
from carryover.config import Config, ProjectsConfig, PublishConfig, ResumeConfig
from carryover.distill.quotes import estimated_tokens
from carryover.ledger.connect import connect_read_only
from carryover.outside.listed import handoff_folder
from carryover.paths import StateDir
from carryover.projects.root import StatePaths
from carryover.publish.forgetting import remove_published
from carryover.publish.make import MadeHandoff
from carryover.publish.project_files import withdraw_everywhere
from carryover.publish.publish import publish_project
from carryover.publish.second_page import write_second_page
from support.claude_session import ClaudeSession
from support.repository import git
from support.shop_in_ledger import ReadIn

CHECKER = Path(__file__).parents[3] / "architecture" / "check_handoff.py"


class Desk:
    """Publishes the project of a session with its second page."""

    def __init__(self, home: Path, session: ClaudeSession, read_in: ReadIn) -> None:
        self.paths = StatePaths(StateDir(home / ".carryover"), home)
        self.root = session.cwd
        self.handoff, self.page = (self.root / ".carryover" / name for name in ("handoff.md", "more.md"))
        for number in range(30):
            session.prompt(f"Add part {number} to the cart")
            session.run(f"make part_{number}", f"part_{number} is made of okapi_{number}\n")
            session.answer(f"Part {number} is there. Shall I add part {number + 1}?")
        self._project = read_in(session)

    def publish(self, config: Config | None = None) -> MadeHandoff:
        return publish_project(self.paths, self._project, config or Config(), now_ms=2)

    def write(self, made: MadeHandoff) -> bool:
        with closing(connect_read_only(self.paths.state.ledger)) as db:
            return write_second_page(db, self._project, made, Config())


def okapis(text: str) -> set[str]:
    return set(re.findall(r"okapi_\d+", text))


@pytest.fixture
def desk(home: Path, session: ClaudeSession, read_in: ReadIn) -> Desk:
    return Desk(home, session, read_in)


@pytest.mark.parametrize("depth", [8000, 3600])
def test_it_has_more_of_the_conversation_and_is_the_owners_alone(desk: Desk, depth: int) -> None:
    made = desk.publish(Config(resume=ResumeConfig(depth=depth)))

    assert desk.write(made)

    text = desk.page.read_text()
    assert "read `.carryover/more.md` (" in desk.handoff.read_text()
    assert stat.S_IMODE(desk.page.stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.page.parent.stat().st_mode) == 0o700
    assert git(desk.root, "status", "--porcelain", "--", ".carryover") == ""
    assert ("## Conversation" in text, "## Conversation" in desk.handoff.read_text()) == (True, False)
    assert okapis(text) | okapis(desk.handoff.read_text()) == {f"okapi_{number}" for number in range(30)}
    assert estimated_tokens(text.partition("## ")[2]) <= depth
    assert subprocess.run([sys.executable, str(CHECKER), "--tokens", str(depth), str(desk.page)]).returncode == 0
    assert "Your first response" not in text


def test_where_no_file_may_be_written_a_command_takes_its_place(desk: Desk) -> None:
    made = desk.publish(Config(publish=PublishConfig(pointers="off")))

    assert not desk.write(made)

    assert "; `carryover handoff --tokens 8000`: " in (made.text or "")
    assert not desk.page.exists()


def removed_by_depth(desk: Desk) -> None:
    desk.publish(Config(resume=ResumeConfig(depth=0)))


def removed_by_git(desk: Desk) -> None:
    desk.page.write_text(desk.page.read_text() + "x" * (200 << 10))  # as long as the largest ones
    git(desk.root, "add", "--force", ".carryover/handoff.md")
    assert desk.publish().published.refusal is not None


def removed_by_exclusion(desk: Desk) -> None:
    withdraw_everywhere(desk.paths.state.root, Config(projects=ProjectsConfig(exclude=("shop",))))


def removed_by_pointers_off(desk: Desk) -> None:
    withdraw_everywhere(desk.paths.state.root, Config(publish=PublishConfig(pointers="off")))


def removed_by_forgetting(desk: Desk) -> None:
    desk.page.with_name(".more.md.1a.tmp").write_text("cut off")  # a write that was cut off
    remove_published(desk.paths, {str(desk.root)})
    assert list(desk.page.parent.glob(".more*")) == []


def removed_by_uninstall(desk: Desk) -> None:
    assert desk.page in store_files(handoff_folder(desk.page.parent, desk.root))
    desk.page.unlink()
    desk.handoff.unlink()


REMOVALS = [
    removed_by_depth,
    removed_by_git,
    removed_by_exclusion,
    removed_by_pointers_off,
    removed_by_forgetting,
    removed_by_uninstall,
]


@pytest.mark.parametrize("remove", REMOVALS, ids=lambda remove: remove.__name__)
def test_it_goes_with_the_handoff_and_a_late_one_is_not_written(desk: Desk, remove: Callable[[Desk], None]) -> None:
    made = desk.publish()
    assert desk.write(made)

    remove(desk)
    assert not desk.page.exists()
    was_there = desk.page.parent.exists()
    assert not desk.write(made)
    assert not desk.page.exists()
    assert desk.page.parent.exists() == was_there


def test_none_is_written_once_git_would_take_it_along(desk: Desk) -> None:
    made = desk.publish()
    git(desk.root, "add", "--force", ".carryover/handoff.md")

    assert not desk.write(made)
    assert not desk.page.exists()


def test_a_handoff_that_says_everything_has_none(home: Path, session: ClaudeSession, read_in: ReadIn) -> None:
    session.prompt("Hi there")
    session.answer("Hello.")
    project, paths = read_in(session), StatePaths(StateDir(home / ".carryover"), home)
    page = session.cwd / ".carryover" / "more.md"
    page.parent.mkdir(mode=0o700)
    page.write_text("of a session that was retracted")

    made = publish_project(paths, project, Config(), now_ms=2)

    assert made.text is not None and "more.md" not in made.text
    assert (made.published.page, page.exists()) == (None, False)
