"""Which of git's data folders belongs to a folder: the only place that decides whether to believe a `.git`.

A folder may have come as an archive, so its `.git` may name any data folder on this machine. One elsewhere counts only
if it names this `.git` back, by what git or the user wrote over there:

- a worktree's is in `worktrees/` of the repository that it is said to share, and its `gitdir` is this `.git`;
- the `core.worktree` of a submodule's is this folder;
- that of `git init --separate-git-dir` names nothing: it is beside this `.git`, or was written right after it.

Nor is git started where what it takes for a commit, a branch or its index leads out of the data folder, or where it
would look for another than that one: in the folder itself, or above it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from carryover.fsio import entries_below, is_same, read_beginning, read_bytes_bounded
from carryover.platform import here
from carryover.text.pattern import later

_LARGEST_NAME: Final = 16_384
_LARGEST_CONFIG: Final = 1 << 20
_GIT_FILE: Final = b"gitdir: "
_WORK_TREE: Final = later(rb'^[ \t]*worktree[ \t]*=[ \t]*"?(.*)', re.MULTILINE | re.IGNORECASE)
_ESCAPED: Final = later(rb'\\([\\"])')
_NAMES_WORK_TREE: Final = later(rb"worktree[ \t]*=", re.IGNORECASE)
_HEAD: Final = later(rb"ref:[ \t]*refs/|[0-9a-f]{40}")
_LARGEST_HEAD: Final = 255
_REFS_KEY: Final = b"refstorage"
_REFS_HERE: Final = later(rb'refstorage[ \t]*=[ \t]*"?(?:files|reftable)"?[ \t\r]*$', re.MULTILINE)
"""What a configuration may say of where branches are kept. Other values may name a folder (git 2.54)."""
_WRITTEN_AFTER: Final = ("description", "config")
"""What git writes next after a `.git` file: both into a new data folder, the second into one that it moves."""
_AT_ONCE_NS: Final = 2_000_000_000
_STATE: Final = later(r"[A-Z_]+|index|sharedindex\..*|packed-refs|refs|logs|reftable|worktrees")
"""Names in a data folder that git takes for commits, branches or its index."""
WALKED: Final = ("refs", "reftable")
"""The folders that hold the branches."""
MOST_ENTRIES: Final = 20_000
"""Git is not asked about a repository with more of them."""


def git_dir_of(root: Path) -> Path | None:
    """Returns git's data folder for the checkout at `root`; None if that is not the top of a checkout, or its `.git`
    names a data folder that does not name it back. Takes a few calls of stat."""
    git_dir = _named_by(root)
    if git_dir is None or not _belongs(git_dir, root):
        return None
    return git_dir if _is_whole(git_dir, common_of(git_dir)) else None


def is_top(root: Path) -> bool:
    """Whether git would take `root` for the top of a checkout, whatever data folder its `.git` names."""
    return _named_by(root) is not None


def common_of(git_dir: Path) -> Path:
    """Returns what a data folder that is believed shares with others: itself, unless it is a worktree's."""
    return git_dir.parent.parent if os.path.lexists(git_dir / "commondir") else git_dir


def main_of(root: Path, git_dir: Path | None) -> str | None:
    """Returns the main checkout of the worktree at `root`, whose data folder is `git_dir`; None if that is not a
    worktree's, or is one of a bare repository's."""
    if git_dir is None or git_dir == root / ".git":
        return None
    common = common_of(git_dir)
    return here().canonical(common.parent) if git_dir != common and common.name == ".git" else None


def worktrees_of(common: Path) -> Iterator[Path]:
    """Yields the existing worktrees of a repository, sorted by their names in git. `common`: the data folder that
    they share."""
    for git_dir, back in _listed(common):
        if not os.path.lexists(back):
            continue
        root = _folder_of(back)
        own = git_dir_of(root)
        if own is not None and is_same(own, git_dir):
            yield root


