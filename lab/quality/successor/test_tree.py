"""What a stranger's repository, or an agent that was measured, leaves in a tree leads nowhere else."""

import os
from pathlib import Path

import pytest

from quality.successor.tree import listed, write
from support.repository import git


@pytest.fixture
def work(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet")
    return work


def put(work: Path, project: Path) -> None:
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message=All")
    project.mkdir(exist_ok=True)
    write(work / ".git", listed(work / ".git", "HEAD"), project)


def test_links_of_a_repository_do_not_lead_out_by_way_of_each_other(work: Path, tmp_path: Path) -> None:
    (work / "sub").mkdir()
    (work / "sub" / "top").symlink_to("..")
    (work / "out").symlink_to("sub/top/..")
    project = tmp_path / "project"

    put(work, project)

    assert (project / "sub" / "top").resolve() == project
    assert not os.path.lexists(project / "out")


def test_no_hidden_test_is_written_through_a_link_that_an_agent_left(work: Path, tmp_path: Path) -> None:
    (work / "tests").mkdir()
    (work / "tests" / "test_cart.py").write_text("ours")
    project = tmp_path / "project"
    project.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "test_cart.py").write_text("the user's")
    (project / "tests").symlink_to(elsewhere)

    put(work, project)

    assert (elsewhere / "test_cart.py").read_text() == "the user's"
    assert (project / "tests" / "test_cart.py").read_text() == "ours"


def test_a_pipe_that_an_agent_left_in_a_tests_place_holds_nothing_up(work: Path, tmp_path: Path) -> None:
    (work / "test_cart.py").write_text("ours")
    project = tmp_path / "project"
    project.mkdir()
    os.mkfifo(project / "test_cart.py")

    put(work, project)

    assert (project / "test_cart.py").read_text() == "ours"
