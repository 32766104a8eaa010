"""Checks the paths in a hook's payload, which may come from anyone who can connect, and finds the sources and the
ledger's session that the call is about. Blocks: run this in a worker thread.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, HookEvent, Source
from carryover.errors import os_reason
from carryover.facts import FindRoot, ProjectRoot
from carryover.ingest.scan import RACY_MS, by_thread
from carryover.ledger.queries import project_of_session, sessions
from carryover.ledger.rows import ProjectRow
from carryover.model import conversation_of
from carryover.platform import here
from carryover.probe.looks import look_at, look_at_each
from carryover.publish.answers import Beginning
from carryover.transcript.sources import sources_of

_LONGEST_BYTES: Final = 4096


class Refused(Exception):
    """Raised for a path that is rejected. The message says why, without quoting the path."""


class HookCall(msgspec.Struct, frozen=True, kw_only=True):
    """A hook's report with its paths checked; None for those it did not name."""

    agent: Agent
    reading: HookEvent
    transcript: Source | None
    """The source that its session is written to, which need not exist yet."""
    project: ProjectRoot | None
    """The project of its working folder."""
    roots: tuple[Path, ...] = ()
    """Folders in which its agent keeps transcripts."""


def check_call(agent: Agent, reading: HookEvent, roots: tuple[Path, ...], *, root_of: FindRoot) -> HookCall:
    """Returns the call with its paths. Raises Refused: one bad path rejects the whole call."""
    transcript = check_transcript(reading.transcript, agent, roots) if reading.transcript is not None else None
    project = check_folder(reading.cwd, root_of=root_of) if reading.cwd is not None else None
    return HookCall(agent=agent, reading=reading, transcript=transcript, project=project, roots=roots)


def check_transcript(given: str, agent: Agent, roots: Iterable[Path], *, uid: int | None = None) -> Source:
    """Returns the transcript of `agent` that `given` names, below one of `roots`. `uid`: the user's. Raises Refused."""
    path = _plain_path(given)
    # Symlinks may make the same folder look different.
    spellings = (
        (root, spelling) for root, real in look_at_each(roots, here().canonical) for spelling in (root, Path(real))
    )
    root, spelling = next((both for both in spellings if path.is_relative_to(both[1])), (None, None))
    # Users move these folders by variables that the daemon does not see, so the layout is enough.
    if root is None:
        root = spelling = _root_by_layout(agent, path)
    if root is None or spelling is None:
        raise Refused("transcript: not in a folder of this agent")
    path = root / path.relative_to(spelling)
    source = agent.source_of(path, root)
    if source is None:
        raise Refused("transcript: not named as this agent names them")
    try:
        wrong = look_at(root, partial(_wrong_below, root, path, os.geteuid() if uid is None else uid))
    except OSError as error:
        wrong = os_reason(error)
    if wrong is not None:
        raise Refused(f"transcript: {wrong}")
    return source


def _root_by_layout(agent: Agent, path: Path) -> Path | None:
    return agent.hooks.layout_root(path) if agent.hooks is not None else None


def check_folder(given: str, *, root_of: FindRoot) -> ProjectRoot:
    """Returns the project that a working folder is in. Raises Refused, also for a symlink below the project's top."""
    folder = _plain_path(given)
    try:
        return look_at(folder, partial(_checked, folder, given, root_of))
    except OSError as error:
        raise Refused(f"folder: {os_reason(error)}") from error


def _checked(folder: Path, given: str, root_of: FindRoot) -> ProjectRoot:
    project = root_of(given)
    if folder.exists() and not folder.is_dir():
        raise Refused("folder: not a folder")
    checkout = project.checkout or project.root
    below = Path(here().canonical(given)).relative_to(checkout)
    top = Path(*folder.parts[: len(folder.parts) - len(below.parts)])
    is_straight = here().alike(str(folder.relative_to(top))) == here().alike(str(below))
    if not is_straight or here().canonical(top) != checkout:
        raise Refused("folder: a symlink inside a project")
    return project


def _plain_path(given: str) -> Path:
    try:
        length = len(given.encode())
    except UnicodeEncodeError as error:
        raise Refused("not text") from error
    if not given.startswith("/") or "\0" in given or length > _LONGEST_BYTES:
        raise Refused("not an absolute path")
    if ".." in given.split("/"):
        raise Refused("leads upwards")
    return Path(given)


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
        with suppress(FileNotFoundError, NotADirectoryError):
            return place.stat().st_uid
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


