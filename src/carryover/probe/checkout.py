"""A folder as git sees it: where its data is, and what git says of the folder's files."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from carryover.fsio import FileStamp, entries_below, file_stamp, is_there, read_bytes_bounded, read_if_there
from carryover.probe.git_command import GitAnswer, ask, ask_one
from carryover.probe.git_dir import (
    MOST_ENTRIES,
    WALKED,
    common_of,
    git_dir_of,
    has_countless_worktrees,
    main_of,
    may_be_asked,
    unless_git_cannot_either,
    worktrees_of,
)
from carryover.probe.ignore_rules import GITIGNORE, SIZE_LIMIT_BYTES, has_rule, has_rule_by_name, may_let_in
from carryover.probe.memory import find_once, known_answer, remember
from carryover.text.pattern import later

_OF_HEAD: Final = ("HEAD", "packed-refs", "shallow", "config", "config.worktree", "objects/pack")
"""Beside the branches, what HEAD, the length of its short name, and what its branch follows depend on."""
_STASHES: Final = ("rev-list", "--ignore-missing", "--walk-reflogs", "--parents", "refs/stash", "--")
_TIPS: Final = ("rev-list", "--all", "--no-walk=unsorted", "--objects")
_NEGATED: Final = later(rb"[^\t]*:\d+:!")
_LARGEST_INDEX: Final = 64 << 20
_LARGEST_REFS: Final = 16 << 20
_MOST_REMOTES: Final = 10
_USUAL: Final = later(r"\w[\w./@#+-]{0,199}", re.ASCII)
"""A branch's name as people choose it, which may come from a transcript."""
_WHOLE_PATHS: Final = tuple(b"DIRC\0\0\0" + bytes([version]) for version in (2, 3))
"""How an index begins that has each path as a whole."""
_CUT_PATHS: Final = b"DIRC\0\0\0\x04"
"""How one begins that leaves out what a path shares with the one before: with `feature.manyFiles`, for example."""
_BEFORE_ENTRIES: Final = 12
_BEFORE_FLAGS: Final = 60
"""Bytes of an entry before its flags, with a hash of SHA-1."""
_IS_EXTENDED: Final = 0x40
_MOST_CUT_PATHS: Final = 100_000
"""More are not put together, which takes a tenth of a second for so many."""

_NO_INDEX: Final = (0, 0, 0)
"""Until something is added, a new repository has none."""


