"""Asks git whether it keeps a folder of a checkout out of commits, again whenever something that decides this has
changed."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from carryover.fsio import is_there, read_bytes_bounded
from carryover.probe.checkout import common_dir_of, git_dir_of, worktrees_of
from carryover.probe.git_command import ask, ask_one

SIZE_LIMIT_BYTES: Final = 256 << 10
"""Larger ignore files are left to git."""

_PATIENCE_S: Final = 2.0

_STASHES: Final = ("rev-list", "--walk-reflogs", "--parents", "refs/stash", "--")
_TIPS: Final = ("rev-list", "--all", "--no-walk=unsorted", "--objects")
_MOVED_REFS: Final = ("FETCH_HEAD", "packed-refs", "refs/stash", "logs/HEAD")
_PLAIN: Final = re.compile(rb"[\w.*?-]+")
"""A pattern of names' usual characters and of wildcards that mean the same to git and to fnmatch."""
_NEGATED: Final = re.compile(rb"[^\t]*:\d+:!")

_Status = tuple[int, int, int] | None
_ignored: dict[tuple[Path, str], tuple[_Status, ...]] = {}
"""By checkout and folder: the files that decide, as they were when git last said that it ignores the folder."""

_tracked: dict[tuple[Path, tuple[str, ...]], tuple[tuple[_Status, ...], set[str]]] = {}
"""By checkout and names: the files that change with its refs, and which of the names a ref or the index had then."""


def exclude_file(root: Path) -> Path:
    """Returns the `info/exclude` of the checkout, which worktrees share. Raises OSError outside of a repository."""
    common = common_dir_of(root)
    if common is None:
        raise OSError(errno.EINVAL, "it is not a repository")
    return common / "info" / "exclude"


def is_ignored(root: Path, folder: str) -> bool:
    """Whether git ignores all of `folder`, at the top of the checkout, by rules outside of it.

    A yes is kept until HEAD, the index or an ignore file changes; otherwise git is asked. Blocks. Raises OSError if git
    can't tell.
    """
    stamp = _deciding(root)
    if _ignored.get((root, folder)) == stamp:
        return True
    # With the slash, a rule inside the folder would count; without it, a missing one would not be taken for a folder.
    name = folder if is_there(root / folder) else f"{folder}/"
    answer = ask_one(root, "check-ignore", "--quiet", "--no-index", "--", name)
    if answer.code not in (0, 1):
        raise OSError(errno.EINVAL, "it can't read this repository")
    if answer.code == 0:
        _ignored[root, folder] = stamp
    return answer.code == 0


def _deciding(root: Path) -> tuple[_Status, ...]:
    exclude = exclude_file(root)
    git_dir = git_dir_of(root)
    own = (git_dir / "HEAD", git_dir / "index") if git_dir is not None else ()
    return tuple(map(_status, (*own, root / ".gitignore", exclude)))


def _status(path: Path) -> _Status:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def has_rule(data: bytes, folder: str) -> bool:
    """Whether the text of an ignore file ignores a folder at the top of the checkout by its name or a pattern for it;
    if False, git has to be asked."""
    lines = data.split(b"\n")
    last = max((at for at, line in enumerate(lines) if _ignores(line, folder)), default=None)
    return last is not None and not any(line.startswith(b"!") for line in lines[last:])


def names(data: bytes, folder: str) -> bool:
    """Whether the text of an ignore file has a rule for a folder by its name alone."""
    return any(_name_in(line) == os.fsencode(folder) for line in data.split(b"\n"))


def _ignores(line: bytes, folder: str) -> bool:
    """Whether a line of an ignore file matches the folder, read as git and fnmatch both do."""
    name = _name_in(line)
    return _PLAIN.fullmatch(name) is not None and fnmatchcase(os.fsencode(folder), name)


def _name_in(line: bytes) -> bytes:
    return line.rstrip().removesuffix(b"/").removeprefix(b"/")


def is_let_in(root: Path, folder: str) -> bool:
    """Whether git does not ignore the folder in spite of `info/exclude`, because another rule includes it again. As
    `is_ignored`, with the same errors."""
    if is_ignored(root, folder):
        return False
    try:
        text = read_bytes_bounded(exclude_file(root), SIZE_LIMIT_BYTES, follow=False)
    except OSError:
        return False
    return has_rule(text, folder) or names(text, folder)


def is_negated(root: Path, name: str) -> bool:
    """Whether a rule says that git must not ignore the file. Blocks. Raises OSError if git can't tell."""
    answer = ask_one(root, "check-ignore", "--verbose", "--no-index", "--", name)
    return _NEGATED.match(answer.out) is not None


def tracked_anywhere(root: Path, names: Sequence[str]) -> set[str]:
    """Returns those of the files that a branch, a tag, a stash or the index has.

    Asks git only after a commit, a checkout, a fetch or a stash. Blocks. Raises OSError if git can't tell.
    """
    stamp = (*_deciding(root), *(_status(exclude_file(root).parents[1] / name) for name in _MOVED_REFS))
    known = _tracked.get((root, tuple(names)))
    if known is None or known[0] != stamp:
        known = stamp, _ask_tracked(root, names)
        _tracked[root, tuple(names)] = known
    return set(known[1])


def _ask_tracked(root: Path, names: Sequence[str]) -> set[str]:
    deadline = time.monotonic() + _PATIENCE_S
    index, stashes = ask(root, ("ls-files", "-z", "--", *names), _STASHES, deadline=deadline)
    # The third parent of a stash, if any, has the untracked files.
    untracked = [line.split()[3] for line in os.fsdecode(stashes.out).splitlines() if len(line.split()) > 3]
    [tips] = ask(root, (*_TIPS, *untracked, "--", *names), deadline=deadline)
    if index.code != 0 or tips.code != 0:
        raise OSError(errno.EINVAL, "it can't read this repository")
    objects = (line.partition(" ")[2] for line in os.fsdecode(tips.out).splitlines())
    paths = {*objects, *os.fsdecode(index.out).split("\0")}
    return {name for name in names if name in paths}


def other_checkouts(root: Path) -> Iterator[Path]:
    """Yields the other checkouts of the repository, which share its `info/exclude`."""
    common = exclude_file(root).parent.parent
    folders = [common.parent] if common.name == ".git" else []
    folders += worktrees_of(common)
    here = os.path.realpath(root)
    yield from (folder for folder in folders if os.path.realpath(folder) != here)
