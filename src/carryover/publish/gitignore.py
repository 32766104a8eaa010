"""Keeping `.carryover/` out of commits: a line in .gitignore, or in .git/info/exclude which nobody shares."""

from __future__ import annotations

import errno
import os
import stat
import time
from functools import partial
from pathlib import Path
from typing import Final

from carryover.fsio import atomic_replace, read_bytes_bounded
from carryover.probe.git_command import ask
from carryover.publish.appended import find_lines, is_text, whole_file, with_lines, without_span
from carryover.publish.edits import GITIGNORE, Edits, why

_LINES: Final = (b"# Carryover (auto-added)", b".carryover/")
_SAME_RULE: Final = frozenset({b".carryover", b".carryover/", b"/.carryover", b"/.carryover/"})
_PATHS: Final = (".carryover/handoff.md", ".carryover/x")
_SIZE_LIMIT_BYTES: Final = 1 << 20
_TIMEOUT_S: Final = 5.0


def keep_out(root: Path, edits: Edits, *, shared: bool) -> None:
    """Sees to it that git ignores `.carryover/` in the checkout at `root`.

    Adds nothing where a rule does that already, and no rule twice where the user's own bring the folder back in.
    When not `shared`, .gitignore stays as it is; a rule that we added to it moves to `info/exclude`.
    """
    gitignore = root / GITIGNORE
    if not shared and GITIGNORE in edits.mine:
        if _exclude(root, edits):
            edits.undo(GITIGNORE, partial(unignore_in, gitignore))
    elif _is_ignored(root):
        return
    elif not shared or not edits.make(GITIGNORE, partial(ignore_in, gitignore)):
        _exclude(root, edits)


def with_rule(data: bytes) -> bytes:
    """The text of an ignore file with our rule at its end; unchanged when the rule is there, or it is not text."""
    if not is_text(data) or find_lines(data, _LINES) is not None:
        return data
    return with_lines(data, _LINES)


def without_rule(data: bytes) -> bytes:
    """The text without the two lines that `with_rule` added, as it was before."""
    span = find_lines(data, _LINES)
    return data if span is None else without_span(data, span)


def is_only_rule(data: bytes) -> bool:
    """Whether an ignore file is one that `ignore_in` made, with nothing added since."""
    return data in (whole_file(_LINES), whole_file(_LINES, b"\r\n"))


def ignored_by_text(data: bytes) -> bool:
    """Whether the text of an ignore file certainly ignores `.carryover/`; git itself is asked where it does not."""
    lines = [line.rstrip() for line in data.split(b"\n")]
    last = max((at for at, line in enumerate(lines) if line in _SAME_RULE), default=None)
    return last is not None and not any(line.startswith(b"!") for line in lines[last:])


def ignore_in(path: Path) -> bool:
    """Adds the rule to the ignore file at `path`, which is made where it is missing; True when it was added.

    Raises:
        OSError: the file can't be edited, or is a symlink: git follows none (2.32 and later), and neither do we.
    """
    data = _read(path)
    wanted = whole_file(_LINES) if data is None else with_rule(data)
    if data is not None and not is_text(data):
        raise OSError(errno.EINVAL, "it is not plain text")
    if wanted == data:
        return False
    atomic_replace(path, wanted, follow=False)
    return True


def unignore_in(path: Path) -> bool:
    """Takes the rule out again, and the file with it when it held nothing else; True when something changed.

    Raises:
        OSError: as `ignore_in`.
    """
    data = _read(path)
    if data is None or find_lines(data, _LINES) is None:
        return False
    if is_only_rule(data):
        path.unlink()
    else:
        atomic_replace(path, without_rule(data), follow=False)
    return True


def exclude_file(root: Path) -> Path:
    """The `info/exclude` that holds for the checkout at `root`; worktrees share that of their main checkout.

    Raises:
        OSError: git names none or does not answer, or it lies behind a symlink.
    """
    command = ("rev-parse", "--git-path", "info/exclude")
    [answer] = ask(root, command, deadline=time.monotonic() + _TIMEOUT_S)
    if answer.code != 0:
        raise OSError(errno.EINVAL, "git does not know this repository")
    path = root / os.fsdecode(answer.out.removesuffix(b"\n"))
    if path.parent.is_symlink():
        raise OSError(errno.EINVAL, "its folder is a symlink")
    return path


def _exclude(root: Path, edits: Edits) -> bool:
    try:
        path = exclude_file(root)
        path.parent.mkdir(exist_ok=True)
        ignore_in(path)
    except OSError as error:
        edits.left_alone(".git/info/exclude", why(error))
        return False
    return True


def _is_ignored(root: Path) -> bool:
    """Whether rules of the repository or of the user keep all of `.carryover/` from being added."""
    try:
        if ignored_by_text(_read(root / GITIGNORE) or b""):
            return True
    except OSError:
        pass  # whatever stands there instead of a text, git has its view of it
    try:
        command = ("check-ignore", "--", *_PATHS)
        [answer] = ask(root, command, deadline=time.monotonic() + _TIMEOUT_S)
    except OSError:
        return False  # a rule too many does no harm
    return answer.out.count(b"\n") == len(_PATHS)


def _read(path: Path) -> bytes | None:
    try:
        data = read_bytes_bounded(path, _SIZE_LIMIT_BYTES, follow=False)
        if not path.lstat().st_mode & stat.S_IWUSR:
            raise OSError(errno.EACCES, "it is read-only")
    except FileNotFoundError:
        return None
    return data
