from __future__ import annotations

from typing import Literal

import pytest
from msgspec.structs import replace

from carryover.distill.digest import EditedFile, SeenRun
from carryover.distill.sections.files import RecentFile, TestStatus, file_line, file_name, recent_files, relative
from carryover.distill.testruns.run import Outcome, Status, TestRun
from carryover.facts import FileFacts
from support.conversation import MINUTE_MS, ROOT, START_MS

Change = Literal["add", "modify", "delete", "rename"]


def touched(path: str, *, minute: int = 0) -> EditedFile:
    return EditedFile(path=f"{ROOT}/{path}", change="modify", at_ms=START_MS + minute * MINUTE_MS)


def run(
    status: Status, *, minute: int, files: dict[str, Outcome] | None = None, paths: tuple[str, ...] = ()
) -> SeenRun:
    made = TestRun(runner="pytest", status=status, files=files or {}, paths=paths)
    return SeenRun(run=made, at_ms=START_MS + minute * MINUTE_MS, command="pytest")


def status(file: EditedFile, *runs: SeenRun) -> str | None:
    return recent_files([file], runs, {}, ROOT)[0].status


def test_a_run_after_the_edit_that_names_a_test_of_the_file_decides() -> None:
    assert status(touched("cart.py"), run("fail", minute=1, files={"tests/test_cart.py": "fail"})) == "fail"
    assert status(touched("cart.py"), run("pass", minute=1, files={"tests/test_cart.py": "pass"})) == "pass"


def test_a_whole_run_that_passed_speaks_for_every_file_edited_before_it() -> None:
    assert status(touched("cart.py"), run("pass", minute=1)) == "pass"


def test_a_failed_run_that_names_other_files_only_says_nothing_of_this_one() -> None:
    assert status(touched("cart.py"), run("fail", minute=1, files={"tests/test_tax.py": "fail"})) == "unknown"


def test_a_run_restricted_to_other_tests_says_nothing() -> None:
    assert status(touched("cart.py"), run("pass", minute=1, paths=("tests/test_tax.py",))) == "unknown"


def test_an_older_pass_says_nothing_and_an_older_failure_is_named_as_such() -> None:
    assert status(touched("cart.py", minute=5), run("pass", minute=1)) == "unknown"
    failed_before = run("fail", minute=1, files={"tests/test_cart.py": "fail"})
    assert status(touched("cart.py", minute=5), failed_before) == "failing before this edit"


def test_the_newest_run_that_speaks_of_the_file_counts() -> None:
    older = run("fail", minute=1, files={"tests/test_cart.py": "fail"})

    assert status(touched("cart.py"), older, run("pass", minute=2)) == "pass"


@pytest.mark.parametrize("path", ["README.md", "package.json", "LICENSE", ".gitignore"])
def test_documents_and_settings_have_no_test_status(path: str) -> None:
    assert status(touched(path), run("pass", minute=1)) is None


def test_where_no_test_was_run_there_is_no_status() -> None:
    assert status(touched("cart.py")) is None


@pytest.mark.parametrize(
    "path", ["/home/dev/shop2/a.py", "/home/dev/shop/../x.py", "/home/dev/shop", "/home/dev/shop/.git/config"]
)
def test_what_is_not_below_the_root_or_nobodys_work_is_left_out(path: str) -> None:
    assert relative(path, ROOT) is None


def test_a_path_is_given_relative_to_the_root_with_forward_slashes() -> None:
    assert relative("/home/dev/shop/src/a.py", "/home/dev/shop/") == "src/a.py"
    assert relative("C:\\dev\\shop\\src\\a.py", "C:\\dev\\shop") == "src/a.py"


def test_windows_makes_no_difference_between_cases_and_others_do() -> None:
    assert relative("C:\\Dev\\shop\\a.cs", "c:\\dev\\Shop") == "a.cs"
    assert relative("/home/Dev/a.py", "/home/dev") is None


