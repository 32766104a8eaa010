"""Every project that was published into can be found again."""

from __future__ import annotations

import stat
from pathlib import Path

from carryover.config import Config, PublishConfig
from carryover.publish.published import PublishedProject, published_projects, remember
from carryover.publish.refresh import refresh
from support.one_prompt import ledger_with_prompt
from support.repository import repository

ONE = PublishedProject("/srv/one", "/srv/one/.carryover")
OTHER = PublishedProject("/srv/a\nb", "/handoffs/b-1234")


def test_each_project_is_on_the_list_once(tmp_path: Path) -> None:
    state = tmp_path / "state"

    assert [remember(state, project) for project in (ONE, OTHER, ONE)] == [True, True, False]
    assert published_projects(state) == (ONE, OTHER)
    assert stat.S_IMODE((state / "projects.jsonl").stat().st_mode) == 0o600


def test_asking_for_the_list_creates_nothing(tmp_path: Path) -> None:
    assert published_projects(tmp_path / "state") == ()
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_was_cut_off_costs_no_other(tmp_path: Path) -> None:
    remember(tmp_path, ONE)
    (tmp_path / "projects.jsonl").write_bytes((tmp_path / "projects.jsonl").read_bytes() + b'{"root": "/wo')
    remember(tmp_path, OTHER)

    assert published_projects(tmp_path) == (ONE, OTHER)


async def test_whatever_is_published_is_on_the_list_with_its_folder(home: Path) -> None:
    root, state = repository(home / "app"), home / ".carryover"
    project = await ledger_with_prompt(state / "ledger.sqlite", root)
    apart = Config(publish=PublishConfig(folder=str(home / "handoffs")))

    for config in (Config(), apart, Config()):
        made = refresh(state / "ledger.sqlite", project, config, state=state, home=home, now_ms=2)
        assert (made.published.refusal, made.published.notes) == (None, ())

    [inside, outside] = published_projects(state)
    assert (inside, outside.root) == (PublishedProject(str(root), str(root / ".carryover")), str(root))
    assert [path.name for path in Path(outside.folder).iterdir()] == ["handoff.md"]


async def test_a_refused_project_is_not_on_the_list(home: Path) -> None:
    state = home / ".carryover"
    project = await ledger_with_prompt(state / "ledger.sqlite", home)

    made = refresh(state / "ledger.sqlite", project, Config(), state=state, home=home, now_ms=2)

    assert (made.published.refusal, published_projects(state)) == ("it is the home folder itself", ())


async def test_a_list_that_cannot_be_written_is_noted_and_the_handoff_published(home: Path) -> None:
    root, state = repository(home / "app"), home / ".carryover"
    project = await ledger_with_prompt(state / "ledger.sqlite", root)
    (state / "projects.jsonl").mkdir()

    made = refresh(state / "ledger.sqlite", project, Config(), state=state, home=home, now_ms=2)

    assert made.published.notes == ("the project is not on the list that uninstall goes by: not a regular file",)
    assert (root / ".carryover" / "handoff.md").exists()
