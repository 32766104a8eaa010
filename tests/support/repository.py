"""Real git repositories for tests; the suite's `home` fixture keeps the machine's own settings out of them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

BEFORE_ALL: Final = "2026-01-01T00:00:00Z"


def git(root: Path, *args: str, given: str | None = None, committed: str | None = None) -> str:
    """What git says to `args` and the input `given` in `root`; it must succeed. `committed`: the time of a commit."""
    env = {**os.environ, "GIT_COMMITTER_DATE": committed} if committed is not None else None
    return subprocess.run(
        ["git", *args], cwd=root, input=given, check=True, capture_output=True, text=True, env=env
    ).stdout


@cache
def _empty(template: str) -> dict[str, bytes | None]:
    """What `git init` makes, by path; folders have no bytes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        git(root, "init", "--quiet")
        made = sorted((root / ".git").rglob("*"))
        return {str(path.relative_to(root)): None if path.is_dir() else path.read_bytes() for path in made}


def repository(root: Path, files: dict[str, str] | None = None) -> Path:
    """Makes `root` a repository, with these files in its first commit, which is older than all that agents did. What
    `git init` makes is written without git, since a thousand tests begin with it."""
    root.mkdir(parents=True, exist_ok=True)
    if (root / ".git").exists():
        git(root, "init", "--quiet")  # a layout of the test's own
    else:
        (root / ".git").mkdir()
        for path, content in _empty(os.environ.get("GIT_TEMPLATE_DIR", "")).items():
            if content is None:
                (root / path).mkdir()
            else:
                (root / path).write_bytes(content)
    if files:
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", "first commit", committed=BEFORE_ALL)
    return root


def hooks_of_all_kinds(root: Path, program: Path) -> None:
    for name in ("post-index-change", "post-checkout", "pre-auto-gc", "fsmonitor-watchman"):
        shutil.copy(program, root / ".git" / "hooks" / name)


def own_programs(root: Path, program: Path) -> None:
    keys = "fsmonitor pager editor askPass sshCommand".split()
    others = "diff.external diff.evil.command diff.evil.textconv filter.evil.clean filter.evil.smudge gpg.program"
    for key in (*(f"core.{key}" for key in keys), *others.split(), "alias.diff", "alias.ls-files"):
        git(root, "config", key, f"!{program}" if key.startswith("alias") else str(program))
    git(root, "config", "log.showSignature", "true")
    git(root, "config", "filter.evil.required", "true")


def configured(*settings: str) -> Callable[[Path, Path], None]:
    def plant(root: Path, program: Path) -> None:
        for words in settings:
            git(root, "config", *(word.format(program) for word in words.split()))

    return plant


PLANTED: Final[tuple[Callable[[Path, Path], None], ...]] = (
    hooks_of_all_kinds,
    own_programs,
    configured("filter.evil.process {}"),
    configured("--file .git/more filter.evil.clean {}", "include.path more"),
    configured("extensions.worktreeConfig true", "--worktree filter.evil.clean {}"),
    configured("FILTER.evil.Clean {}"),
)


def hostile_repository(root: Path, plant: Callable[[Path, Path], None]) -> Path:
    """Makes a repository at `root` with a change in its `a.py`. Returns the file that its programs make if they run."""
    repository(root, {"a.py": "1\n", ".gitattributes": "*.py filter=evil diff=evil\n"})
    program, proof = root.parent / "program", root.parent / "it ran"
    program.write_text(f"#!/bin/sh\ntouch '{proof}'\ncat\n")
    program.chmod(0o755)
    plant(root, program)
    (root / "a.py").write_text("2\n")
    os.utime(root / "a.py", (1, 1))
    proof.unlink(missing_ok=True)  # planting may have run it
    return proof


def partial_clone(folder: Path) -> tuple[Path, Path]:
    """A repository in `folder` that misses a blob, and the file that the program it would be fetched by makes."""
    origin = repository(folder / "origin", {"a.py": "1\n"})
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(folder, "clone", "--quiet", "--filter=blob:none", "--no-checkout", f"file://{origin}", "clone")
    root, proof = folder / "clone", folder / "it ran"
    git(root, "read-tree", "HEAD")
    (root / "a.py").write_text("2\n")
    program = folder / "program"
    program.write_text(f"#!/bin/sh\ntouch '{proof}'\n")
    program.chmod(0o755)
    git(root, "config", "remote.origin.url", f"ext::{program}")
    git(root, "config", "protocol.ext.allow", "always")
    return root, proof
