from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from carryover.config import Config, PublishConfig
from carryover.distill.stored_digest import DigestReducer
from carryover.distill.view import ProjectView
from carryover.facts import GitFacts
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import project_by_id
from carryover.ledger.sessions import know_project
from carryover.ledger.store import Ledger
from carryover.model import NOTE, PIN
from carryover.outside.journal import read_journal, write_down
from carryover.outside.listed import handoff_folder
from carryover.paths import StateDir
from carryover.probe.checkout import Checkout
from carryover.projects.handoff_file import CHOSEN
from carryover.projects.policy import AWAITS_WORK
from carryover.projects.root import StatePaths
from carryover.publish.forgetting import remove_published
from carryover.publish.make import MadeHandoff, facts_now
from carryover.publish.project_files import withdraw_everywhere
from carryover.publish.publish import awaits_handoff, awaits_work, publish_project
from carryover.publish.store import loaded_names, remove_own
from support.repository import git, repository
from support.scribe import Scribe, ledger_with_prompt


@pytest.fixture
def paths(home: Path) -> StatePaths:
    return StatePaths(StateDir(home / ".carryover"), home)


def refreshed(paths: StatePaths, project: int, config: Config | None = None) -> MadeHandoff:
    return publish_project(paths, project, config or Config(), now_ms=2)


def awaits(paths: StatePaths, project: int, asked: Sequence[str] = (), *, started: bool = False) -> bool:
    with closing(connect_read_only(paths.state.ledger)) as db:
        row = project_by_id(db, project)
        assert row is not None
        return awaits_work(db, row, asked=asked, started=started)


OFF = Config(publish=PublishConfig(pointers="off"))


def test_where_git_is_too_slow_its_last_state_stands_marked_as_old(home: Path) -> None:
    root = repository(home / "app")
    last = GitFacts(branch="main", head="abc1234", undone=("cart.py",))

    view = ProjectView(root=str(root), sessions=())
    assert facts_now(view, Checkout(root), last, git_s=0).git == replace(last, undone=(), stale=True)
    assert facts_now(view, Checkout(root), git_s=0).git is None


@pytest.mark.parametrize(
    ("published", "refusal"),
    [(True, None), (False, "git tracks it"), (False, None)],
    ids=["published before", "refused", "never published"],
)
async def test_the_handoff_of_what_is_forgotten_goes_also_if_the_list_of_projects_is_lost(
    home: Path, paths: StatePaths, published: bool, refusal: str | None
) -> None:
    root = repository(home / "app", {".carryover/handoff.md": "the repository's own"})
    project = await ledger_with_prompt(paths.state.ledger, root)
    if published or refusal:
        ledger = await Ledger.open(paths.state.ledger, DigestReducer())
        await ledger.set_published(project, "0" * 64, 2, refusal)
        await ledger.close()

    assert remove_published(paths, [str(root)]) == ([], {str(root)} if published else set())
    assert handoff(root).exists() is not published


@pytest.mark.parametrize(
    ("agents", "asked", "refused"),
    [
        (["aider"], True, True),
        (["aider"], False, False),
        (["claude-code"], True, False),
        (["aider", "claude-code"], True, False),
        ([], True, False),
    ],
)
async def test_a_project_known_only_by_what_lies_in_it_gets_no_handoff_before_the_next_turn_there(
    home: Path, paths: StatePaths, agents: list[str], asked: bool, refused: bool
) -> None:
    root = str(repository(home / "app"))
    ledger = await Ledger.open(paths.state.ledger, DigestReducer())
    project = await ledger.write(know_project, root, None)
    for agent in agents:
        scribe = Scribe(ledger, agent=agent)
        await scribe.tell(scribe.event("Add a parser", key=agent, session=agent, at_ms=1, cwd=root), path=agent)
    await ledger.close()

    assert awaits(paths, project, asked=[root] if asked else []) is refused
    made = publish_project(paths, project, Config(), now_ms=2, asked=[root] if asked else [])
    assert made.published.refusal == (AWAITS_WORK if refused else None)


@pytest.mark.parametrize("started", [False, True])
async def test_a_project_with_only_pins_gets_no_handoff_before_a_session_starts_there(
    home: Path, paths: StatePaths, started: bool
) -> None:
    root = str(repository(home / "app"))
    ledger = await Ledger.open(paths.state.ledger, DigestReducer())
    project = await ledger.write(know_project, root, None)
    scribe = Scribe(ledger, agent=NOTE)
    for number in range(2):
        pin = scribe.event("never floats", key=f"{number}", session=f"{PIN}{number}", at_ms=1, cwd=root)
        await scribe.tell(pin, path=f"{number}")
        await ledger.set_published(project, None, 1, AWAITS_WORK)
    await ledger.close()

    assert awaits(paths, project, started=started) is not started


async def test_a_project_that_waited_for_work_is_published_once_an_agent_works_there(
    home: Path, paths: StatePaths, scribe: Scribe
) -> None:
    root = str(repository(home / "app"))
    [project] = (await scribe.tell(scribe.event("Add a parser", at_ms=1, cwd=root))).projects

    later_ms = int(time.time() * 1000) + 60_000
    assert not awaits(paths, project), "an agent worked there, so it is not known only by its folder"
    await scribe.ledger.set_published(project, None, later_ms, AWAITS_WORK)
    assert awaits(paths, project)
    await scribe.ledger.set_published(project, None, later_ms, "another reason")
    assert not awaits(paths, project)
    await scribe.ledger.set_published(project, None, 1, AWAITS_WORK)
    assert not awaits(paths, project), "it changed since"
    await scribe.ledger.set_published(project, "0" * 64, later_ms, None)
    assert not awaits(paths, project)


