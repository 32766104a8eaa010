"""The files of a task: the tree that the successor finds, the tests that judge it, and what was really done."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Final

from quality.fetch import Origin, git, mirror_of
from quality.successor.tasks import Task, is_inside

AGENTS_OWN: Final = (
    *(".aider*", ".claude/*", ".claude.json", ".codex/*", ".cursor/*", ".entire/*", ".gemini/*", ".mcp.json"),
    *(".opencode/*", "opencode.json*", ".specstory/*"),
)
"""What agents keep in a repository: transcripts, which hold the answer; hooks and servers, which would be run; and
what some users committed by mistake, such as credentials."""

_LINK: Final = "120000"
_FILES: Final = ("100644", "100755", _LINK)
_SETTINGS: Final = "[user]\n\tname = Successor\n\temail = successor@example.com\n[commit]\n\tgpgsign = false\n"
_INSTALLED: Final = ("node_modules/", ".venv/", "__pycache__/", ".pytest_cache/", "*.tsbuildinfo")


@dataclass(frozen=True, slots=True)
class Entry:
    mode: str
    blob: str


def repository_of(task: Task, folder: Path, origin: Origin) -> Path:
    """Returns a bare repository that has both commits of a task. Raises Missing."""
    if origin.mirrors is not None:
        return mirror_of(task.repository, origin.mirrors)
    git_dir = folder / "git" / task.session.mirror
    if not (git_dir / "objects").is_dir():
        git_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        git(git_dir, "init", "--quiet", "--bare", "--template=")
    options = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
    git(git_dir, "fetch", *options, f"{origin.base}/{task.repository}", task.before, task.after)
    return git_dir


def begin(task: Task, git_dir: Path, project: Path) -> list[str]:
    """Makes `project` a repository with one commit, the tree of `before`; returns the files that can't be had."""
    project.mkdir(parents=True)
    missing = write(git_dir, _shown(task, listed(git_dir, task.before)), project)
    _in(project, "init", "--quiet", "--initial-branch=main", "--template=")
    with (project / ".git" / "config").open("a") as config:
        config.write(_SETTINGS)
    exclude = project / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("\n".join([*_INSTALLED, ""]))
    _in(project, "add", "--all", "--force")
    _in(project, "commit", "--quiet", "--no-verify", "--allow-empty", "--message=Start")
    return missing


def bring_tests(task: Task, git_dir: Path, project: Path) -> list[str]:
    """Puts the hidden tests over whatever the agent made of them; returns those that can't be had."""
    entries = listed(git_dir, task.after)
    gone = [path for path in task.hidden if path not in entries]
    return gone + write(git_dir, {path: entries[path] for path in task.hidden if path in entries}, project)


def do_as_it_was_done(task: Task, git_dir: Path, project: Path) -> None:
    """Changes `project` as the real commits did, except for the hidden tests."""
    before = _shown(task, listed(git_dir, task.before))
    after = _shown(task, listed(git_dir, task.after))
    changed = {path: entry for path, entry in after.items() if before.get(path) != entry}
    write(git_dir, {path: entry for path, entry in changed.items() if path not in task.hidden}, project)
    for path in before.keys() - after.keys():
        (project / path).unlink(missing_ok=True)


def listed(git_dir: Path, commit: str) -> dict[str, Entry]:
    """Returns the files and links of a commit, without those whose path would lead out of it, and submodules."""
    found = {}
    for line in git(git_dir, "ls-tree", "-r", "-z", commit).decode(errors="surrogateescape").split("\0"):
        meta, _, path = line.partition("\t")
        mode, _, blob = meta.partition(" blob ")
        if mode in _FILES and is_inside(path):
            found[path] = Entry(mode, blob)
    return found


def write(git_dir: Path, entries: Mapping[str, Entry], project: Path) -> list[str]:
    """Writes files, and links that stay inside; returns the paths whose content the repository lacks."""
    contents = _contents(git_dir, {entry.blob for entry in entries.values()})
    # Links come last, so that nothing is written through one.
    for path, entry in sorted(entries.items(), key=_links_last):
        content = contents.get(entry.blob)
        if content is not None:
            _put(project, path, entry.mode, content)
    return sorted(path for path, entry in entries.items() if entry.blob not in contents)


def _links_last(item: tuple[str, Entry]) -> tuple[bool, str]:
    return item[1].mode == _LINK, item[0]


def _shown(task: Task, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    hidden = (*AGENTS_OWN, *task.without)
    return {path: entry for path, entry in entries.items() if not _matches(path, hidden)}


def _matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path, pattern) or fnmatchcase(path, f"*/{pattern}") for pattern in patterns)


def _contents(git_dir: Path, blobs: Iterable[str]) -> dict[str, bytes]:
    asked = "".join(f"{blob}\n" for blob in sorted(blobs)).encode()
    printed = git(git_dir, "cat-file", "--batch", stdin=asked) if asked else b""
    found = {}
    at = 0
    while at < len(printed):
        end = printed.index(b"\n", at)
        blob, kind, *size = printed[at:end].decode().split(" ")
        at = end + 1
        if kind != "missing":
            found[blob] = printed[at : at + int(size[0])]
            at += int(size[0]) + 1
    return found


def _put(project: Path, path: str, mode: str, content: bytes) -> None:
    file = project / path
    below_project = list(file.relative_to(project).parents)[:-1]
    for parent in reversed(below_project):
        folder = project / parent
        # An agent or a test may have put a link or a file there.
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink(missing_ok=True)
        folder.mkdir(exist_ok=True)
    if file.is_dir() and not file.is_symlink():
        shutil.rmtree(file)
    elif os.path.lexists(file):
        file.unlink()
    if mode == _LINK:
        target = os.fsdecode(content)
        if _stays_inside(path, target):
            file.symlink_to(target)
        return
    file.write_bytes(content)
    file.chmod(int(mode[-3:], 8))


def _stays_inside(path: str, target: str) -> bool:
    """Whether the link at `path` leads nowhere out of the tree. What climbs after a name is refused, since that name
    may be a link, too."""
    parts = PurePosixPath(target).parts
    climbs = len(list(takewhile("..".__eq__, parts)))
    is_absolute = PurePosixPath(target).is_absolute()
    return not is_absolute and ".." not in parts[climbs:] and climbs < len(PurePosixPath(path).parts)


def _in(project: Path, *arguments: str) -> None:
    ours = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C", "HOME": os.devnull}
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-01-01T00:00:00Z")
    environment = {"PATH": os.environ["PATH"], **ours, **dates}
    subprocess.run(["git", *arguments], cwd=project, env=environment, check=True, stdin=subprocess.DEVNULL)