def listed_worktrees(common: Path) -> Iterator[Path]:
    """Yields the worktrees that git lists for a repository, also those whose folder is gone."""
    yield from (_folder_of(back) for _, back in _listed(common))


def has_countless_worktrees(common: Path) -> bool:
    """Whether a repository has more entries of worktrees than are looked at."""
    return len(_entries_of_worktrees(common)) > MOST_ENTRIES


def _listed(common: Path) -> Iterator[tuple[Path, Path]]:
    """Yields the data folder of each worktree, and the `.git` that it names. An archive may bring any number of them,
    so those of a repository with more than git is asked about are not looked at."""
    names = _entries_of_worktrees(common)
    for name in sorted(names) if len(names) <= MOST_ENTRIES else ():
        git_dir = common / "worktrees" / name
        if (back := named_in(git_dir / "gitdir")) is not None:
            yield git_dir, back


def _entries_of_worktrees(common: Path) -> list[str]:
    try:
        return os.listdir(common / "worktrees")  # noqa: PTH208 (only names are needed)
    except OSError:
        return []


def _folder_of(dot_git: Path) -> Path:
    return Path(here().canonical(dot_git.parent))


def may_be_asked(root: Path) -> bool:
    """Whether git, started at `root`, would read nothing of another repository's. `root` may be a bare repository.
    Blocks."""
    if not root.is_absolute():  # as another machine's project
        return False
    git_dir = git_dir_of(root)
    if git_dir is None and not _is_bare(root):
        return False
    folders = {git_dir, common_of(git_dir)} if git_dir is not None else {root}
    if any(_keeps_refs_elsewhere(folder) for folder in folders):
        return False
    tops = [os.path.realpath(folder) for folder in folders]
    try:
        entries = islice((entry for top in tops for entry in _state(top)), MOST_ENTRIES + 1)
        inside = [not entry.is_symlink() or _is_inside(_resolved(entry.path), tops) for entry in entries]
    except OSError:  # such as a name too long for us, but not for git, which goes there step by step
        return False
    return len(inside) <= MOST_ENTRIES and all(inside)


def named_in(file: Path, prefix: bytes = b"") -> Path | None:
    """Returns the path in one of git's small files, relative to the file's folder, as git reads it; None if there is
    none.

    It may contain `..`, which must be resolved by the system: where symlinks are, shortening the text would change its
    meaning.
    """
    try:
        data = read_bytes_bounded(file, _LARGEST_NAME)
    except OSError:
        return None
    name = os.fsdecode(data.removeprefix(prefix).rstrip(b"\r\n"))
    return file.parent / name if data.startswith(prefix) and name and "\0" not in name else None


def _named_by(root: Path) -> Path | None:
    """Returns the data folder that git would use at `root`: `.git` itself, or the real path of what that names."""
    entry = root / ".git"
    try:
        if not stat.S_ISDIR(entry.stat().st_mode):
            named = named_in(entry, _GIT_FILE)
        else:
            named = entry
    except OSError:  # there is none, or none that this user can read
        return None
    if named is None or not os.path.lexists(named / "HEAD"):
        return None
    return entry if named == entry and not entry.is_symlink() else Path(os.path.realpath(named))


def _is_bare(root: Path) -> bool:
    """Whether git takes `root` itself for a data folder, and one that names no other and no checkout."""
    if any(os.path.lexists(root / name) for name in (".git", "commondir")) or not _is_whole(root, root):
        return False
    return not any(_NAMES_WORK_TREE.search(text) for text in configuration_of(root) if text is not None)


def _is_whole(git_dir: Path, common: Path) -> bool:
    """Whether git takes `git_dir` for a data folder. In the place of one that it does not, it looks for others."""
    if not all(os.access(common / name, os.X_OK) for name in ("objects", "refs")):
        return False
    head = git_dir / "HEAD"
    try:
        if head.is_symlink():
            return str(head.readlink()).startswith("refs/")
        return _HEAD.match(read_beginning(head, _LARGEST_HEAD)) is not None
    except OSError:
        return False


