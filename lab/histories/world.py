"""A repository in which an agent works while its user runs git: once with Carryover, once without."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from carryover.agents import agent_ids
from carryover.config import AgentsConfig, Config, Pointers, ProjectSettings, PublishConfig, project_settings
from carryover.redact import CleanText
from support.publishing import publish, withdraw

MARK: Final = "SECRET-PROMPT"
"""In each handoff, and nowhere else."""
GIT_CONFIG: Final = """\
[user]
	name = Dev
	email = dev@example.invalid
[init]
	defaultBranch = main
[maintenance]
	auto = false
[gc]
	auto = 0
[core]
	editor = true
[protocol "file"]
	allow = always
[advice]
	detachedHead = false
"""
_PATIENCE_S: Final = 60
_NAMED_AT_RANDOM: Final = re.compile(r"(?<=\.stash\.)\w{6}$", re.MULTILINE)
"""How `git stash` names a file that is in the way."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A git command that was run, and what became of it."""

    code: int
    said: str


@dataclass
class World:
    """The checkout at `root`, with its worktrees and submodules. `mode` None: without Carryover."""

    root: Path
    mode: Pointers | None
    turns: int = 0
    is_published: bool = False
    """Whether something was written. It is False as long as each publication was refused."""
    now_s: int = 1_800_000_000
    """The time of the next commit, so that both worlds make the same ones."""
    refused: set[str] = field(default_factory=set)

    def git(self, *words: str, at: Path | None = None) -> Ran:
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "FILTER_BRANCH_SQUELCH_WARNING": "1"}
        environment |= dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{self.now_s} +0000")
        done = subprocess.run(
            ["git", *words],
            cwd=at or self.root,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
        return Ran(done.returncode, done.stdout + done.stderr)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        for folder in path.relative_to(self.root).parents:
            if (self.root / folder).is_file():  # what was a file on one branch is a folder on another
                return
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_dir():
            path.write_text(text)

    def delete(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def publish(self) -> None:
        """What carryoverd does after an agent's turn."""
        if self.mode is None:
            return
        for checkout in self.checkouts():
            self.turns += 1
            text = CleanText(f"# [CARRYOVER] Last updated now\n{MARK} {self.turns}\n")
            done = publish(checkout, text, self._settings(checkout))
            if done.refusal is not None:
                self.refused.add(done.refusal)
            else:
                self.is_published = True

    def change_mode(self, mode: Pointers) -> None:
        """What carryoverd does when the user's settings have changed."""
        self.mode = mode
        for checkout in self.checkouts():
            withdraw(checkout, self._settings(checkout))

    def _settings(self, checkout: Path) -> ProjectSettings:
        agents = AgentsConfig(selected=agent_ids())
        return project_settings(checkout, Config(publish=PublishConfig(pointers=self.mode), agents=agents))

    def checkouts(self) -> list[Path]:
        beside = [path for path in (self.root.parent / "tree", self.root / "inner") if (path / ".git").exists()]
        return [self.root, *beside]

    def leaks(self) -> list[str]:
        """Returns what git has of `.carryover/`: paths in an index or a commit, blobs with the text of a handoff."""
        found = []
        for checkout in self.checkouts():
            listed = self.git("ls-files", at=checkout).said.splitlines()
            objects = self.git("rev-list", "--all", "--reflog", "--objects", at=checkout).said.splitlines()
            found += [line for line in (*listed, *objects) if ".carryover/" in line or line.endswith(".carryover")]
            found += ["a blob with a handoff"] if MARK in self._blobs(checkout) else []
        return found

    def _blobs(self, checkout: Path) -> str:
        return self.git("cat-file", "--batch", "--batch-all-objects", "--unordered", at=checkout).said

    def status(self) -> str:
        said = self.git("status", "--porcelain", "--untracked-files=all", "--ignore-submodules=dirty").said
        return _NAMED_AT_RANDOM.sub("", said)


def worlds(home: Path, mode: Pointers, files: dict[str, str]) -> tuple[World, World]:
    """Makes the same repository twice: with Carryover in this mode, and without."""
    made = []
    for name, its_mode in (("with", mode), ("without", None)):
        top = home / name
        shutil.rmtree(top, ignore_errors=True)
        world = World(top / "app", its_mode)
        world.root.mkdir(parents=True)
        (top / "library").mkdir()
        (top / "library" / "lib.py").write_text("1\n")
        for folder in (top / "library", world.root):
            world.git("init", "--quiet", at=folder)
        for name_, text in files.items():
            world.write(name_, text)
        for folder in (top / "library", world.root):
            world.git("add", "--all", at=folder)
            world.git("commit", "--quiet", "--allow-empty", "--message", "first", at=folder)
        made.append(world)
    return made[0], made[1]
