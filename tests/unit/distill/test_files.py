from __future__ import annotations

import pytest

from carryover.distill.digest import SeenRun, Touched
from carryover.distill.sections.files import recent_files, relative
from carryover.distill.testruns.run import Outcome, Status, TestRun
from support.conversation import MINUTE_MS, ROOT, START_MS


def touched(path: str, *, minute: int = 0) -> Touched:
    return Touched(path=f"{ROOT}/{path}", change="modify", at_ms=START_MS + minute * MINUTE_MS)


def run(
    status: Status, *, minute: int, files: dict[str, Outcome] | None = None, paths: tuple[str, ...] = ()
) -> SeenRun:
    made = TestRun(runner="pytest", status=status, files=files or {}, paths=paths)
    return SeenRun(run=made, at_ms=START_MS + minute * MINUTE_MS, command="pytest")


def status(file: Touched, *runs: SeenRun) -> str | None:
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


def test_a_path_is_told_relative_to_the_root_with_forward_slashes() -> None:
    assert relative("/home/dev/shop/src/a.py", "/home/dev/shop/") == "src/a.py"
    assert relative("C:\\dev\\shop\\src\\a.py", "C:\\dev\\shop") == "src/a.py"


def test_windows_makes_no_difference_between_cases_and_others_do() -> None:
    assert relative("C:\\Dev\\shop\\a.cs", "c:\\dev\\Shop") == "a.cs"
    assert relative("/home/Dev/a.py", "/home/dev") is None


def test_a_file_in_an_agents_checkout_of_the_project_is_named_in_full() -> None:
    own = "/home/dev/.codex/worktrees/ab12/shop"
    files = [Touched(path=f"{top}/cart.py", change="modify", at_ms=START_MS) for top in (own, "/home/dev/other")]

    assert [file.path for file in recent_files(files, (), {}, ROOT, checkouts=(own,))] == [f"{own}/cart.py"]


def test_a_file_edited_before_the_project_was_moved_is_named_as_it_lies_there_now() -> None:
    edited = [
        Touched(path="/home/dev/old shop/cart.py", change="modify", at_ms=START_MS),
        Touched(path=f"{ROOT}/cart.py", change="modify", at_ms=START_MS + 1),
        Touched(path="/home/dev/old shop/menu.py", change="modify", at_ms=START_MS + 2),
        Touched(path="/home/dev/old shoppe/other.py", change="modify", at_ms=START_MS + 3),
    ]

    found = recent_files(edited, (), {}, ROOT, former_roots=("/home/dev/old shop",))

    assert [(file.path, file.touched.at_ms - START_MS) for file in found] == [("menu.py", 2), ("cart.py", 1)]
