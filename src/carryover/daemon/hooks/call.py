"""Checks the paths in a hook's payload, which may come from anyone who can connect, and finds the sources and the
ledger's session that the call is about. Blocks: run this in a worker thread.

**Paths.** A transcript must be below a folder in which its agent keeps them. Users move those by environment variables
that the daemon does not see, so for an authenticated request the right layout is enough.

**Sources.** An agent with one kind of transcript names it, and the other files in its folder are the project's newest
past. An agent that writes one session to several places (Cursor: a database, and lines without results beside it) names
the least informative of them or none, so everything that changed recently is read. Whatever the last rescan saw is
already read or queued, so only later changes count. Sub-agents' own transcripts are not waited for.

**Session.** A conversation that continues in another folder (Codex) is a separate session there, which belongs to that
folder's project. A hook names both the conversation and the folder, so no project gets what was said in another.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, HookEvent, Source
from carryover.facts import FindRoot, ProjectRoot
from carryover.ingest.scan import RACY_MS
from carryover.ledger.queries import project_by_root, project_of_session, sessions
from carryover.model import conversation_of

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


RECENT_MS: Final = 600_000
"""Changes older than this have been seen by a rescan."""
MOST_RECENT: Final = 8


def may_have_other_sources(transcript: Transcript | None) -> bool:
    """Whether the session may have sources other than `transcript`, which the hook named, with more content."""
    return transcript is None or transcript.source.rank > 0


def changed_of_late(agent: Agent, transcript: Transcript | None, roots: Iterable[Path], *, now_ms: int) -> list[Source]:
    """Returns the named source and, newest first, at most `MOST_RECENT` sources below `roots` that changed recently."""
    found = []
    for source in (source for root in roots for source in agent.sources(root)):
        try:
            changed_ns = agent.reader.stat(Path(source.path)).mtime_ns
        except OSError:
            continue
        if changed_ns >= (now_ms - RECENT_MS) * 1_000_000:
            found.append((changed_ns, source))
    newest = _newest(found, MOST_RECENT)
    named = [transcript.source] if transcript is not None and transcript.source not in newest else []
    return [*named, *newest]


MOST_SIBLINGS: Final = 32


def changed_siblings(agent: Agent, transcript: Transcript, *, since_ms: int | None) -> list[Source]:
    """Returns sources in the folder of `transcript` that changed since `since_ms`, or all of them. Blocks.

    At most `MOST_SIBLINGS`, newest first, including the given one if it exists.
    """
    oldest_ns = 0 if since_ms is None else (since_ms - RACY_MS) * 1_000_000
    found = []
    for path, mtime_ns in _files(Path(transcript.source.path).parent):
        if mtime_ns >= oldest_ns and (source := agent.source_of(Path(path), transcript.root)) is not None:
            found.append((mtime_ns, source))
    return _newest(found, MOST_SIBLINGS)


def _newest(found: list[tuple[int, Source]], most: int) -> list[Source]:
    return [source for _, source in sorted(found, key=lambda item: item[0], reverse=True)[:most]]


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):  # it is gone by now
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield entry.path, status.st_mtime_ns


_NEWEST: Final = 20


class OwnSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session and its projects in the ledger."""

    id: str
    project_id: int | None
    """The session's project; None if the ledger does not know the session."""
    here_id: int | None
    """The project of the folder that the hook was called in, which the session may have changed to (`cd`)."""


def own_session(db: sqlite3.Connection, agent_id: str, conversation: str, root: str | None) -> OwnSession:
    """Returns the session that the conversation's turns in the project at `root` belong to."""
    here = project_by_root(db, root) if root is not None else None
    names = (row.native_id for row in sessions(db, here.id, limit=_NEWEST) if row.agent == agent_id) if here else ()
    own = next((name for name in names if conversation_of(name) == conversation), conversation)
    return OwnSession(
        id=own, project_id=project_of_session(db, agent_id, own), here_id=here.id if here is not None else None
    )
