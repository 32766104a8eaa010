"""Finds the commits of a repository, and those that lines came with. Blocking, in bounded time."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

import msgspec

from carryover.probe.git_command import ask_one, output_of
from carryover.text.pattern import later

_TIMEOUT_S: Final = 2.0
MOST_COMMITS: Final = 500
LARGEST_COMMIT: Final = 8 << 20
"""Bytes of the patch of a commit; a larger one is not read."""

_LOG: Final = ("log", "--no-renames", "--name-only", "--root", "--encoding=UTF-8", "--format=%x01%H %at %ct %s")
_HEADER: Final = later(r"\x01(?P<id>[0-9a-f]{40,64}) (?P<authored_s>\d+) (?P<committed_s>\d+) (?P<subject>.*)")
_BLAMED: Final = later(rb"^([0-9a-f]{40,64}) \d+ (\d+).*\n(?:[a-z].*\n)*?filename (.+)$", re.M)
_SECTION: Final = later(rb"^diff --git .*$", re.M)
_SECTIONS: Final = {"T": 2, "U": 0}
_HUNK: Final = later(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.M)
_NAMES: Final = ("--find-renames", "-l1000", "--name-status", "-z")
_NAME: Final = later(r"\w[^\s:]*")
"""Names of commits and branches that git cannot take for an option or a path."""
_SHORT: Final = 8
_LAST_S: Final = 253_370_764_799
"""A commit can name any time; of later ones, no date can be printed."""


class GitCommit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit. Times are UTC ms, of whole seconds; a rebase changes only `committed_ms`."""

    id: str
    subject: str
    authored_ms: int
    committed_ms: int
    files: tuple[str, ...] = ()
    """Paths that it changed, relative to the top of the repository; empty for a merge."""

    @property
    def short(self) -> str:
        """The abbreviated id."""
        return self.id[:_SHORT]


def newest_commits(root: Path, *, since_ms: int = 0) -> list[GitCommit]:
    """Returns the newest commits of HEAD and all branches, newest first; empty if git gives no answer in time."""
    since = [f"--since=@{since_ms // 1000} +0000"] if since_ms else []
    return _log(root, f"--max-count={MOST_COMMITS}", *since, "--branches", "HEAD")


def commit_named(root: Path, name: str) -> list[GitCommit]:
    """Returns the commit that git calls `name`, followed by the commits before it; empty if there is none."""
    return _log(root, f"--max-count={MOST_COMMITS}", f"{name}^{{commit}}") if _NAME.fullmatch(name) else []


