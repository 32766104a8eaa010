"""A home folder with projects and the transcripts of the work in them."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .work import code

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000

DAYS_AGO: Final = (0.0, 1.0, 3.0, 20.0, 35.0, 60.0)
"""When each project was last worked on. Half of them lie outside the days in which handoffs are written."""

AUTHOR: Final = ("-c", "user.name=Dev", "-c", "user.email=dev@example.invalid", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Projects and files: newest first."""

    home: Path
    projects: tuple[Path, ...]
    files: tuple[Path, ...]
    size: int

    def files_of(self, project: Path) -> tuple[Path, ...]:
        folder = transcripts_of(self.home, project)
        return tuple(file for file in self.files if file.is_relative_to(folder))


def make_project(root: Path) -> Path:
    """A git repository with source files, committed."""
    (root / "src").mkdir(parents=True)
    for name, lines in code().files.items():
        (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for command in (["init", "-q", "--initial-branch=main"], ["add", "--all"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", *AUTHOR, *command], cwd=root, env=env, check=True, stdin=subprocess.DEVNULL)
    return root


def transcripts_of(home: Path, project: Path) -> Path:
    """The folder of a project's transcripts: in its path, every character that is no ASCII letter or digit is a `-`."""
    return home / ".claude" / "projects" / re.sub(r"[^A-Za-z0-9]", "-", str(project))
