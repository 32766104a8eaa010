"""Real git repositories for tests; the suite's `home` fixture keeps the machine's own settings out of them."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(root: Path, *args: str, given: str | None = None) -> str:
    """What git says to `args` and the input `given` in `root`; it must succeed."""
    return subprocess.run(["git", *args], cwd=root, input=given, check=True, capture_output=True, text=True).stdout


def repository(root: Path, files: dict[str, str] | None = None) -> Path:
    """A repository at `root` with one commit of `files`; without any there is no commit yet."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "--quiet")
    if files:
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "first commit")
    return root
