from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from carryover.config import Config, ProjectSettings, PublishConfig
from carryover.distill.header import PLACEHOLDER
from carryover.distill.stored_digest import DigestReducer
from carryover.edits.record import PublishedProject, published_projects
from carryover.facts import GitFacts
from carryover.ledger.store import Ledger
from carryover.model import SessionInfo
from carryover.paths import StateDir
from carryover.projects.handoff_file import HANDOFF, Published
from carryover.projects.root import StatePaths
from carryover.publish.forgetting import publish_here, remove_published
from carryover.publish.make import Refreshed, git_now
from carryover.publish.refresh import awaits_handoff, refresh, with_placeholder
from support.repository import repository
from support.scribe import Scribe, ledger_with_prompt


@pytest.fixture
def paths(home: Path) -> StatePaths:
    return StatePaths.of(StateDir(home / ".carryover"), home)


def refreshed(paths: StatePaths, project: int, config: Config | None = None) -> Refreshed:
    return refresh(paths, project, config or Config(), now_ms=2)


def apart(home: Path) -> Config:
    return Config(publish=PublishConfig(folder=str(home / "handoffs")))


async def test_nothing_is_kept_for_the_home_folder_even_where_handoffs_go_elsewhere(
    home: Path, paths: StatePaths
) -> None:
    project = await ledger_with_prompt(paths.ledger, repository(home))

    made = refreshed(paths, project, apart(home))

    assert (made.root, made.published.refusal) == (str(home), None)
    assert not (paths.state / "restore").exists()


async def test_a_project_in_which_nothing_happened_has_no_answer(paths: StatePaths, scribe: Scribe, shop: Path) -> None:
    commit = await scribe.tell(scribe.event(SessionInfo(title="Parser"), cwd=str(shop)))

    assert refreshed(paths, commit.projects[0]).text is None
    assert not (paths.state / "restore").exists()


async def test_an_older_project_that_is_published_again_does_not_become_the_newest(
    home: Path, paths: StatePaths
) -> None:
    ledger = await Ledger.open(paths.ledger, DigestReducer())
    scribe = Scribe(ledger, agent="claude-code")
    projects: list[int] = []
    for at_ms, name in enumerate(("older", "newer"), start=1):
        prompt = scribe.event(f"Add the {name} table", at_ms=at_ms, session=name, cwd=str(repository(home / name)))
        projects += (await scribe.tell(prompt, path=name)).projects

    assert await publish_here(ledger, paths, Config(), projects[::-1], ()) == []
    await ledger.close()

    assert "Add the older table" in (home / "older" / ".carryover" / HANDOFF).read_text()
    assert "Add the newer table" in (paths.state / HANDOFF).read_text()


def test_where_git_is_too_slow_its_last_state_stands_marked_as_old(home: Path) -> None:
    root = repository(home / "app")
    last = GitFacts(branch="main", head="abc1234")

    assert git_now(root, last, timeout_s=0) == replace(last, stale=True)
    assert git_now(root, timeout_s=0) is None


async def test_where_no_project_is_removed_the_newest_handoff_stays(home: Path, paths: StatePaths) -> None:
    refreshed(paths, await ledger_with_prompt(paths.ledger, repository(home / "app")))

    assert remove_published(paths, Config(), ()) == ([], set())
    assert (paths.state / HANDOFF).exists()


async def test_what_cannot_be_kept_is_a_note_and_the_handoff_is_published(home: Path, paths: StatePaths) -> None:
    root = repository(home / "app")
    project = await ledger_with_prompt(paths.ledger, root)
    (paths.state / "restore").write_text("in the way")
    (paths.state / "projects.jsonl").mkdir()

    published = refreshed(paths, project).published

    assert (published.refusal, published.notes) == (
        None,
        (
            "the project is missing from the list that uninstall uses: not a regular file",
            "there is no answer for sessions that start while the daemon is down: Not a directory",
        ),
    )
    assert "Add a parser" in handoff(root).read_text()


async def test_whatever_is_published_is_on_the_list_with_its_folder(home: Path, paths: StatePaths) -> None:
    root = repository(home / "app")
    project = await ledger_with_prompt(paths.ledger, root)

    for config in (Config(), apart(home), Config()):
        made = refreshed(paths, project, config)
        assert (made.published.refusal, made.published.notes) == (None, ())

    [inside, outside] = published_projects(paths.state)
    assert (inside, outside.root) == (PublishedProject(str(root), str(root / ".carryover")), str(root))
    assert [path.name for path in Path(outside.folder).iterdir()] == ["handoff.md"]


@pytest.fixture
def root(home: Path) -> Path:
    root = home / "work" / "shop"
    root.mkdir(parents=True)
    return root


def made_of(root: Path, folder: Path | None = None) -> Refreshed:
    return Refreshed(root=str(root), settings=ProjectSettings(folder=folder), handoff=None, text=None, git=None)


def handoff(root: Path) -> Path:
    return root / ".carryover" / "handoff.md"


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_project_without_a_handoff_gets_the_placeholder_and_the_pointers(
    root: Path, paths: StatePaths, interrupted: bool
) -> None:
    if interrupted:
        handoff(root).parent.mkdir(mode=0o700)
        handoff(root).write_text(PLACEHOLDER)
    assert awaits_handoff(root, Config(), paths)

    made = with_placeholder(made_of(root), paths)

    assert made.published == Published(changed=not interrupted, file=handoff(root), edited=("AGENTS.md",))
    assert handoff(root).read_text() == PLACEHOLDER
    assert published_projects(paths.state) == (PublishedProject(str(root), str(handoff(root).parent)),)
    assert made.text is None, "the placeholder is no handoff, and is not remembered as one"


@pytest.mark.parametrize("text", ["# [CARRYOVER] Last updated 2026\n", "", "x" * 5000])
def test_a_handoff_that_lies_there_stays(root: Path, paths: StatePaths, text: str) -> None:
    """Also where the ledger that it was made from is gone."""
    handoff(root).parent.mkdir(mode=0o700)
    handoff(root).write_text(text)

    assert not awaits_handoff(root, Config(), paths)
    assert with_placeholder(made_of(root), paths) == made_of(root)
    assert handoff(root).read_text() == text


def test_where_nothing_may_be_published_nothing_is_awaited(root: Path, home: Path, paths: StatePaths) -> None:
    (root / ".carryover.toml").write_text("exclude = true\n")

    assert not any(awaits_handoff(folder, Config(), paths) for folder in (root, home, home / "missing"))


def test_where_handoffs_are_kept_apart_the_placeholder_is_too(root: Path, home: Path, paths: StatePaths) -> None:
    assert awaits_handoff(root, apart(home), paths)

    with_placeholder(made_of(root, home / "handoffs" / "shop"), paths)

    assert (home / "handoffs" / "shop" / "handoff.md").read_text() == PLACEHOLDER
    assert list(root.iterdir()) == []