class Checkout:
    """A folder as git sees it, for one look at a project. A folder outside of git has no `git_dir`.

    Where its data is, and who shares it, is found out once. That may be another's at any later time, so no `Checkout`
    outlives a publication, whose last check makes a new one. Git's answers are kept for longer, each until something
    that decides it has changed:

        checkout = Checkout(root)
        if checkout.is_tracked(".carryover"):
            ...

    Names are relative to the root. What asks git blocks, and raises OSError if git can't tell: FileNotFoundError where
    none can be run.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git_dir = git_dir_of(root)
        """Git's data folder; None if the root is not the top of a checkout, or its `.git` is not believed."""
        self.common = common_of(self.git_dir) if self.git_dir is not None else None
        """The data folder that all checkouts of the repository share; None as for `git_dir`."""
        # Not `cached_property`: in Python 3.11, all projects would wait for the one whose disk hangs.
        self._others: tuple[Path, ...] | None = None
        self._refs: tuple[object, ...] | None = None

    @property
    def main(self) -> str | None:
        """The main checkout of a worktree; None if this is not a worktree, or is one of a bare repository."""
        return main_of(self.root, self.git_dir)

    @property
    def others(self) -> tuple[Path, ...]:
        """The other checkouts of the repository, which share its `info/exclude`."""
        if self.common is None:
            return ()
        if self._others is None:
            folders = [self.common.parent] if self.common.name == ".git" else []
            own = os.path.realpath(self.root)
            every = (*folders, *worktrees_of(self.common))
            self._others = tuple(folder for folder in every if os.path.realpath(folder) != own)
        return self._others

    @property
    def has_countless_others(self) -> bool:
        """Whether the repository has more checkouts than `others` looks at."""
        return self.common is not None and has_countless_worktrees(self.common)

    @property
    def exclude(self) -> Path:
        """The `info/exclude` of the checkout, which worktrees share. Raises OSError outside of a repository."""
        if self.common is None:
            raise OSError(errno.EINVAL, "it is not a repository")
        return self.common / "info" / "exclude"

    @property
    def refs(self) -> tuple[object, ...] | None:
        """The state of HEAD, the branches, tags and git's settings; None outside of a checkout, and where git may not
        be asked."""
        if self._refs is None:
            self._refs = _refs_in(folder for folder in (self.git_dir, self.common) if folder is not None)
        return self._refs

    def head_stamp(self) -> int:
        """Returns a number that changes with each checkout and commit here or in the worktrees; 0 outside of a
        repository. Takes a few calls of stat, so it can be called often."""
        return sum(self._head_times())

    def moved_since(self, time_ns: int) -> bool:
        """Whether a checkout or commit here or in the worktrees came after a time, in ns since the epoch."""
        return any(moved_ns > time_ns for moved_ns in self._head_times())

    def _head_times(self) -> Iterator[int]:
        if self.git_dir is not None:
            for name in ("HEAD", "logs/HEAD", "worktrees"):
                with suppress(OSError):
                    yield (self.git_dir / name).stat().st_mtime_ns

    def without_branches(self, names: Iterable[str]) -> frozenset[str]:
        """Returns the branches among `names` that the repository has neither as its own nor as a remote's, from which
        git would make one; none where git may not be believed, or keeps its branches in another form than files."""
        if self.common is None or is_there(self.common / "reftable"):
            return frozenset()
        refs = self.common / "refs"
        remotes: list[str] = []
        with suppress(OSError):
            remotes = sorted(entry.name for entry in os.scandir(refs / "remotes"))[:_MOST_REMOTES]
        places = ["heads", *(f"remotes/{remote}" for remote in remotes)]
        usual = (name for name in names if _USUAL.fullmatch(name) and ".." not in name and name != "HEAD")
        absent = {name for name in usual if not any(is_there(refs / place / name) for place in places)}
        try:
            packed = (read_if_there(self.common / "packed-refs", _LARGEST_REFS) if absent else None) or b""
        except OSError:
            return frozenset()
        return frozenset(
            name for name in absent if not any(os.fsencode(f" refs/{place}/{name}\n") in packed for place in places)
        )

    def index(self) -> FileStamp | tuple[()] | None:
        """Returns the state of the index, empty outside of a checkout; None while git writes a new one."""
        if self.git_dir is None:
            return ()
        if os.path.lexists(self.git_dir / "index.lock"):
            return None
        return file_stamp(self.git_dir / "index") or _NO_INDEX

    def is_tracked(self, name: str) -> bool:
        """Whether git tracks the file, or one below the folder; not outside of a checkout. Git is asked only where the
        index may have the name."""
        if self.git_dir is None:
            return False
        untracked = self._is_shown(f"no {name}", self.index(), lambda: self._is_in_no_index(name))
        return not untracked and bool(self._listed("--cached", name))

    def in_index(self, names: Sequence[str]) -> tuple[str, ...]:
        """Returns those of the files on disk that git tracks and certainly compares with the index, without asking it:
        none that is in conflict, assumed to be unchanged or left out of a sparse checkout."""

        def find() -> tuple[str, ...]:
            index = self._index_bytes() or b""
            if index.startswith(_CUT_PATHS):
                index = _with_whole_paths(index)
            # An entry ends with flags, all 0 for those, in one number with the path's length, and the path.
            paths = ((name, os.fsencode(name)) for name in names)
            return tuple(name for name, path in paths if len(path).to_bytes(2, "big") + path + b"\0" in index)

        return find_once((self.root, "in the index", *names), self.index(), find) if names else ()

    def is_untracked(self, name: str) -> bool:
        """Whether git lists the file as one that is here but not tracked. An answer that does not name it proves
        nothing: a submodule's files are in no list either."""
        return self._listed("--others", name) == [name]

    def tracked_anywhere(self, names: Sequence[str]) -> set[str]:
        """Returns those of the files that the index, a branch, a tag or a stash has."""
        stashes = self._ask(self.refs, *_STASHES)
        # The third parent of a stash, if any, has the untracked files.
        untracked = [line.split()[3] for line in os.fsdecode(stashes.out).splitlines() if len(line.split()) > 3]
        tips = self._ask(self.refs, *_TIPS, *untracked, "--", *names)
        if tips.code != 0:
            raise _unreadable()
        objects = (line.partition(" ")[2] for line in os.fsdecode(tips.out).splitlines())
        return {*objects, *self._listed("--cached", *names)}.intersection(names)

    def in_commit(self, commit: str, names: Sequence[str], deadline: float) -> dict[str, bytes]:
        """Returns what is in the files in a commit; nothing for one that it lacks. Raises TimeoutError at the deadline.

        What HEAD has is not asked again while it is the same.
        """
        known: dict[str, bytes | None] = {name: known_answer((self.root, commit, name), self.refs) for name in names}
        asked = [name for name, content in known.items() if content is None]
        commands = (("cat-file", "blob", f"{commit}:{name}") for name in asked)
        for name, blob in zip(asked, ask(self.root, *commands, deadline=deadline) if asked else (), strict=True):
            if blob.code == 0:
                remember((self.root, commit, name), self.refs, blob.out)
                known[name] = blob.out
        return {name: content or b"" for name, content in known.items()}

    def _listed(self, which: str, *names: str) -> list[str]:
        # What is not listed among other files may be made at any time, without a change of the index.
        answer = self._ask(self.index(), "ls-files", "-z", which, "--", *names, keeps_nothing=which == "--cached")
        if answer.code != 0:
            raise _unreadable()
        return os.fsdecode(answer.out).split("\0")[:-1]

    def _ask(self, stamp: object, *command: str, keeps_nothing: bool = True) -> GitAnswer:
        """Returns git's answer to a command. If it succeeded, git is not asked again while `stamp` is the same; with
        `keeps_nothing`, also if it said nothing."""
        question = (self.root, command)
        answer: GitAnswer | None = known_answer(question, stamp)
        if answer is None:
            answer = ask_one(self.root, *command)
            if answer.code == 0 and (answer.out or keeps_nothing):
                remember(question, stamp, answer)
        return answer

    def _is_shown(self, what: str, stamp: object, shows: Callable[[], bool]) -> bool:
        """Whether files of the repository certainly show this, so that git need not be asked. They are not read again
        while `stamp` is the same, nor where git may not be asked either."""
        return find_once((self.root, what), stamp, lambda: may_be_asked(self.root) and shows())

    def _is_in_no_index(self, name: str) -> bool:
        """Whether certainly neither `name` nor anything in it is tracked."""
        index = self._index_bytes()
        if index is None or index.startswith(_CUT_PATHS):
            return False
        return name.lower().encode() not in index.lower()

    def _index_bytes(self) -> bytes | None:
        """Returns the index, empty if there is none; None if it can't be read, has entries in another file as well, or
        is of a version that is not known."""
        if self.git_dir is None or any(self.git_dir.glob("sharedindex.*")):
            return None
        try:
            index = read_if_there(self.git_dir / "index", _LARGEST_INDEX, follow=False) or b""
        except OSError:
            return None
        return index if not index or index.startswith((*_WHOLE_PATHS, _CUT_PATHS)) else None

    def is_ignored(self, name: str) -> bool:
        """Whether git ignores a file: see `ignored`."""
        return self.ignored([name]) == [name]

    def ignored(self, names: Sequence[str]) -> list[str]:
        """Returns those of the files that git ignores; a folder (`name/`), if all of it is by rules outside of it.

        That all are is kept until HEAD, the index or an ignore file at the top changes.
        """
        # With the slash, a rule inside the folder would count; without, a missing one would not be taken for a folder.
        asked = [name.rstrip("/") if is_there(self.root / name) else name for name in names]
        question, stamp = (self.root, "ignored", *asked), self._deciding()
        if not names or known_answer(question, stamp):
            return list(names)
        answer = ask_one(self.root, "check-ignore", "--no-index", "--", *asked)
        if answer.code not in (0, 1):
            raise _unreadable()
        said = os.fsdecode(answer.out).splitlines()
        found = [name for name, path in zip(names, asked, strict=True) if path in said]
        if found == names:
            remember(question, stamp, True)
        return found

    def _deciding(self) -> tuple[object, ...]:
        """Returns the state of the files that decide what is ignored."""
        own = (self.git_dir / "HEAD", self.git_dir / "index") if self.git_dir is not None else ()
        return tuple(map(file_stamp, (*own, self.root / GITIGNORE, self.exclude)))

    def is_let_in(self, folder: str) -> bool:
        """Whether git does not ignore the folder at the top in spite of `info/exclude`, because another rule includes
        it again. Git is asked only where the ignore files may have such a rule."""
        return self.may_let_in(folder) and not self.is_ignored(f"{folder}/")

    def may_let_in(self, folder: str) -> bool:
        """Whether the ignore files may have such a rule. Of a missing folder, git may not say whether they do."""
        try:
            has_own, is_named = self._rules_for(folder)
        except OSError:
            return False
        if has_own and self._is_shown("no rule", self._deciding(), self._lets_nothing_in):
            return False
        return is_named

    def _rules_for(self, folder: str) -> tuple[bool, bool]:
        """Returns whether `info/exclude` ignores a folder at the top, and whether it names it; see `has_rule`. Raises
        OSError if it can't be read."""

        def read() -> tuple[bool, bool]:
            rules = read_bytes_bounded(self.exclude, SIZE_LIMIT_BYTES, follow=False)
            return has_rule(rules, folder), has_rule_by_name(rules, folder)

        return find_once((self.exclude, folder), file_stamp(self.exclude), read)

    def _lets_nothing_in(self) -> bool:
        """Whether certainly no rule takes back in what `info/exclude` ignores at the top. Git prefers no other file to
        that one there than .gitignore."""
        try:
            return not may_let_in(read_if_there(self.root / GITIGNORE, SIZE_LIMIT_BYTES, follow=False) or b"")
        except OSError:
            return False

    def negated(self, names: Sequence[str]) -> set[str]:
        """Returns those of the files that a rule says git must not ignore."""
        answer = ask_one(self.root, "check-ignore", "--verbose", "--no-index", "--", *names)
        rules = (line for line in answer.out.split(b"\n") if _NEGATED.match(line))
        return {os.fsdecode(line.rpartition(b"\t")[2]) for line in rules}


