"""Keeps `.carryover/` and machine-specific files out of commits by .gitignore, or .git/info/exclude (never shared)."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from carryover.agents import read_lists
from carryover.edits.apply import Change, Edit, ProjectEdits, plan
from carryover.edits.record import GITIGNORE
from carryover.edits.user_text import EditRefused, find_lines, is_text, whole_file, with_lines, without_span
from carryover.errors import os_reason
from carryover.fsio import read_bytes_bounded
from carryover.probe.git_command import ask_one, git_dir_of

EXCLUDE: Final = ".git/info/exclude"
"""Display name of the ignore file that git never shares. In a worktree it is elsewhere: see `exclude_file`."""

_TITLE: Final = b"# Carryover (auto-added)"
_LINES: Final = (_TITLE, b".carryover/")
_SAME_RULE: Final = frozenset({b".carryover", b".carryover/", b"/.carryover", b"/.carryover/"})
_PATHS: Final = (".carryover/handoff.md", ".carryover/x")
_EXCLUDED: Final = re.compile(rb"info/exclude:\d+:\.carryover/\t")
_LET_IN: Final = re.compile(rb":\d+:!")
SIZE_LIMIT_BYTES: Final = 256 << 10


def keep_out(root: Path, edits: ProjectEdits, *, shared: bool, take_back: bool = True) -> None:
    """Makes git ignore `.carryover/` in the checkout at `root`, unless a rule does, or the user's rules re-include it.

    Unless `shared`, .gitignore is left as it is; with `take_back`, our rule there moves to `info/exclude`. If `shared`,
    our rule in `info/exclude` does not count; it stays, since other checkouts may need it.
    """
    gitignore = root / GITIGNORE
    if not shared and take_back and GITIGNORE in edits.mine:
        if _exclude(root, edits):
            edits.carry_out(GITIGNORE, plan(rule_removal(gitignore)), ours=False)
    elif _is_ignored(root, but_for_exclude=shared):
        return
    elif not shared or not edits.carry_out(GITIGNORE, plan(_change(gitignore, with_rule)), ours=True):
        _exclude(root, edits)


def keep_file_out(root: Path, edits: ProjectEdits, name: str) -> bool:
    """Makes git ignore a file of the checkout by `info/exclude`, until uninstall; returns False if it can't."""
    return _exclude(root, edits, (_TITLE, b"/" + os.fsencode(name)))


def rule_removals(root: Path, mine: Collection[str]) -> Iterator[tuple[str, Edit]]:
    """Yields the edits that take our rules out of .gitignore and `info/exclude` of the checkout at `root`."""
    if GITIGNORE in mine:
        yield GITIGNORE, plan(rule_removal(root / GITIGNORE))
    with suppress(OSError):  # not a repository (any more), so its rules do not matter
        if git_dir_of(root) is not None and (exclude := exclude_file(root)).exists():
            yield EXCLUDE, plan(rule_removal(exclude))


def remove_if_empty(exclude: Path) -> None:
    """Removes the folder of a deleted `info/exclude` if it is empty, since it was then created for our rule."""
    if not exclude.exists():
        with suppress(OSError):
            exclude.parent.rmdir()


def rule_removal(path: Path) -> Change:
    """Plans to remove our rules from the ignore file at `path`, and the file itself if it contains nothing else."""

    def without_rules(data: bytes | None) -> bytes | None:
        files = ((_TITLE, b"/" + os.fsencode(where.file)) for where in read_lists())
        for lines in (*files, _LINES):  # remove in reverse order of addition
            if data in (None, whole_file(lines), whole_file(lines, b"\r\n")):
                return None
            data = without_rule(data, lines)
        return data

    return _change(path, without_rules)


def with_rule(data: bytes | None, lines: Sequence[bytes] = _LINES) -> bytes:
    """Appends our rule to an ignore file's text, unless it has the rule. Raises EditRefused if it is not text."""
    if data is None:
        return whole_file(lines)
    if not is_text(data):
        raise EditRefused("it is not plain text")
    return data if find_lines(data, lines) is not None else with_lines(data, lines)


def without_rule(data: bytes, lines: Sequence[bytes] = _LINES) -> bytes:
    """Removes the two lines that `with_rule` added, restoring the exact text."""
    span = find_lines(data, lines)
    return data if span is None else without_span(data, span)


def ignored_by_text(data: bytes) -> bool:
    """Whether the text of an ignore file definitely ignores `.carryover/`; if False, git has to be asked."""
    lines = [line.rstrip() for line in data.split(b"\n")]
    last = max((at for at, line in enumerate(lines) if line in _SAME_RULE), default=None)
    return last is not None and not any(line.startswith(b"!") for line in lines[last:])


def exclude_file(root: Path) -> Path:
    """Returns the `info/exclude` of the checkout, which worktrees share. Raises OSError if git names none."""
    answer = ask_one(root, "rev-parse", "--git-path", "info/exclude")
    if answer.code != 0:
        raise OSError(errno.EINVAL, "git does not know this repository")
    path = root / os.fsdecode(answer.out.removesuffix(b"\n"))
    if path.parent.is_symlink():
        raise OSError(errno.EINVAL, "its folder is a symlink")
    return path


def _exclude(root: Path, edits: ProjectEdits, lines: Sequence[bytes] = _LINES) -> bool:
    try:
        edit = plan(_change(exclude_file(root), partial(with_rule, lines=lines)))
    except OSError as error:
        edits.left_alone(EXCLUDE, os_reason(error))
        return False
    return edits.carry_out_apart(EXCLUDE, edit)


def _is_ignored(root: Path, *, but_for_exclude: bool) -> bool:
    """Whether git's rules keep out all of `.carryover/`; `but_for_exclude`: not counting ours in `info/exclude`."""
    with suppress(OSError):  # not a text file: leave it to git
        if ignored_by_text(read_bytes_bounded(root / GITIGNORE, SIZE_LIMIT_BYTES, follow=False)):
            return True
    try:
        rules = ask_one(root, "check-ignore", "--verbose", "--", *_PATHS).out.splitlines()
        if but_for_exclude and any(_EXCLUDED.search(rule) for rule in rules):
            exclude = read_bytes_bounded(exclude_file(root), SIZE_LIMIT_BYTES, follow=False)
            if find_lines(exclude, _LINES) is not None:
                return False
    except OSError:
        return False  # a redundant rule does no harm
    return sum(not _LET_IN.search(rule) for rule in rules) == len(_PATHS)


def _change(path: Path, edit: Callable[[bytes | None], bytes | None]) -> Change:
    """Plans an edit that does not follow symlinks, since git does not follow one to an ignore file (2.32 and later)."""
    return project_change(path, "the rule that keeps something of ours out of git", edit, follow=False)


def project_change(
    path: Path,
    what: str,
    edit: Callable[[bytes | None], bytes | None],
    *,
    follow: bool = True,
    within: Path | None = None,
) -> Change:
    """Plans an edit of a file of a project, which needs no backup, since taking it back restores every byte."""
    return Change(
        path=path,
        what=what,
        edit=edit,
        remedy="Remove what Carryover added yourself.",
        follow=follow,
        within=within,
        limit_bytes=SIZE_LIMIT_BYTES,
        backup=False,
        private=False,
    )
