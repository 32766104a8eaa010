"""Subjects of commits are short, whole and searchable; older ones, and checkouts without history, are left alone."""

from pathlib import Path

import pytest

from habits.subjects import BASE, LONGEST, TOP, NoHistory, main, new_subjects, problem
from support.repository import git, repository


def test_a_subject_is_short_and_begins_like_a_sentence() -> None:
    good = ("Skip duplicate Codex events after a resume", "`carryover to` names the session", "3 agents more are read")
    of_git = ("Merge branch 'page' into lead of another repository with quite a long name", 'Revert "x"')
    bad = ("x" * (LONGEST + 1), "Fix it", "lower case at the start", "It ends with a stop.", "fixup! Skip events twice")

    assert [problem(subject) for subject in (*good, *of_git)] == [None] * 5
    assert [subject for subject in bad if problem(subject) is None] == []
    assert problem("A b " + "x" * (LONGEST - 4)) is None


def test_only_commits_after_the_base_are_judged_and_no_merge(tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop")
    commit(shop, "old")
    base = git(shop, "rev-parse", "HEAD").strip()
    git(shop, "checkout", "-q", "-b", "side")
    commit(shop, "bad")
    git(shop, "checkout", "-q", "-")
    commit(shop, "Show what is new here")
    git(shop, "merge", "-q", "--no-ff", "-m", "joined", "side")

    assert sorted(new_subjects(shop, base)) == ["Show what is new here", "bad"]


def test_a_shallow_clone_and_a_folder_without_git_have_nothing_to_judge(tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop")
    commit(shop, "old")
    commit(shop, "bad")
    git(tmp_path, "clone", "-q", "--depth", "1", shop.as_uri(), "shallow")
    (tmp_path / "none").mkdir()

    assert (new_subjects(tmp_path / "shallow", BASE), new_subjects(tmp_path / "none", BASE)) == ([], [])


def test_a_base_that_the_whole_history_lacks_is_an_error_and_not_a_pass(tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop")
    commit(shop, "bad")

    with pytest.raises(NoHistory, match="is not in the history"):
        new_subjects(shop, BASE)


def test_a_message_is_judged_before_it_is_committed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = tmp_path / "COMMIT_EDITMSG"
    message.write_text("fix\n\nwhy\n")

    assert main([str(message)]) == 1
    assert "`fix` has fewer than three words" in capsys.readouterr().err


def test_the_commits_of_this_checkout_pass() -> None:
    assert [subject for subject in new_subjects(TOP, BASE) if problem(subject) is not None] == []


def commit(shop: Path, subject: str) -> None:
    git(shop, "commit", "-q", "--allow-empty", "-m", subject)
