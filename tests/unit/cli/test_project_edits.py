"""What is written into projects, in words, on at most 80 columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.cli.project_edits import ProjectEdits, ProjectPlan, as_data, lines, meaning, places
from carryover.config import Pointers
from carryover.edits.plan import Change, plan

HOME = Path("/home/dev")


@pytest.mark.parametrize(
    ("agents", "files"),
    [
        (("codex",), "AGENTS.md: five lines that point to it"),
        (("gemini-cli",), "GEMINI.md where you have one: five lines that point to it"),
        (
            ("claude-code", "gemini-cli"),
            "AGENTS.md, CLAUDE.md and GEMINI.md where you have one: five lines that point to it",
        ),
    ],
)
def test_shared_names_the_files_that_the_selected_agents_read(agents: tuple[str, ...], files: str) -> None:
    assert meaning("shared", agents, kept_in="~/x")[1:] == (files,)


@pytest.mark.parametrize(
    ("pointers", "first"),
    [
        ("private", ".carryover/handoff.md, which .git/info/exclude keeps out of commits"),
        ("off", "nothing; handoffs are kept in ~/x"),
    ],
)
def test_the_other_answers_touch_no_file_of_the_user_s(pointers: Pointers, first: str) -> None:
    assert meaning(pointers, ("codex",), kept_in="~/x")[0] == first


def test_a_few_projects_are_named_and_the_rest_counted() -> None:
    roots = [HOME / name for name in "abcdef"]

    assert places(roots, HOME) == "Now ~/a, ~/b, ~/c, ~/d and 2 more; then each project in which you use these agents."
    assert places([], HOME) == "Now none; then each project in which you use these agents."


def test_each_project_s_files_are_listed(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_bytes(b"old")
    edits = tuple(
        plan(Change(path=tmp_path / name, what="a test", edit=lambda _, after=after: after))  # type: ignore[misc]
        for name, after in ((".gitignore", b"new"), ("AGENTS.md", b"new"))
    )
    each = (
        ProjectEdits(tmp_path, edits),
        ProjectEdits(tmp_path / "same"),
        ProjectEdits(tmp_path / "x", problem="gone"),
    )
    shown = list(lines(ProjectPlan("shared", each, kept_in=str(HOME / "x")), ("codex",), home=tmp_path.parent))

    assert shown[3:5] == [
        f"  ~/{tmp_path.name}: .gitignore created, AGENTS.md changed",
        f"  ~/{tmp_path.name}/x: unknown: gone",
    ]
    assert not any("/same" in line for line in shown)
    assert [file["does"] for file in as_data(each)[0]["files"]] == ["created", "changed"]
    assert "+new" in as_data(each, with_diff=True)[0]["files"][0]["diff"]
