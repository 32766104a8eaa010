from __future__ import annotations

from pathlib import Path

import pytest

from carryover.export.material import GuidingFile, LeftOut
from carryover.probe.project_tree import project_paths
from carryover.publish import pointer
from carryover.views.web_chat import guidance
from support.repository import repository


def found(root: Path) -> tuple[tuple[GuidingFile, ...], list[LeftOut]]:
    return guidance(root, project_paths(root).all)


@pytest.mark.parametrize(
    "path",
    [
        "AGENTS.md",
        "AGENTS.override.md",
        "CLAUDE.md",
        "GEMINI.md",
        "packages/till/AGENTS.md",
        ".claude/rules/style.md",
        ".claude/skills/bake/SKILL.md",
        ".agents/skills/bake/SKILL.md",
        ".codex/skills/bake/SKILL.md",
        ".cursor/rules/style.mdc",
        ".cursorrules",
        ".github/copilot-instructions.md",
        ".github/instructions/py.instructions.md",
        ".windsurf/rules/style.md",
        ".windsurfrules",
    ],
)
def test_a_file_that_an_agents_spec_names_is_guidance(path: str, tmp_path: Path) -> None:
    root = repository(tmp_path / "shop", {path: "Be brief.\n", "docs/style.md": "x", "skills/SKILL.md": "y"})

    assert found(root) == ((GuidingFile(path=path, text="Be brief.\n"),), [])


def test_carryovers_own_block_is_taken_out_and_a_file_of_nothing_else_is_none(tmp_path: Path) -> None:
    own = pointer.with_block(b"Be brief.\n", at_top=False).decode()
    root = repository(tmp_path / "shop", {"CLAUDE.md": own, "AGENTS.md": pointer.NEW_FILE.decode()})

    assert found(root) == ((GuidingFile(path="CLAUDE.md", text="Be brief.\n"),), [])


def test_a_link_to_another_file_of_the_project_is_that_file_and_one_that_leads_elsewhere_is_not_read(
    tmp_path: Path,
) -> None:
    root = repository(tmp_path / "shop", {"AGENTS.md": "Be brief.\n", "prod.env": "KEY=1\n"})
    (tmp_path / "mine.md").write_text("My key is in the drawer.\n")
    (root / "CLAUDE.md").symlink_to("AGENTS.md")
    (root / "GEMINI.md").symlink_to(tmp_path / "mine.md")
    (root / ".cursorrules").symlink_to("prod.env")

    files, left_out = found(root)

    assert [(file.path, file.text) for file in files] == [("AGENTS.md", "Be brief.\n"), ("CLAUDE.md", "Be brief.\n")]
    assert left_out == [LeftOut(".cursorrules", "a symlink"), LeftOut("GEMINI.md", "a symlink")]


def test_one_that_git_ignores_or_that_is_no_text_is_named_and_not_read(tmp_path: Path) -> None:
    root = repository(tmp_path / "shop", {".gitignore": "CLAUDE.md\n", "x": ""})
    (root / "CLAUDE.md").write_text("My key is in the drawer.\n")
    (root / "GEMINI.md").write_bytes(b"\xff\0")

    assert found(root) == ((), [LeftOut("GEMINI.md", "not text"), LeftOut("CLAUDE.md", "git ignores it")])
