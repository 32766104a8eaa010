"""A root of another machine names nothing here, even where a folder of that very name is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from carryover.actions.context import project_root
from carryover.config import Config, PublishConfig, project_settings
from carryover.errors import UserError
from carryover.facts import foreign_root, is_foreign
from carryover.ledger.queries import Selection, projects, sessions, unpublished, whereabouts
from carryover.model import AssistantMessage, FileEdit
from carryover.projects.moved_folders import is_away, may_have_moved
from carryover.projects.policy import refusal
from carryover.publish.forgetting import forget_sessions, publish_here
from carryover.publish.make import elsewhere_lines, files_now, git_now, made_handoff, view_now
from carryover.publish.project_moves import RootFacts, inspect_root
from carryover.publish.refresh import awaits_handoff, refresh, with_placeholder
from carryover.views.limits import limited_projects
from support.machines import OneMachine, machines, meet
from support.repository import repository

ROOT = "laptop:/home/ann/shop"
SHARED = Config(publish=PublishConfig(pointers="shared"))


def files_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(file.relative_to(folder)): (file.read_bytes(), file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository at the very path that the root would be if it were a path of this folder."""
    top = tmp_path / "trap"
    folder = top / ROOT
    folder.parent.mkdir(parents=True)
    repository(folder)
    (folder / "AGENTS.md").write_text("Ours.\n")
    (folder / ".carryover.toml").write_text('[resume]\nmode = "silent"\n')
    (folder / "cart.py").write_text("def discount(:\n")
    monkeypatch.chdir(top)
    return folder


async def of_laptop(laptop: OneMachine, desktop: OneMachine) -> int:
    """Has the desktop take a session of the laptop; returns the id of its project there."""
    edit = FileEdit(path="/home/ann/shop/cart.py", change="modify", line=1)
    await laptop.say(
        "Add a discount to the cart", edit, AssistantMessage(text="Done."), at_ms=5_000, cwd="/home/ann/shop"
    )
    await meet(laptop, desktop)
    with desktop.read() as db:
        [row] = sessions(db, limit=9)
    assert row.root == ROOT and row.project_id is not None
    return row.project_id


def test_what_is_a_folder_of_another_machine() -> None:
    assert is_foreign(foreign_root("laptop", "/home/ann/shop"))
    assert not any(map(is_foreign, ["/home/ann/shop", "C:/shop", "C:\\shop", "shop", "", "a b:/x"]))


async def test_no_writer_and_no_reader_takes_it_for_a_folder_here(tmp_path: Path, trap: Path) -> None:
    async with machines(tmp_path, "laptop", "desktop") as both:
        desktop = both["desktop"]
        project = await of_laptop(both["laptop"], desktop)
        before = files_of(tmp_path / "trap")

        made = refresh(desktop.paths, project, SHARED, now_ms=9_000)
        assert (made.text, made.sha, made.git, made.published.changed) == (None, None, None, False)
        with desktop.read() as db:
            found = made_handoff(db, project, SHARED, now_ms=9_000)
            view = view_now(db, project, None)
            assert (found.git, files_now(view), view.checkouts, elsewhere_lines(db, view)) == (None, {}, (), ())
            assert (projects(db), unpublished(db, since_ms=0), limited_projects(db, (), since_ms=0, now_ms=1)) == (
                [],
            ) * 3
            assert not any(may_have_moved(row, str(trap)) for row in whereabouts(db))
        assert git_now(Path(ROOT)) is None
        assert refusal(Path(ROOT), home=tmp_path) is not None
        assert project_settings(Path(ROOT), SHARED).resume_mode == SHARED.resume.mode
        assert inspect_root(desktop.paths, ROOT, SHARED) == RootFacts()
        assert not awaits_handoff(Path(ROOT), SHARED, desktop.paths)
        assert not with_placeholder(found, desktop.paths).published.changed
        assert is_away(ROOT)
        with pytest.raises(UserError, match="another machine"):
            project_root(ROOT)
        await desktop.ledger.set_published(project, "0" * 16, 9_000, None)
        selection = Selection(root=ROOT)

        async def publish(again: Sequence[int], gone: Sequence[int]) -> Iterable[str]:
            return await publish_here(desktop.ledger, desktop.paths, SHARED, again, gone)

        done = await forget_sessions(desktop.ledger, desktop.paths, [selection], SHARED, publish)
        assert (done.sessions, done.problems) == (1, ())
        assert files_of(tmp_path / "trap") == before
