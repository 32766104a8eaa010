"""The commands, skills and prompts of agents are found where each agent keeps them, and nothing else is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carryover.agents import specs
from carryover.publish.templates import command_files

KINDS = [kind for spec in specs() for kind in spec.commands.items()]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("home/.claude/commands/review.md", "review"),
        ("home/.claude/commands/team/review.md", "review"),
        ("home/.claude/skills/review/SKILL.md", "review"),
        ("shop/.claude/commands/speckit.plan.md", "speckit.plan"),
        ("home/.codex/prompts/speckit.plan.md", "speckit.plan"),
        ("home/.agents/skills/review/SKILL.md", "review"),
        ("home/.gemini/commands/git/commit.toml", "commit"),
        ("shop/.gemini/commands/commit.toml", "commit"),
        ("home/.config/opencode/command/review.md", "review"),
        ("shop/.opencode/commands/review.md", "review"),
        ("shop/.cursor/commands/review.md", "review"),
        ("shop/.github/prompts/review.prompt.md", "review"),
        ("shop/.windsurf/workflows/review.md", "review"),
        ("shop/.continue/prompts/review.prompt", "review"),
        ("shop/.continue/rules/review.md", "review"),
        ("home/.continue/prompts/review.md", "review"),
    ],
)
def test_a_command_has_the_name_that_it_is_called_by(tmp_path: Path, path: str, name: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text("Review it.\n")

    assert command_files(tmp_path / "shop", KINDS, tmp_path / "home", {}) == [(name, "Review it.\n")]


def test_folders_that_a_variable_moved_are_found(tmp_path: Path) -> None:
    file = tmp_path / "moved" / "prompts" / "review.md"
    file.parent.mkdir(parents=True)
    file.write_text("Review it.")

    found = command_files(None, KINDS, tmp_path / "home", {"CODEX_HOME": str(tmp_path / "moved")})

    assert [name for name, _ in found] == ["review"]


def test_what_is_no_text_of_reasonable_size_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / ".claude" / "commands"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe.md")
    (folder / "dangling.md").symlink_to("nowhere")
    (folder / "large.md").write_bytes(b"x" * (1 << 20))
    (folder / "binary.md").write_bytes(b"\xff\xfe")
    (folder / "two\nlines.md").write_text("Review it.")
    (folder / "folder.md").mkdir()
    (folder / "good.md").write_text("Review it.")

    assert [name for name, _ in command_files(tmp_path, KINDS, tmp_path / "home", {})] == ["good"]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / ".claude" / "commands" / "review.md"
    file.parent.mkdir(parents=True)
    for now in ("Review it.", "Review all of it."):
        file.write_text(now)

        assert [text for _, text in command_files(tmp_path, KINDS, tmp_path / "home", {})] == [now]
