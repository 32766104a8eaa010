"""Which files count as the project's, and which test result counts for a file."""

from __future__ import annotations

import pytest

from carryover.distill.digest import Digest, EditedFile, SeenRun
from carryover.distill.sections.recent_files import TestStatus, placed, recent_files, relative
from carryover.distill.view import ProjectView, SessionView
from carryover.model import FileEdit
from carryover.testruns.run import Outcome, TestRun
from support.conversation import GOAL, ROOT, session

EDITED_MS = 5_000


@pytest.mark.parametrize(
    ("path", "root", "shown"),
    [
        ("/shop/cart.py", "/shop", "cart.py"),
        ("/shop/cart.py", "/shop/", "cart.py"),
        ("/shops/cart.py", "/shop", None),
        ("/Shop/cart.py", "/shop", None),
        ("/shop/../etc/passwd", "/shop", None),
        ("/shop/.git/HEAD", "/shop", None),
        ("c:\\Shop\\cart.py", "C:/shop", "cart.py"),
        ("C:\\shop\\cart.py", "C:\\shop", "cart.py"),
        ("D:\\shop\\cart.py", "C:\\shop", None),
    ],
)
def test_a_file_is_named_from_the_root_on_windows_in_either_case(path: str, root: str, shown: str | None) -> None:
    assert relative(path, root) == shown


def status_after(outcome: Outcome, ran_ms: int) -> TestStatus | None:
    run = TestRun(status=outcome, files={"test_cart.py": outcome})
    digest = Digest(
        touched=(EditedFile(path="/shop/test_cart.py", change="modify", at_ms=EDITED_MS),),
        runs=(SeenRun(run=run, at_ms=ran_ms, command="pytest"),),
    )
    session = SessionView(session="s1", agent="claude-code", started_ms=0, last_ms=EDITED_MS, digest=digest)
    [file] = recent_files(ProjectView(root="/shop", sessions=(session,)))
    return file.status


@pytest.mark.parametrize(
    ("outcome", "ran_ms", "status"),
    [
        ("pass", EDITED_MS + 1, "pass"),
        ("pass", EDITED_MS, "pass"),
        ("pass", EDITED_MS - 1, "unknown"),
        ("fail", EDITED_MS + 1, "fail"),
        ("fail", EDITED_MS, "fail"),
        ("fail", EDITED_MS - 1, "failing before this edit"),
    ],
)
def test_a_result_counts_if_it_is_not_older_than_the_edit(outcome: Outcome, ran_ms: int, status: TestStatus) -> None:
    assert status_after(outcome, ran_ms) == status


def test_of_a_file_that_several_sessions_edited_the_newest_edit_counts() -> None:
    first = session("s1").user(GOAL).event(FileEdit(path=f"{ROOT}/cart.py", change="add"))
    second = session("s2", hours=1).user(GOAL).edited("cart.py")

    for talks in ((first, second), (second, first)):
        view = ProjectView(root=ROOT, sessions=tuple(talk.view() for talk in talks))
        assert [file.touched.session for file in recent_files(view)] == ["s2"]


@pytest.mark.parametrize("outside", [True, False])
def test_a_file_in_another_checkout_of_the_project_is_named_in_full(outside: bool) -> None:
    view = ProjectView(root="/shop", sessions=(), checkouts=("/trees/tax",))

    assert placed("/trees/tax/tax.py", view, outside=outside) == "/trees/tax/tax.py"
    assert (placed("/blog/a.py", view, outside=outside) is not None) is outside