def _with_whole_paths(index: bytes) -> bytes:
    """Returns the flags and the whole path of each entry of an index that has `_CUT_PATHS`; nothing if it has too many.
    With hashes of SHA-256, nothing of use."""
    count = int.from_bytes(index[8:_BEFORE_ENTRIES], "big")
    if count > _MOST_CUT_PATHS:
        return b""
    entries, path, place = [], b"", _BEFORE_ENTRIES
    try:
        for _ in range(count):
            place += _BEFORE_FLAGS
            flags = index[place : place + 2]
            place += 4 if flags[0] & _IS_EXTENDED else 2
            left_out = index[place] & 0x7F
            while index[place] & 0x80:
                place += 1
                left_out = (left_out + 1 << 7) + (index[place] & 0x7F)
            end = index.index(b"\0", place + 1)
            path = path[: len(path) - left_out] + index[place + 1 : end]
            entries.append(flags + path + b"\0")
            place = end + 1
    except (IndexError, ValueError):
        return b""
    return b"".join(entries)


def _unreadable() -> OSError:
    return OSError(errno.EINVAL, "it can't read this repository")


def _refs_in(git_dirs: Iterable[Path]) -> tuple[object, ...] | None:
    folders = dict.fromkeys(map(str, git_dirs))
    try:
        branches = list(islice((path for folder in folders for path in _branches(folder)), MOST_ENTRIES + 1))
    except OSError:
        return None
    if not folders or len(branches) > MOST_ENTRIES:
        return None
    followed = (*(f"{folder}/{name}" for folder in folders for name in _OF_HEAD), *_user_settings())
    return *(file_stamp(path, follow=True) for path in followed), *((path, file_stamp(path)) for path in branches)


def _branches(folder: str) -> Iterator[str]:
    """Yields the paths of branches and their folders. Git is not asked where a symlink among them leads elsewhere."""
    for name in WALKED:
        yield f"{folder}/{name}"
        below = entries_below(Path(folder, name), onerror=unless_git_cannot_either)
        yield from (entry.path for entry in below)


def _user_settings() -> Iterator[str]:
    env = os.environ
    home = env.get("HOME", "")
    yield env.get("GIT_CONFIG_GLOBAL", f"{home}/.gitconfig")
    yield f"{env.get('XDG_CONFIG_HOME') or f'{home}/.config'}/git/config"
    yield env.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig")
