from __future__ import annotations

from contextlib import closing
from pathlib import Path

from carryover.ledger.queries import connect_read_only, project_by_root
from carryover.ledger.sessions import move_project
from carryover.model import FileEdit, ToolCall
from carryover.views.history import Change, changes_of
from support.scribe import Scribe


def edit(path: str, change: str = "modify", old_path: str | None = None, added: int | None = None) -> FileEdit:
    return FileEdit(path=path, change=change, old_path=old_path, added=added)  # type: ignore[arg-type]


def changes(path: Path, file: str, root: str = "/repo") -> list[Change]:
    with closing(connect_read_only(path)) as db:
        project = project_by_root(db, root)
        assert project is not None
        return changes_of(db, project, file)


async def test_edits_of_a_turn_are_one_change_with_its_prompt(ledger_path: Path, scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a cart"),
        scribe.event(edit("/repo/cart.py", "add", added=9)),
        scribe.event(edit("/repo/cart.py", added=2)),
        scribe.event("now test it"),
        scribe.event(edit("/repo/cart.py")),
        scribe.event(edit("/repo/sub/cart.py")),
        scribe.event(ToolCall(call_id="c", name="Read", op="read", subject="/repo/cart.py")),
    )

    found = changes(ledger_path, "/repo/cart.py")
    assert [(each.prompt, each.change, each.edits, each.added) for each in found] == [
        ("now test it", "modify", 1, None),
        ("add a cart", "add", 2, 11),
    ]


async def test_a_file_is_followed_to_its_former_names_and_its_project_to_its_former_path(
    ledger_path: Path, scribe: Scribe
) -> None:
    await scribe.tell(
        scribe.event("begin"),
        scribe.event(edit("/repo/basket.py", "add")),
        scribe.event("rename it"),
        scribe.event(edit("/repo/cart.py", "rename", "/repo/basket.py")),
    )
    await scribe.tell(scribe.event("hello", session="s2", cwd="/moved"), path="/t/two.jsonl")
    await scribe.ledger.write(move_project, 1, 2)

    found = changes(ledger_path, "/moved/cart.py", "/moved")
    assert [(each.prompt, each.path) for each in found] == [
        ("rename it", "/repo/cart.py"),
        ("begin", "/repo/basket.py"),
    ]


async def test_other_projects_have_other_files_of_that_name(ledger_path: Path, scribe: Scribe) -> None:
    await scribe.tell(scribe.event("one"), scribe.event(edit("/repo/cart.py")))
    await scribe.tell(
        scribe.event("two", session="s2", cwd="/other"),
        scribe.event(edit("/other/cart.py"), session="s2", cwd="/other"),
        path="/t/two.jsonl",
    )

    assert [each.prompt for each in changes(ledger_path, "/other/cart.py", "/other")] == ["two"]