def test_a_file_in_an_agents_checkout_of_the_project_is_named_in_full() -> None:
    own = "/home/dev/.codex/worktrees/ab12/shop"
    files = [EditedFile(path=f"{top}/cart.py", change="modify", at_ms=START_MS) for top in (own, "/home/dev/other")]

    assert [file.path for file in recent_files(files, (), {}, ROOT, checkouts=(own,))] == [f"{own}/cart.py"]


def test_a_file_edited_before_the_project_was_moved_is_named_as_it_lies_there_now() -> None:
    edited = [
        EditedFile(path="/home/dev/old shop/cart.py", change="modify", at_ms=START_MS),
        EditedFile(path=f"{ROOT}/cart.py", change="modify", at_ms=START_MS + 1),
        EditedFile(path="/home/dev/old shop/menu.py", change="modify", at_ms=START_MS + 2),
        EditedFile(path="/home/dev/old shoppe/other.py", change="modify", at_ms=START_MS + 3),
    ]

    found = recent_files(edited, (), {}, ROOT, former_roots=("/home/dev/old shop",))

    assert [(file.path, file.touched.at_ms - START_MS) for file in found] == [("menu.py", 2), ("cart.py", 1)]


def test_the_newest_edit_of_a_file_counts_and_the_newest_files_come_first() -> None:
    files = [touched("cart.py", minute=1), touched("till.py", minute=2), touched("cart.py", minute=3)]

    found = recent_files(files, (), {}, ROOT, limit=5)

    assert [(file.path, file.touched.at_ms - START_MS) for file in found] == [
        ("cart.py", 3 * MINUTE_MS),
        ("till.py", 2 * MINUTE_MS),
    ]
    assert [file.path for file in recent_files(files, (), {}, ROOT, limit=1)] == ["cart.py"]


def test_a_deleted_file_has_no_test_status() -> None:
    gone = EditedFile(path=f"{ROOT}/cart.py", change="delete", at_ms=START_MS)

    assert status(gone, run("pass", minute=1)) is None


@pytest.mark.parametrize(
    ("path", "name"), [("/home/dev/a.py", "a.py"), ("C:\\dev\\a.cs", "a.cs"), ("a.py", "a.py"), ("/home/dev/", "")]
)
def test_the_name_of_a_file_is_the_last_part_of_a_path_of_any_system(path: str, name: str) -> None:
    assert file_name(path) == name


@pytest.mark.parametrize(
    ("change", "tests", "facts", "line"),
    [
        ("modify", None, None, "`cart.py`: edited 2 min before"),
        ("add", "pass", None, "`cart.py`: added 2 min before, tests pass"),
        ("rename", "unknown", None, "`cart.py`: moved here 2 min before, tests unknown"),
        ("delete", None, FileFacts(exists=False), "`cart.py`: deleted 2 min before, not there now"),
        ("modify", "failing before this edit", None, "`cart.py`: edited 2 min before, failing before this edit"),
        ("modify", None, FileFacts(exists=True, symbol="Cart.add"), "`cart.py` (Cart.add): edited 2 min before"),
        ("modify", None, FileFacts(exists=True, parses=False), "`cart.py`: edited 2 min before, does not parse"),
        ("modify", None, FileFacts(exists=True, parses=True), "`cart.py`: edited 2 min before"),
    ],
    ids=["edited", "added", "moved", "deleted", "failed before", "symbol", "broken", "whole"],
)
def test_a_line_says_what_was_done_to_a_file_and_what_is_known_of_it_since(
    change: Change, tests: TestStatus | None, facts: FileFacts | None, line: str
) -> None:
    edit = EditedFile(path=f"{ROOT}/cart.py", change=change, at_ms=START_MS)
    file = RecentFile(path="cart.py", touched=edit, status=tests, facts=facts)

    assert file_line(file, START_MS + 2 * MINUTE_MS) == line


def test_what_was_written_only_to_be_deleted_comes_last() -> None:
    scratch = replace(touched("pack.py", minute=9), change="delete", temporary=True)
    gone = replace(touched("old.py", minute=8), change="delete")

    listed = recent_files([touched("cart.py"), scratch, gone], (), {}, ROOT)

    assert [file.path for file in listed] == ["old.py", "cart.py", "pack.py"]
