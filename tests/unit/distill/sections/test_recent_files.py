"""Which files count as the project's, and which test result counts for a file."""

from __future__ import annotations

from typing import Literal

import pytest

from carryover.distill.digest import Digest, EditedFile, SeenRun
from carryover.distill.handoff import distill
from carryover.distill.render import render
from carryover.distill.sections.recent_files import TestStatus, placed, recent_files, relative
from carryover.distill.view import ProjectView, SessionView
from carryover.facts import Boxes, Facts, FileFacts
from carryover.model import FileEdit
from carryover.testruns.run import Outcome, TestRun
from support.conversation import GOAL, MINUTE_MS, ROOT, Conversation, handoff, project, session, under

EDITED_MS = 5_000
Change = Literal["add", "modify", "delete", "rename"]


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
        ("/shop", "/shop", None),
        ("/shop/", "/shop", None),
        ("/shop/node_modules/a.js", "/shop", None),
        ("/shop/.carryover/handoff.md", "/shop", None),
        ("/shop/src/../../etc/passwd", "/shop", None),
        ("/shop/src/..", "/shop", None),
        ("/shop/.github/ci.yml", "/shop", ".github/ci.yml"),
    ],
)
def test_a_file_is_named_from_the_root_on_windows_in_either_case(path: str, root: str, shown: str | None) -> None:
    assert relative(path, root) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/shop/cart.py", "cart.py"),
        ("/old/cart.py", "cart.py"),
        ("/shop/.git/HEAD", None),
        ("/shop/node_modules/a.js", None),
        ("/blog/a.py", "/blog/a.py"),
        ("/home/dev/.claude/CLAUDE.md", "/home/dev/.claude/CLAUDE.md"),
        ("/home/dev/.cache/a.py", None),
        ("/tmp/a.py", None),
        ("cart.py", None),
        ("C:\\blog\\a.py", None),
    ],
)
def test_a_file_outside_is_named_in_full_unless_a_program_keeps_it_for_itself(path: str, shown: str | None) -> None:
    view = ProjectView(root="/shop", sessions=(), former_roots=("/old",))

    assert placed(path, view, outside=True) == shown


def test_the_newest_files_come_first_and_those_that_are_gone_again_last() -> None:
    talk = session("s1").user(GOAL).edited("first.py").edited("second.py")
    talk.event(FileEdit(path=f"{ROOT}/gone.py", change="add")).event(FileEdit(path=f"{ROOT}/gone.py", change="delete"))
    beside = session("s2").user(GOAL)
    beside.at_ms = talk.at_ms - 3 * MINUTE_MS
    files = recent_files(project(talk, beside.edited("also second.py")))

    assert [file.path for file in files] == ["also second.py", "second.py", "first.py", "gone.py"]
    assert [file.path for file in recent_files(project(talk), limit=2)] == ["second.py", "first.py"]


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


@pytest.mark.parametrize(
    ("path", "change", "status"),
    [
        ("cart.py", "modify", "tests pass"),
        ("cart.py", "delete", None),
        ("README.md", "modify", None),
        ("settings.YAML", "modify", None),
        ("LICENSE", "modify", None),
        (".gitignore", "modify", None),
        (".eslintrc.js", "modify", "tests pass"),
    ],
)
def test_only_of_code_that_is_there_it_says_whether_tests_pass(path: str, change: Change, status: str | None) -> None:
    talk = session("s1").user(GOAL).event(FileEdit(path=f"{ROOT}/{path}", change=change))
    said = under("Recent files", talk.says("Done."))
    assert "tests" not in said, "there was no test run"

    ran = under("Recent files", talk.ran("pytest -q", "84 passed in 2.1s").says("It passes."))
    assert ("tests pass" in ran) is (status is not None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["modify"], "edited"),
        (["modify", "modify"], "edited 2 times"),
        (["add", "modify", "modify"], "added, edited 2 times"),
        (["modify", "delete"], "deleted"),
        (["rename"], "moved here"),
    ],
)
def test_it_says_what_was_done_to_a_file_and_how_often(changes: list[Change], words: str) -> None:
    talk = session("s1").user(GOAL)
    for change in changes:
        talk.event(FileEdit(path=f"{ROOT}/tax.py", change=change))

    assert f"`tax.py`: {words} 1 min earlier" in under("Recent files", talk.says("Done."))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (FileFacts(exists=True), "`tax.py`: edited 1 min earlier"),
        (FileFacts(exists=True, symbol="Tax.rate", parses=True), "`tax.py` (Tax.rate): edited 1 min earlier"),
        (FileFacts(exists=True, parses=False), "`tax.py`: edited 1 min earlier, does not parse"),
        (FileFacts(exists=False, parses=False), "`tax.py`: edited 1 min earlier, not there now"),
        (FileFacts(exists=True, boxes=Boxes(3, 2)), "`tax.py`: edited 1 min earlier, 2 of 3 boxes checked"),
    ],
)
def test_it_says_how_a_file_is_now(facts: FileFacts, words: str) -> None:
    talk = session("s1").user(GOAL).edited("tax.py").says("Done.")
    made = distill(project(talk), Facts(files={"tax.py": facts}), resume="ask", now_ms=talk.at_ms)

    assert made is not None
    assert f"- {words}\n" in render(made)


def many_files(count: int, folder: str = "") -> Conversation:
    talk = session("s1").user(GOAL)
    for number in range(count):
        talk.edited(f"{folder}part{number:02}.py")
    return talk.says("Done.")


def test_beyond_the_newest_twelve_files_only_the_names_are_given_as_far_as_they_fit_on_a_line() -> None:
    def before_these(talk: Conversation) -> list[str]:
        entries = [entry for one in handoff(talk).sections for line in one.entries for entry in line.sources]
        return [entry.text for entry in entries if entry.label == "Before these"]

    assert before_these(many_files(12)) == []
    assert before_these(many_files(14)) == ["`part01.py`, `part00.py`"]
    [long] = before_these(many_files(16, "services/checkout/" * 5))
    assert len(long) <= 270 and long.count("part") == 2


def test_files_that_were_only_read_are_named_newest_first_and_those_that_were_edited_are_not_named_again() -> None:
    talk = session("s1").user(GOAL)
    for path in (f"{ROOT}/a.py", f"{ROOT}/cart.py", "/blog/b.py", f"{ROOT}/c.py", f"{ROOT}/a.py"):
        talk.ran(path, "x = 1", op="read", name="Read")

    assert "Looked at: `a.py`, `c.py`, `/blog/b.py`\n" in render(handoff(talk.edited("cart.py").says("Done.")))
    assert "Looked at" not in under("Recent files", session("s2").user(GOAL).edited("cart.py").says("Done."))


def test_what_another_session_added_meanwhile_is_not_what_the_unfinished_turn_added() -> None:
    def added(path: str, prompt: str, name: str) -> Conversation:
        diff = f"@@ +1\n+{name} = True"
        return session(name).user(prompt).event(FileEdit(path=f"{ROOT}/{path}", change="modify", diff=diff))

    leading = added("page.py", "Make it responsive.", "wide").ran("make", "ok")
    files = under("Recent files", leading, added("footer.py", "Add the footer.", "footer"))

    assert "Added to `page.py`" in files and "wide = True" in files
    assert "footer = True" not in files