class FileOfCommit(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a commit changed, with the lines around it. Names are relative to the top of the repository."""

    name: str
    old_name: str
    lines: tuple[str, ...]
    """As they are after the commit; empty for a file that it deleted, and for one without text."""
    added: tuple[int, ...]
    """The places of the commit's lines in `lines`."""
    removed: frozenset[str]


def files_of_commit(root: Path, commit: str) -> list[FileOfCommit]:
    """Returns the files that a commit changed; empty for a merge, for a commit larger than `LARGEST_COMMIT`, or if git
    gives no answer in time."""
    patch = ("--raw", "-z", "--patch", "--root", "--no-commit-id", "-r", "--find-renames", "-l1000", "--unified=3")
    out = output_of(root, "diff-tree", *patch, commit, timeout_s=_TIMEOUT_S, most_bytes=LARGEST_COMMIT) or b""
    return [_file(*changed) for changed in patched_files(out)]


def patched_files(out: bytes) -> list[tuple[str, str, list[bytes]]]:
    """Returns the files in what git printed of a diff with `--raw -z --patch`: the old and the new name of each, and
    its part of the patch in sections from below the line `diff --git` on; two if it became a link, or was one."""
    raw, _, patch = out.partition(b"\0\0")
    sections = iter(_SECTION.split(patch)[1:])
    return [(old, name, list(islice(sections, count))) for old, name, count in _names(raw)]


def _names(raw: bytes) -> Iterator[tuple[str, str, int]]:
    """Yields the old and the new name of each file in the raw form of a diff, and how many sections its patch has."""
    fields = iter(os.fsdecode(raw).split("\0"))
    for field in fields:
        if not field:  # nothing was changed, or what is behind the last name
            return
        status = field.rpartition(" ")[2][:1]
        old = next(fields, "")
        name = next(fields, "") if status in ("R", "C") else old
        # What became a link, or was one, is deleted in one section and made in the next. A conflict has an entry of its
        # own, and the file another.
        yield old, name, _SECTIONS.get(status, 1)


def _body(section: bytes) -> list[str]:
    """Returns the lines of a patch's section, each after its mark."""
    _, _, text = section.decode("utf-8", "replace").partition("\n@@ ")
    return [line for line in text.split("\n")[1:] if line[:1] in (" ", "+", "-")]


def _file(old_name: str, name: str, sections: Iterable[bytes]) -> FileOfCommit:
    body = [line for section in sections for line in _body(section)]
    after = [line for line in body if line[0] != "-"]
    return FileOfCommit(
        name=name,
        old_name=old_name,
        lines=tuple(line[1:] for line in after),
        added=tuple(at for at, line in enumerate(after) if line[0] == "+"),
        removed=frozenset(line[1:] for line in body if line[0] == "-"),
    )


def commits_of_lines(root: Path, path: str, first: int, last: int) -> dict[int, tuple[GitCommit, str]] | None:
    """Returns for lines (from 1) of the file in its present state the commit that introduced each, and the file's name
    in that commit. Names are relative to the top of the repository. A line that is not in HEAD is left out. None if git
    can't be run or gives no answer in time."""
    try:
        changes = ask_one(root, "diff", "--unified=0", "--no-renames", "HEAD", "--", path, timeout_s=_TIMEOUT_S)
        if changes.code != 0:
            return {}
        before = {line: at for line in range(first, last + 1) if (at := _line_before(changes.out, line)) is not None}
        if not before:
            return {}
        lines = f"-L{min(before.values())},{max(before.values())}"
        blamed = ask_one(root, "blame", "--line-porcelain", lines, "HEAD", "--", path, timeout_s=_TIMEOUT_S)
    except (TimeoutError, FileNotFoundError):
        return None
    ids = {int(found[2]): (found[1].decode(), os.fsdecode(found[3])) for found in _BLAMED.finditer(blamed.out)}
    wanted = {commit for commit, _ in ids.values()}
    commits = {commit.id: commit for commit in _log(root, "--no-walk", *sorted(wanted))} if wanted else {}
    found = {line: ids[at] for line, at in before.items() if at in ids}
    return {line: (commits[commit], name) for line, (commit, name) in found.items() if commit in commits}


def former_names(root: Path, path: str) -> list[tuple[str, int | None]]:
    """Returns the names that the file at `path` (relative to the top of the repository) had before, newest first, each
    with the time of the commit that renamed it (UTC ms); None if that is not committed.

    They are those of renames that git recognises, also of one that is staged. Empty if it gives no answer in time.
    """
    staged = _renames(output_of(root, "diff", *_NAMES, "HEAD", "--", timeout_s=_TIMEOUT_S) or b"")
    names = [(old, None) for old, new, _ in staged if new == path]
    committed = names[0][0] if names else path
    log = ("log", "--follow", f"--max-count={MOST_COMMITS}", "--format=%x01%ct", *_NAMES, "HEAD", "--", committed)
    renames = _renames(output_of(root, *log, timeout_s=_TIMEOUT_S) or b"")
    return [*names, *((old, at_ms) for old, _, at_ms in renames)]


def _renames(out: bytes) -> Iterator[tuple[str, str, int]]:
    """Yields the old name, the new one and the time (UTC ms) of each rename in what git printed."""
    words = iter(os.fsdecode(out).split("\0"))
    at_ms = 0
    for word in words:
        text = word.strip("\n")
        if text.startswith("\x01"):
            time_s, _, text = text[1:].partition("\n")
            at_ms = _time_ms(time_s)
        if text.startswith("R"):
            yield next(words), next(words), at_ms
        elif text:
            next(words)


def _log(root: Path, *arguments: str) -> list[GitCommit]:
    out = output_of(root, *_LOG, *arguments, "--", timeout_s=_TIMEOUT_S) or b""
    return list(_commits(out.decode("utf-8", "replace").split("\n")))


def _commits(lines: Sequence[str]) -> Iterator[GitCommit]:
    starts = [at for at, line in enumerate(lines) if line.startswith("\x01")]
    for at, end in pairwise([*starts, len(lines)]):
        if header := _HEADER.match(lines[at]):
            yield GitCommit(
                id=header["id"],
                subject=header["subject"],
                authored_ms=_time_ms(header["authored_s"]),
                committed_ms=_time_ms(header["committed_s"]),
                files=tuple(line for line in lines[at + 1 : end] if line),
            )


def _time_ms(time_s: str) -> int:
    """Returns a time in UTC ms; 0 for one that git can't read, the last second of 9998 for any later one."""
    return min(int(time_s or 0), _LAST_S) * 1000


def _line_before(diff: bytes, line: int) -> int | None:
    moved = 0
    for hunk in _HUNK.finditer(diff):
        removed = int(hunk[2] or 1)
        start = int(hunk[3])
        added = int(hunk[4] or 1)
        if line < start + (added == 0):  # without added lines, `start` is the line before
            break
        if line < start + added:
            return None
        moved += removed - added
    return line + moved