def _belongs(git_dir: Path, root: Path) -> bool:
    shares = os.path.lexists(git_dir / "commondir")
    if git_dir == root / ".git":
        return not shares
    return _is_worktree(git_dir, root) if shares else _is_separate(git_dir, root)


def _is_worktree(git_dir: Path, root: Path) -> bool:
    common = named_in(git_dir / "commondir")
    back = named_in(git_dir / "gitdir")
    if common is None or back is None or git_dir.parent.name != "worktrees":
        return False
    # Not the path of `back` itself: a `.git` that is a symlink to another's would be the same.
    return is_same(common, git_dir.parent.parent) and back.name == ".git" and is_same(back.parent, root)


def _is_separate(git_dir: Path, root: Path) -> bool:
    if work_trees := list(_work_trees(git_dir)):
        return any(is_same(folder, root) for folder in work_trees)
    if ".git" in git_dir.parts:
        return False
    return is_same(git_dir.parent, root) or _is_written_after(root / ".git", git_dir)


def _work_trees(git_dir: Path) -> Iterator[Path]:
    """Yields what the data folder calls its checkout. Only the user and git write there, unless all is a stranger's."""
    for text in filter(None, configuration_of(git_dir)):
        for value in _WORK_TREE.findall(text):
            bare = value.rstrip(b" \t\r").removesuffix(b'"')
            yield git_dir / os.fsdecode(_ESCAPED.sub(rb"\1", bare))


def _keeps_refs_elsewhere(git_dir: Path) -> bool:
    texts = list(configuration_of(git_dir))
    known = [text.lower() for text in texts if text is not None]
    return None in texts or any(text.count(_REFS_KEY) != len(_REFS_HERE.findall(text)) for text in known)


def configuration_of(git_dir: Path) -> Iterator[bytes | None]:
    """Yields the text of each configuration file of a data folder; None for a file that can't be read."""
    for name in ("config", "config.worktree"):
        try:
            yield read_bytes_bounded(git_dir / name, _LARGEST_CONFIG)
        except FileNotFoundError:
            continue
        except OSError:
            yield None


def _is_written_after(entry: Path, git_dir: Path) -> bool:
    """Whether git made both at once: nothing can set the time of a file's last change back."""
    made_ns = _changed_ns(entry)
    return any(0 <= _changed_ns(git_dir / name) - made_ns <= _AT_ONCE_NS for name in _WRITTEN_AFTER)


def _changed_ns(path: Path) -> int:
    try:
        return path.lstat().st_ctime_ns
    except OSError:
        return 0


def _state(folder: str) -> Iterator[os.DirEntry[str]]:
    """Yields the entries of a data folder that say which commits there are, and those of its worktrees."""
    for entry in _entries(folder):
        if not _STATE.fullmatch(entry.name):
            continue
        yield entry
        if entry.name == "worktrees":
            for tree in _entries(entry.path):
                yield tree
                yield from _state(tree.path)
        elif entry.name in WALKED and entry.is_dir(follow_symlinks=False):
            yield from entries_below(Path(entry.path), onerror=unless_git_cannot_either)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        unless_git_cannot_either(error)


def unless_git_cannot_either(error: OSError) -> None:
    """Raises the error of a folder that cannot be listed, unless git cannot read it then either."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError):
        raise error


def _resolved(link: str) -> str:
    """Returns where a link leads. Raises OSError if its name or one on its way is too long for us, which `realpath`
    would take as it is: git gets there from the folder that it is in."""
    try:
        return os.path.realpath(link, strict=True)
    except FileNotFoundError:
        return os.path.realpath(link)


def _is_inside(path: str, tops: list[str]) -> bool:
    return any(path.startswith(f"{top}/") for top in tops)
