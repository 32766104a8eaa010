from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.config import Config, ProjectSettings, PublishConfig
from carryover.distill.header import PLACEHOLDER
from carryover.edits.record import PublishedProject, published_projects
from carryover.model import SessionInfo
from carryover.paths import StateDir
from carryover.projects.handoff_file import Published
from carryover.projects.root import StatePaths
from carryover.publish.answers import answer_path
from carryover.publish.make import Refreshed
from carryover.publish.refresh import awaits_handoff, refresh, with_placeholder
from carryover.redact import CleanText
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


@pytest.fixture
def root(home: Path) -> Path:
    root = home / "work" / "shop"
    root.mkdir(parents=True)
    return root


@pytest.fixture
def paths(home: Path) -> StatePaths:
    return StatePaths.of(StateDir(home / ".carryover"), home)


def made_of(root: Path, *, text: str | None = None, settings: ProjectSettings | None = None) -> Refreshed:
    return Refreshed(
        root=str(root),
        settings=settings or ProjectSettings(),
        handoff=None,
        text=CleanText(text) if text else None,
        git=None,
    )


def handoff(root: Path) -> Path:
    return root / ".carryover" / "handoff.md"


def test_a_project_without_a_handoff_gets_the_placeholder_and_the_pointers(
    root: Path, home: Path, paths: StatePaths
) -> None:
    assert awaits_handoff(root, Config(), paths)

    made = with_placeholder(made_of(root), paths)

    assert made.published == Published(
        changed=True, file=Path(made.root) / ".carryover" / "handoff.md", edited=("AGENTS.md",)
    )
    assert handoff(root).read_text() == PLACEHOLDER
    assert made.text is None, "the placeholder is no handoff, and is not remembered as one"


def test_one_that_was_interrupted_is_completed(root: Path, home: Path, paths: StatePaths) -> None:
    handoff(root).parent.mkdir(mode=0o700)
    handoff(root).write_text(PLACEHOLDER)

    assert awaits_handoff(root, Config(), paths)
    with_placeholder(made_of(root), paths)

    assert (root / "AGENTS.md").exists()


@pytest.mark.parametrize("text", ["# [CARRYOVER] Last updated 2026\n", "", "x" * 5000])
def test_a_handoff_that_lies_there_stays(root: Path, home: Path, paths: StatePaths, text: str) -> None:
    """Also where the ledger that it was made from is gone."""
    handoff(root).parent.mkdir(mode=0o700)
    handoff(root).write_text(text)

    assert not awaits_handoff(root, Config(), paths)
    assert with_placeholder(made_of(root), paths) == made_of(root)
    assert handoff(root).read_text() == text


def test_where_nothing_may_be_published_nothing_is_awaited(root: Path, home: Path, paths: StatePaths) -> None:
    assert not awaits_handoff(home, Config(), paths)
    assert not awaits_handoff(home / "missing", Config(), paths)
    (root / ".carryover.toml").write_text("exclude = true\n")
    assert not awaits_handoff(root, Config(), paths)


def test_where_handoffs_are_kept_apart_the_placeholder_is_too(root: Path, home: Path, paths: StatePaths) -> None:
    folder = home / "handoffs" / "shop"
    config = Config(publish=PublishConfig(folder=str(home / "handoffs")))
    assert awaits_handoff(root, config, paths)

    with_placeholder(made_of(root, settings=ProjectSettings(folder=folder)), paths)

    assert (folder / "handoff.md").read_text() == PLACEHOLDER
    assert list(root.iterdir()) == []
