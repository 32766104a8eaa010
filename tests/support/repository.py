"""Real git repositories for tests; the suite's `home` fixture keeps the machine's own settings out of them."""

import hashlib
import os
import shutil
import struct
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


_Kept = dict[str, bytes | None]
"""What git keeps of a repository, by path; folders have no bytes."""


@cache
def _kept(template: str, config: bytes, files: tuple[tuple[str, str], ...]) -> _Kept:
    """What `git init` makes with this template and these settings, and the first commit if there are `files`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        git(root, "init", "--quiet", "--object-format=sha1")  # whatever one test sets in its environment
        if files:
            _commit(root, dict(files))
        made = sorted((root / ".git").rglob("*"))
        return {str(path.relative_to(root)): None if path.is_dir() else path.read_bytes() for path in made}


def _commit(root: Path, files: dict[str, str]) -> None:
    _write(root, files)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first commit", committed=BEFORE_ALL)


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def _put(root: Path, kept: _Kept) -> None:
    (root / ".git").mkdir()
    for path, content in kept.items():
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)


def _know_files(root: Path) -> None:
    """Lets the index (version 2) know the files by what the disk says of them, as after `git add`."""
    data = bytearray((root / ".git" / "index").read_bytes())
    at = 12
    for _ in range(int.from_bytes(data[8:12])):
        length = int.from_bytes(data[at + 60 : at + 62]) & 0xFFF
        found = (root / data[at + 62 : at + 62 + length].decode()).lstat()
        times = (*divmod(found.st_ctime_ns, 10**9), *divmod(found.st_mtime_ns, 10**9))
        struct.pack_into(">6I", data, at, *times, found.st_dev & 0xFFFFFFFF, found.st_ino & 0xFFFFFFFF)
        at += (62 + length + 8) // 8 * 8
    data[-20:] = hashlib.sha1(data[:-20]).digest()
    (root / ".git" / "index").write_bytes(data)


def repository(root: Path, files: dict[str, str] | None = None) -> Path:
    """Makes `root` a repository, with these files in its first commit, which is older than all that agents did. Git
    makes each kind once, since a thousand tests begin with one of a few."""
    root.mkdir(parents=True, exist_ok=True)
    config = Path(os.environ.get("GIT_CONFIG_GLOBAL", os.devnull)).read_bytes()
    surroundings = os.environ.get("GIT_TEMPLATE_DIR", ""), config
    if (root / ".git").exists():
        git(root, "init", "--quiet")  # a layout of the test's own
    elif files and not any(root.iterdir()):
        _write(root, files)
        _put(root, _kept(*surroundings, tuple(files.items())))
        _know_files(root)
        return root
    else:
        _put(root, _kept(*surroundings, ()))
    if files:
        _commit(root, files)
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
