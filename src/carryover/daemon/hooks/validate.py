"""Checks the paths in a hook's payload, which may come from anyone who can connect.

A transcript must be below a folder in which its agent keeps them. Users move those by environment variables that the
daemon does not see, so for an authenticated request the right layout is enough. Blocks: run this in a worker thread.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, HookEvent, Source
from carryover.facts import FindRoot, ProjectRoot

_LONGEST_BYTES: Final = 4096


class Refused(msgspec.Struct, frozen=True):
    """Why a path was rejected; `reason` does not quote it."""

    reason: str


class Transcript(msgspec.Struct, frozen=True):
    """The source that a session is written to, which need not exist yet, and the agent's folder that contains it."""

    source: Source
    root: Path


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A hook's report with its paths checked; None for those it did not name."""

    agent: Agent
    reading: HookEvent
    transcript: Transcript | None
    project: ProjectRoot | None
    """The project of its working folder."""
    roots: tuple[Path, ...] = ()
    """Folders in which its agent keeps transcripts."""

    @property
    def here(self) -> ProjectRoot:
        """Returns the project of a call that has one."""
        assert self.project is not None
        return self.project


def check_call(
    agent: Agent, reading: HookEvent, roots: tuple[Path, ...], *, authenticated: bool, root_of: FindRoot
) -> Call | Refused:
    """Returns the call with its paths, or why it is rejected; one bad path rejects the whole call.

    An unauthenticated caller may only name transcripts that exist: other names would fill our memory.
    """
    transcript, project = None, None
    if reading.transcript is not None:
        checked = check_transcript(reading.transcript, agent, roots, authenticated=authenticated)
        if isinstance(checked, Refused):
            return checked
        if authenticated or Path(checked.source.path).exists():
            transcript = checked
    if reading.cwd is not None and authenticated:
        found = check_folder(reading.cwd, root_of=root_of)
        if isinstance(found, Refused):
            return found
        project = found
    return Call(agent=agent, reading=reading, transcript=transcript, project=project, roots=roots)


def check_transcript(
    given: str, agent: Agent, roots: Iterable[Path], *, authenticated: bool, uid: int | None = None
) -> Transcript | Refused:
    """Returns the transcript of `agent` that `given` names. `roots` contain its transcripts; `uid`: the user's."""
    uid = os.geteuid() if uid is None else uid
    malformed = _malformed(given)
    if malformed is not None:
        return malformed
    path = Path(given)
    root, below = _known_root(path, roots)
    if root is None and authenticated and agent.hooks is not None:
        root = agent.hooks.layout_root(path)
        below = path.relative_to(root) if root is not None else below
    if root is None:
        return Refused("transcript: not in a folder of this agent")
    path = root / below
    source = agent.source_of(path, root)
    if source is None:
        return Refused("transcript: not named as this agent names them")
    try:
        wrong = _wrong_below(root, path, uid)
    except OSError as error:
        return Refused(f"transcript: {os.strerror(error.errno or errno.EIO)}")
    return Refused(f"transcript: {wrong}") if wrong is not None else Transcript(source, root)


def check_folder(given: str, *, root_of: FindRoot) -> ProjectRoot | Refused:
    """Returns the project that a working folder belongs to. Rejects symlinks below the project's top, but not above."""
    malformed = _malformed(given)
    if malformed is not None:
        return malformed
    folder = Path(given)
    project = root_of(given)
    try:
        if folder.exists() and not folder.is_dir():
            return Refused("folder: not a folder")
        checkout = project.checkout or project.root
        below = Path(os.path.realpath(folder)).relative_to(checkout)
        top = Path(*folder.parts[: len(folder.parts) - len(below.parts)])
        if folder.parts[len(top.parts) :] != below.parts or os.path.realpath(top) != checkout:
            return Refused("folder: a symlink inside a project")
    except OSError as error:
        return Refused(f"folder: {os.strerror(error.errno or errno.EIO)}")
    return project


def _malformed(given: str) -> Refused | None:
    try:
        length = len(given.encode())
    except UnicodeEncodeError:
        return Refused("not text")
    if not given.startswith("/") or "\0" in given or length > _LONGEST_BYTES:
        return Refused("not an absolute path")
    if ".." in given.split("/"):
        return Refused("leads upwards")
    return None


def _known_root(path: Path, roots: Iterable[Path]) -> tuple[Path | None, Path]:
    """Returns the root that contains `path` and the path relative to it, even if symlinks make one look different."""
    for root in roots:
        for spelling in (root, Path(os.path.realpath(root))):
            if path.is_relative_to(spelling):
                return root, path.relative_to(spelling)
    return None, path


def _wrong_below(root: Path, path: Path, uid: int) -> str | None:
    """Returns what is wrong with the path from `root` to `path`; parts may be missing, and `root` may be a symlink."""
    if _owner_of_nearest(root) != uid:
        return "belongs to another user"
    place = root
    for name in path.relative_to(root).parts:
        place = place / name
        try:
            found = place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISLNK(found.st_mode):
            return "a symlink"
        if not (stat.S_ISREG(found.st_mode) if place == path else stat.S_ISDIR(found.st_mode)):
            return "not a regular file"
        if found.st_uid != uid:
            return "belongs to another user"
    return None


def _owner_of_nearest(folder: Path) -> int:
    """Returns the owner of `folder` or, if it is missing, of its nearest existing parent."""
    for place in (folder, *folder.parents):
        try:
            return place.stat().st_uid
        except (FileNotFoundError, NotADirectoryError):
            continue
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
