"""What is written into projects, in words, on at most 80 columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.cli.project_edits import ProjectEdits, ProjectPlan, as_data, lines, meaning
from carryover.config import Pointers
from carryover.edits.plan import Change, plan

HOME = Path("/home/dev")


@pytest.mark.parametrize(
    ("agents", "files"),
    [
        (("codex",), " in your AGENTS.md"),
        (("gemini-cli",), " in your GEMINI.md"),
        (("claude-code", "gemini-cli"), " in your AGENTS.md, CLAUDE.md and GEMINI.md"),
        (("claude-code", "windsurf"), " in AGENTS.md (created if missing) and in your CLAUDE.md"),
    ],
)
def test_shared_names_the_files_that_the_selected_agents_read(agents: tuple[str, ...], files: str) -> None:
    """AGENTS.md is created for an agent that nothing else brings the handoff."""
    [_, then] = meaning("shared", agents, where="Now", kept_in="~/x")

    assert then.endswith(f".carryover/ in its .gitignore, and five lines that point to the handoff{files}.")


@pytest.mark.parametrize(
    ("pointers", "first"),
    [
        (
            "private",
            "Now, and in others once an agent works there: .carryover/handoff.md, kept out of commits by "
            ".git/info/exclude.",
        ),
        ("off", "Nothing: handoffs are kept in ~/x; agents get it by hooks, or by `carryover to`."),
    ],
)
def test_the_other_answers_touch_no_file_of_the_user_s(pointers: Pointers, first: str) -> None:
    assert meaning(pointers, ("codex",), where="Now", kept_in="~/x")[0] == first


def test_each_project_s_files_are_listed(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_bytes(b"old")
    now, later = (
        plan(Change(path=tmp_path / name, what="a test", edit=lambda _: b"new")) for name in ("exclude", "AGENTS.md")
    )
    each = (
        ProjectEdits(tmp_path, (now,), (later,)),
        ProjectEdits(tmp_path / "same", notes=("a.yml was left alone: git tracks it",)),
        ProjectEdits(tmp_path / "x", problem="gone"),
    )
    shown = list(lines(ProjectPlan("shared", each, kept_in=str(HOME / "x")), ("codex",), home=tmp_path.parent))

    assert shown[3:5] == [
        f"  ~/{tmp_path.name}: exclude is created; when an agent works there, AGENTS.md is changed",
        f"  ~/{tmp_path.name}/x: unknown: gone",
    ]
    assert f"⚠ ~/{tmp_path.name}/same: a.yml was left alone: git tracks it" in shown
    data = as_data(each, with_diff=True)[0]
    assert [file["does"] for file in (*data["files"], *data["later"])] == ["created", "changed"]
    assert "+new" in data["files"][0]["diff"]
