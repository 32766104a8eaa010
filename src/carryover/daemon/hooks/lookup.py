"""Finds the sources and the ledger's session that a hook call is about. Blocks.

**Sources.** An agent with one kind of transcript names it, and the other files in its folder are the project's newest
past. An agent that writes one session to several places (Cursor: a database, and lines without results beside it) names
the least informative of them or none, so everything that changed recently is read. Whatever the last rescan saw is
already read or queued, so only later changes count. Sub-agents' own transcripts are not waited for.

**Session.** A conversation that continues in another folder (Codex) is a separate session there, which belongs to that
folder's project. A hook names both the conversation and the folder, so no project gets what was said in another.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Source
from carryover.daemon.hooks.validate import Transcript
from carryover.ingest.scan import RACY_MS
from carryover.ledger.queries import project_by_root, project_of_session, sessions
from carryover.model import conversation_of

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