RECENT_MS: Final = 600_000
"""Changes older than this have been seen by a rescan."""
MOST_RECENT: Final = 8


def may_have_other_sources(transcript: Source | None) -> bool:
    """Whether the session may have sources with more content than `transcript`, which the hook named, as in Cursor."""
    return transcript is None or transcript.rank > 0


def changed_of_late(agent: Agent, transcript: Source | None, roots: Iterable[Path], *, now_ms: int) -> list[Source]:
    """Returns the named source and, newest first, at most `MOST_RECENT` sources below `roots` that changed recently.
    Those that the clock, which was set back, dates in the future would take all the places."""
    found = []
    for _, times in look_at_each(roots, lambda root: list(_times(agent, root))):
        found += [
            (changed_ns, source) for changed_ns, source in times if abs(changed_ns // 1_000_000 - now_ms) <= RECENT_MS
        ]
    newest = _newest(found, MOST_RECENT)
    named = [transcript] if transcript is not None and transcript not in newest else []
    return [*named, *newest]


def _times(agent: Agent, root: Path) -> Iterator[tuple[int, Source]]:
    for source in sources_of(agent, root):
        with suppress(OSError):
            yield agent.reader.stat(Path(source.path)).mtime_ns, source


MOST_SIBLINGS: Final = 32


def changed_siblings(agent: Agent, transcript: Source, roots: Iterable[Path], *, since_ms: int | None) -> list[Source]:
    """Returns the newest sources beside `transcript`, itself included, that changed since `since_ms`. Blocks."""
    path = Path(transcript.path)
    around = [root for root in (*roots, _root_by_layout(agent, path)) if root is not None and path.is_relative_to(root)]
    root = next((root for root in around if agent.source_of(path, root) == transcript), None)
    if root is None:
        return []
    oldest_ns = 0 if since_ms is None else (since_ms - RACY_MS) * 1_000_000
    found = []
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            with suppress(OSError):  # it is gone by now
                status = entry.stat(follow_symlinks=False)
                if not stat.S_ISREG(status.st_mode) or status.st_mtime_ns < oldest_ns:
                    continue
                if (source := agent.source_of(Path(entry.path), root)) is not None:
                    found.append((status.st_mtime_ns, source))
    return _newest(found, MOST_SIBLINGS)


def _newest(found: list[tuple[int, Source]], most: int) -> list[Source]:
    return by_thread(source for _, source in sorted(found, key=lambda item: item[0], reverse=True)[:most])


_NEWEST: Final = 20


def own_session(db: sqlite3.Connection, agent_id: str, conversation: str, row: ProjectRow | None) -> str:
    """Returns the session of a conversation's turns in one project, the one of that `row`: Codex has one for each."""
    recorded = sessions(db, row.id, limit=_NEWEST) if row is not None else ()
    names = (session.native_id for session in recorded if session.agent == agent_id)
    return next((name for name in names if conversation_of(name) == conversation), conversation)


def beginning(db: sqlite3.Connection, start: HookCall, row: ProjectRow | None) -> tuple[int | None, Beginning]:
    """Returns the project whose handoff a starting session gets, if it is known, and how the session begins. `row`:
    the ledger's, of the project that the hook was called in, which the session may have changed to (`cd`)."""
    hooks, reading = start.agent.hooks, start.reading
    assert hooks is not None, "such calls come from hooks"
    own = own_session(db, start.agent.id, reading.session, row)
    reason = reading.reason or "compact"  # a prompt gets it only because of a compaction
    # A conversation that was compacted halfway may have moved elsewhere by `cd` since it began.
    moved = project_of_session(db, start.agent.id, own) if reason == "compact" and reading.cwd_moves else None
    begins = Beginning(
        session=own,
        reason=reason,
        idle_s=reading.idle_s,
        forgets=hooks.forgets is not None,
        reads=hooks.reads_page,
        folder=Path(here().canonical(reading.cwd)) if reading.cwd is not None else None,
    )
    return moved or (row.id if row is not None else None), begins
