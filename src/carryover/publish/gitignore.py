"""Keeps `.carryover/` out of commits: by a rule in .gitignore, or in .git/info/exclude, which is never shared."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from carryover.edits.apply import ProjectEdits
from carryover.edits.encoding import EditRefused, is_text
from carryover.edits.plan import Change, plan
from carryover.edits.record import GITIGNORE
from carryover.edits.text_block import find_lines, whole_file, with_lines, without_span
from carryover.errors import os_reason
from carryover.fsio import read_bytes_bounded
from carryover.probe.git_command import ask

EXCLUDE: Final = ".git/info/exclude"
"""The file of rules that git never shares, as people know it. A worktree has it elsewhere: see `exclude_file`."""

_LINES: Final = (b"# Carryover (auto-added)", b".carryover/")
_SAME_RULE: Final = frozenset({b".carryover", b".carryover/", b"/.carryover", b"/.carryover/"})
_PATHS: Final = (".carryover/handoff.md", ".carryover/x")
_SIZE_LIMIT_BYTES: Final = 1 << 20
_TIMEOUT_S: Final = 5.0


def keep_out(root: Path, edits: ProjectEdits, *, shared: bool, take_back: bool = True) -> None:
    """Makes git ignore `.carryover/` in the checkout at `root`.

    Adds nothing if a rule does that already, and no second rule if the user's own rules include the folder again. When
    not `shared`, .gitignore stays as it is; a rule that we added to it moves to `info/exclude` with `take_back`.
    """
    gitignore = root / GITIGNORE
    if not shared and take_back and GITIGNORE in edits.mine:
        if _exclude(root, edits):
            edits.carry_out(GITIGNORE, plan(rule_removal(gitignore)), ours=False)
    elif _is_ignored(root):
        return
    elif not shared or not edits.carry_out(GITIGNORE, plan(_rule(gitignore)), ours=True):
        _exclude(root, edits)


def let_in(root: Path, edits: ProjectEdits) -> None:
    """Takes our rules out of .gitignore and `info/exclude` of the checkout at `root`: nothing is left to be ignored."""
    if GITIGNORE in edits.mine:
        edits.carry_out(GITIGNORE, plan(rule_removal(root / GITIGNORE)), ours=False)
    try:
        exclude = exclude_file(root)
    except OSError:
        return  # no repository (any more), so no rule of it counts
    if exclude.exists():
        edits.carry_out_apart(EXCLUDE, plan(rule_removal(exclude)))
        remove_if_empty(exclude)


def remove_if_empty(exclude: Path) -> None:
    """Removes the folder of an `info/exclude` that is gone, if nothing else is in it: then it was made for our rule."""
    if not exclude.exists():
        with suppress(OSError):
            exclude.parent.rmdir()


def rule_removal(path: Path) -> Change:
    """The change that takes our rule out of the ignore file at `path`, and the file with it if it held nothing else."""
    return _change(path, _without_rule)


def with_rule(data: bytes) -> bytes:
    """The text of an ignore file with our rule appended; unchanged if it has the rule, or is not text."""
    if not is_text(data) or find_lines(data, _LINES) is not None:
        return data
    return with_lines(data, _LINES)


def without_rule(data: bytes) -> bytes:
    """The text without the two lines that `with_rule` added, exactly as before."""
    span = find_lines(data, _LINES)
    return data if span is None else without_span(data, span)


def ignored_by_text(data: bytes) -> bool:
    """Whether the text of an ignore file certainly ignores `.carryover/`; False means that git has to be asked."""
    lines = [line.rstrip() for line in data.split(b"\n")]
    last = max((at for at, line in enumerate(lines) if line in _SAME_RULE), default=None)
    return last is not None and not any(line.startswith(b"!") for line in lines[last:])


def exclude_file(root: Path) -> Path:
    """The `info/exclude` that holds for the checkout at `root`; worktrees share that of their main checkout.

    Raises:
        OSError: git names none or does not answer, or its folder is a symlink.
    """
    command = ("rev-parse", "--git-path", "info/exclude")
    [answer] = ask(root, command, deadline=time.monotonic() + _TIMEOUT_S)
    if answer.code != 0:
        raise OSError(errno.EINVAL, "git does not know this repository")
    path = root / os.fsdecode(answer.out.removesuffix(b"\n"))
    if path.parent.is_symlink():
        raise OSError(errno.EINVAL, "its folder is a symlink")
    return path


def _exclude(root: Path, edits: ProjectEdits) -> bool:
    try:
        edit = plan(_rule(exclude_file(root)))
    except OSError as error:
        edits.left_alone(EXCLUDE, os_reason(error))
        return False
    return edits.carry_out_apart(EXCLUDE, edit)


def _is_ignored(root: Path) -> bool:
    """Whether rules of the repository or of the user keep all of `.carryover/` from being added."""
    try:
        if ignored_by_text(read_bytes_bounded(root / GITIGNORE, _SIZE_LIMIT_BYTES, follow=False)):
            return True
    except OSError:
        pass  # git knows what to make of whatever is there instead of a text
    try:
        command = ("check-ignore", "--", *_PATHS)
        [answer] = ask(root, command, deadline=time.monotonic() + _TIMEOUT_S)
    except OSError:
        return False  # a redundant rule does no harm
    return answer.out.count(b"\n") == len(_PATHS)


def _rule(path: Path) -> Change:
    return _change(path, _with_rule)


def _change(path: Path, edit: Callable[[bytes | None], bytes | None]) -> Change:
    """git follows no symlink to an ignore file (2.32 and later), and neither do we."""
    return Change(
        path=path,
        what="the rule that keeps .carryover out of git",
        edit=edit,
        remedy="Remove what Carryover added yourself.",
        follow=False,
        limit_bytes=_SIZE_LIMIT_BYTES,
        backup=False,
        private=False,
    )


def _with_rule(data: bytes | None) -> bytes:
    if data is None:
        return whole_file(_LINES)
    if not is_text(data):
        raise EditRefused("it is not plain text")
    return with_rule(data)


def _without_rule(data: bytes | None) -> bytes | None:
    return None if data in (None, whole_file(_LINES), whole_file(_LINES, b"\r\n")) else without_rule(data)
