"""A repository as GitPython reads it, without starting git or opening files by itself. Slow to load.

Left alone, GitPython would pass GIT_DIR on to git, wait without a limit, and follow what a configuration includes.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from git import Diffable, Git, Repo
from git.util import IterableList

from carryover.probe.git_command import ask


class _Git(Git):
    """Has every command run by `ask`, with all its guards, until the deadline."""

    def __init__(self, root: Path, deadline: float, settings: Sequence[str]) -> None:
        super().__init__()
        self._question = (root, deadline, settings)

    def __call__(self, **_: Any) -> Git:
        return self  # settings of GitPython's own; `Head.diff` says what it needs

    def execute(self, command: Sequence[str], *_: Any, **__: Any) -> Any:
        root, deadline, settings = self._question
        # A blob's full name has more digits in a SHA-256 repository than GitPython takes.
        words = [word for word in command[1:] if word != "--full-index"]
        [answer] = ask(root, words, deadline=deadline, settings=settings)
        return SimpleNamespace(stdout=BytesIO(answer.out), stderr=None, wait=lambda **_: 0)


class _Repository(Repo):
    def __init__(self, git: Git) -> None:
        self.git = git

    @property
    def submodules(self) -> IterableList[Any]:
        return IterableList("name")


class Head(Diffable):
    """The commit checked out at `root`, for comparison with other states. Raises what `ask` raises."""

    def __init__(self, root: Path, *, deadline: float, settings: Sequence[str] = ()) -> None:
        self.repo = _Repository(_Git(root, deadline, settings))

    def __str__(self) -> str:
        return "HEAD"