async def test_what_cannot_be_listed_is_not_written(home: Path, paths: StatePaths) -> None:
    root = repository(home / "app")
    project = await ledger_with_prompt(paths.state.ledger, root)
    (paths.state.root / "journal.jsonl").mkdir()

    published = refreshed(paths, project).published

    reason = "the handoff can't be written: journal.jsonl is not a regular file"
    assert (published.refusal, published.passing) == (reason, True)
    assert [path.name for path in root.iterdir()] == [".git"]


async def test_a_folder_with_the_name_of_a_copy_keeps_nothing_else_from_being_written(
    home: Path, paths: StatePaths
) -> None:
    root = repository(home / "app")
    project = await ledger_with_prompt(paths.state.ledger, root)
    store, [name, *_] = root / ".carryover", loaded_names()
    (store / name).mkdir(parents=True)
    (store / "more.md").mkdir()

    for _ in range(2):
        published = refreshed(paths, project).published
        assert (published.refusal, published.passing) == (None, False)
        assert published.notes == (f".carryover/{name} was left alone: it is a folder",)
        assert (store / "handoff.md").exists()

    assert remove_published(paths, [str(root)])[0] == []
    remove_own(store)
    assert sorted(path.name for path in store.iterdir()) == sorted([name, "more.md"])


async def test_what_the_user_has_beside_a_handoff_stays_though_it_looks_like_a_write_that_was_cut_off(
    home: Path, paths: StatePaths
) -> None:
    root = repository(home / "app")
    project = await ledger_with_prompt(paths.state.ledger, root)
    store = root / ".carryover"
    refreshed(paths, project)
    (store / ".draft.tmp").write_text("mine")
    (store / ".more.md.1a2b.tmp").mkdir()

    assert remove_published(paths, [str(root)])[0] == []
    refreshed(paths, project, OFF)

    assert sorted(path.name for path in store.iterdir()) == [".draft.tmp", ".more.md.1a2b.tmp"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
async def test_a_handoff_in_a_folder_that_cannot_be_entered_is_said_to_stay(home: Path, paths: StatePaths) -> None:
    root = repository(home / "app")
    project = await ledger_with_prompt(paths.state.ledger, root)
    refreshed(paths, project)
    (root / ".carryover").chmod(0o400)
    problems, _ = remove_published(paths, [str(root)])
    (root / ".carryover").chmod(0o700)

    assert f"{root / '.carryover' / 'handoff.md'} is still there: Permission denied." in problems


async def test_whatever_is_published_is_on_the_list_with_its_folder(home: Path, paths: StatePaths) -> None:
    root = repository(home / "app")
    project = await ledger_with_prompt(paths.state.ledger, root)

    published = [refreshed(paths, project, config).published for config in (Config(), OFF)]

    assert [(one.refusal, one.notes) for one in published] == [(None, ()), ('publish.pointers is "off" for it', ())]
    assert read_journal(paths.state.root).handoffs == (handoff_folder(root / ".carryover", root),)
    assert not (root / ".carryover").exists()


@pytest.mark.parametrize("config", [Config(), OFF], ids=["inside", "off"])
async def test_what_an_earlier_version_kept_elsewhere_goes_and_what_is_chosen_or_the_users_stays(
    home: Path, paths: StatePaths, config: Config
) -> None:
    root = repository(home / "app")
    project = await ledger_with_prompt(paths.state.ledger, root)
    former, mixed, chosen = (paths.state.root / "handoffs" / name for name in ("former", "mixed", "chosen"))
    for folder, name in ((former, "handoff.md"), (mixed, "handoff.md"), (mixed, "mine.txt"), (chosen, CHOSEN)):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("# [CARRYOVER] \n")
        write_down(paths.state.root, handoff_folder(folder, root))

    refreshed(paths, project, config)

    assert not former.exists()
    assert [path.name for folder in (mixed, chosen) for path in folder.iterdir()] == ["mine.txt", CHOSEN]
    assert (root / ".carryover" / "handoff.md").exists() is (config is not OFF)


async def test_a_handoff_that_came_with_the_repository_is_not_withdrawn(home: Path, paths: StatePaths) -> None:
    root = repository(home / "app", {".carryover/handoff.md": "the repository's own"})
    project = await ledger_with_prompt(paths.state.ledger, root)
    write_down(paths.state.root, handoff_folder(paths.state.root / "handoffs" / "app", root))

    refreshed(paths, project, OFF)
    withdraw_everywhere(paths.state.root, OFF)

    assert git(root, "status", "--porcelain") == ""


@pytest.fixture
def root(home: Path) -> Path:
    root = home / "work" / "shop"
    root.mkdir(parents=True)
    return root


def handoff(root: Path) -> Path:
    return root / ".carryover" / "handoff.md"


@pytest.mark.parametrize("text", ["# [CARRYOVER] Last updated 2026\n", "", "x" * 5000])
def test_where_a_handoff_is_in_place_none_is_awaited(root: Path, paths: StatePaths, text: str) -> None:
    """Also where the ledger that it was made from is gone."""
    handoff(root).parent.mkdir(mode=0o700)
    handoff(root).write_text(text)

    assert not awaits_handoff(root, Config(), paths)


def test_where_nothing_may_be_published_nothing_is_awaited(root: Path, home: Path, paths: StatePaths) -> None:
    assert not awaits_handoff(root, OFF, paths)
    (root / ".carryover.toml").write_text("exclude = true\n")

    assert not any(awaits_handoff(folder, Config(), paths) for folder in (root, home, home / "missing"))


def test_where_no_handoff_is_in_place_one_is_awaited(root: Path, paths: StatePaths) -> None:
    assert awaits_handoff(root, Config(), paths)
