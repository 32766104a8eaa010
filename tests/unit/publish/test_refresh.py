from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.config import Config, PublishConfig
from carryover.edits.record import PublishedProject, published_projects
from carryover.model import SessionInfo
from carryover.paths import StateDir
from carryover.projects.root import StatePaths
from carryover.publish.answers import answer_path
from carryover.publish.make import Refreshed
from carryover.publish.refresh import refresh
from support.claude_session import ClaudeSession
from support.one_prompt import ledger_with_prompt
from support.repository import repository
from support.scribe import Scribe

REASONS = ("startup", "clear", "compact", "old")

Refresh = Callable[..., Refreshed]

SHARED = Config(publish=PublishConfig(pointers="shared"))


@pytest.fixture
def state(home: Path) -> StateDir:
    return StateDir(home / ".carryover")


@pytest.fixture
def project(session: ClaudeSession, read_in: Callable[[ClaudeSession], int]) -> int:
    """The project of a session that was given a task."""
    session.prompt("Add a discount function")
    return read_in(session)


@pytest.fixture
def refreshed(state: StateDir, home: Path) -> Refresh:
    def run(project: int, config: Config | None = None) -> Refreshed:
        return refresh(StatePaths.of(state, home), project, config or SHARED, now_ms=1_795_200_000_000)

    return run


def kept(state: StateDir, root: Path) -> dict[str, str]:
    """What the store holds for `root`, by start reason."""
    paths = {reason: answer_path(state.root, "claude-code", reason, str(root)) for reason in REASONS}
    return {reason: path.read_text() for reason, path in paths.items() if path.exists()}


def test_nothing_is_kept_for_the_home_folder_even_where_handoffs_go_elsewhere(
    refreshed: Refresh, read_in: Callable[[ClaudeSession], int], state: StateDir, home: Path
) -> None:
    repository(home)
    at_home = ClaudeSession(home / ".claude" / "projects", home)
    at_home.prompt("Tidy the dotfiles")

    made = refreshed(read_in(at_home), Config(publish=PublishConfig(folder=str(home / "handoffs"))))

    assert (made.root, made.published.refusal) == (str(home), None)
    assert kept(state, home) == {}


def test_answers_that_cannot_be_kept_are_a_note_and_keep_nothing_from_the_project(
    refreshed: Refresh, project: int, state: StateDir, shop: Path
) -> None:
    (state.root / "restore").write_text("in the way")

    published = refreshed(project).published

    assert published.refusal is None
    assert published.notes == ("there is no answer for sessions that start while the daemon is down: Not a directory",)
    assert "Add a discount function" in (shop / ".carryover" / "handoff.md").read_text()


async def test_a_project_in_which_nothing_happened_has_no_answer(
    refreshed: Refresh, scribe: Scribe, state: StateDir, shop: Path
) -> None:
    commit = await scribe.tell(scribe.event(SessionInfo(title="Parser"), cwd=str(shop)))

    assert refreshed(commit.projects[0]).text is None
    assert kept(state, shop) == {}


async def test_whatever_is_published_is_on_the_list_with_its_folder(home: Path) -> None:
    root, state = repository(home / "app"), home / ".carryover"
    project = await ledger_with_prompt(state / "ledger.sqlite", root)
    apart = Config(publish=PublishConfig(folder=str(home / "handoffs")))

    for config in (Config(), apart, Config()):
        made = refresh(StatePaths.of(StateDir(state), home), project, config, now_ms=2)
        assert (made.published.refusal, made.published.notes) == (None, ())

    [inside, outside] = published_projects(state)
    assert (inside, outside.root) == (PublishedProject(str(root), str(root / ".carryover")), str(root))
    assert [path.name for path in Path(outside.folder).iterdir()] == ["handoff.md"]


async def test_a_list_that_cannot_be_written_is_noted_and_the_handoff_published(home: Path) -> None:
    root, state = repository(home / "app"), home / ".carryover"
    project = await ledger_with_prompt(state / "ledger.sqlite", root)
    (state / "projects.jsonl").mkdir()

    made = refresh(StatePaths.of(StateDir(state), home), project, Config(), now_ms=2)

    assert made.published.notes == ("the project is missing from the list that uninstall uses: not a regular file",)
    assert (root / ".carryover" / "handoff.md").exists()


def published(home: Path, project: int) -> Refreshed:
    state = StateDir(home / ".carryover")
    return refresh(StatePaths.of(state, home), project, SHARED, now_ms=1_795_200_000_000)
