"""The interface that an agent's folder implements, and the types it exchanges with the rest of Carryover.

    raw source --reader--> records --parse--> events

A reader knows a file format (JSON lines, a database) and where to continue reading; the agent's `parse` knows what the
records mean. `parse` is pure: what it must remember from one record to the next is in its context, a frozen msgspec
struct that is stored with the cursor, so a restart in mid-session changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, runtime_checkable

import msgspec

from carryover.adapter.layouts import Layout, source_at
from carryover.adapter.layouts import Source as Source
from carryover.adapter.spec import AgentSpec
from carryover.model import AnyBody, Event, Op, ResultStatus, Skipped, TokensUsed, WindowUsed
from carryover.records.lenient import Fields
from carryover.records.text import READS_PAGE

CONTEXT_NAMES: Final = frozenset(
    "began call_id closed cwd folder id name old_path parent path place process session subagent_id task_id "
    "thread turn".split()
)
"""Fields of a context with paths, ids and names. Secrets are removed from all other texts of a context before it is
stored, and the next read continues from what is stored, so a path must stay as it was."""


class FileStat(msgspec.Struct, frozen=True):
    """Size and time of a source, taken without reading it. If both are unchanged, the source counts as unchanged."""

    size: int
    mtime_ns: int


class Record(msgspec.Struct, frozen=True):
    """One record as the agent wrote it. `number` is its position in the source, from 1."""

    number: int
    data: bytes


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one read.

    `restarted`: the source is not the one that the cursor was made for (truncated, replaced), so it was read from its
    beginning and the context must be reset. `more`: there is more to read now. `oversized`: how many records were too
    long to hold in memory and were skipped. `retry_after_s`: something in the source is not final yet; read it again
    after that many seconds even if it is unchanged, and it is taken as it is.
    """

    records: tuple[Record, ...]
    cursor: bytes
    restarted: bool = False
    more: bool = False
    oversized: int = 0
    retry_after_s: float | None = None


class Reader(Protocol):
    """Reads one kind of source. Blocking: call it off the event loop."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Returns the next complete records after `cursor` (from the start for None), at most about 1 MiB of them.

        Raises FileNotFoundError when the source is gone and OSError when it cannot be read now.
        """
        ...

    def stat(self, path: Path) -> FileStat:
        """Returns the source's size and time. Reads no content, since it is called for every source.

        Raises FileNotFoundError when the source is gone and OSError when it is not a regular file.
        """
        ...


@runtime_checkable
class ProjectReader(Reader, Protocol):
    """Reads sources in the projects themselves, which may have come with a clone or an archive.

    The top folder of each known project is then a root: its sources are direct entries and those that the agent's
    settings move elsewhere in the project, and their `group` is that folder.
    """

    def source_of(self, path: Path, root: Path) -> Source | None:
        """Returns the source at a path; None if it is something else. By name alone."""

    def sources(self, root: Path) -> list[Source]:
        """Returns the sources that exist now. Must be cheap, since it is called every second."""

    def last_input(self, path: Path) -> tuple[Path, tuple[int, ...]]:
        """Returns the log beside a source that proves that the user's own agent wrote it (`probe/own_file.py`), which
        need not exist, and the time of its newest entry in UTC milliseconds: several if its zone is unknown, none
        without an entry."""
        ...


class Reemitted(msgspec.Struct, frozen=True, kw_only=True):
    """A thread of a rewritten source is emitted again: this batch holds all of its events, in order.

    The ledger keeps what is the same, replaces what changed and retracts what is gone.
    """

    session: str
    subagent_id: str | None = None
    after: str | None = None
    """Key of the event after which they follow; it and all before it stay. None: they replace the whole thread."""
    more: bool = False
    """Whether the batch ends before the thread does: the ledger keeps later events until those are emitted too."""


class Parsed(msgspec.Struct, frozen=True):
    """The result of parsing one record; empty for a known record without useful content."""

    events: tuple[Event, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    reemitted: Reemitted | None = None
    """Set if this record begins a thread that is emitted again."""
    tokens: tuple[TokensUsed, ...] = ()
    windows: tuple[WindowUsed, ...] = ()


StartReason = Literal["startup", "clear", "compact", "resume", "fork"]
"""Why a session starts. In a `resume` or `fork` the conversation still has its context."""

HookAction = Literal["session_start", "unheard_start", "prompt", "flush", "turn_end", "hint"]
"""session_start: a session begins and wants the handoff. unheard_start: one begins whose client drops the answer, so
that it gets the handoff with its first prompt. prompt: the user sent a prompt; a session that lost the handoff in a
compaction gets it again (`HookProtocol.forgets`). flush: context is about to be lost, so publish before answering.
turn_end: a turn ended. hint: something happened. After both what is new is read soon."""
STARTS: Final[tuple[HookAction, ...]] = ("session_start", "unheard_start")


class HookEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The meaning of one hook payload. Paths are passed on unchecked."""

    action: HookAction
    session: str
    cwd: str | None = None
    cwd_moves: bool = False
    """Whether `cwd` follows the session's `cd`; otherwise it shows which project the turn belongs to."""
    transcript: str | None = None
    """The source this session is written to; it need not exist yet."""
    reason: StartReason | None = None
    """Why the session starts; with a start only."""
    idle_s: float | None = None
    """Seconds since the conversation's last response, with `resume` and `fork`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookProtocol:
    """How to read the payloads of an agent's hooks, which its spec lists, and how to answer them. All functions are
    pure."""

    read: Callable[[str, bytes], HookEvent | Skipped]
    """Event and payload → what the payload means; Skipped if it is another agent's (whose
    program may run these hooks) or was not understood. Never raises."""
    answer: Callable[[str], bytes]
    """Text → what the hook must print so that the agent puts it into the session's context."""
    layout_root: Callable[[Path], Path | None]
    """Returns the root that a transcript is below, by its path alone; None if the path doesn't have this agent's
    layout."""
    forgets: Literal["exit", "compaction"] | None = None
    """When injected text is lost: as the process ends, so that a resumed session always gets the handoff; or in a
    compaction too, whose time is the context's `compacted_ms`; `prompted` says whether a prompt has come since. Agents
    that keep the text in the conversation get it only if another session has moved the project on. None also if the
    agent calls its start hook after a compaction and has no hook that can add the handoff to a prompt."""
    reads_page: str = READS_PAGE
    """How its model is asked to read the second page of a handoff, the file `{page}` (`{quoted}` for a shell), as it
    was seen to get it whole: git ignores it, and 8,000 tokens are 32,000 characters."""


_STOPPED_ON_WINDOWS: Final = frozenset((3221225786, -1073741510))
"""Exit codes of a program that Ctrl-C ended there, as clients write them: without a sign and with one."""


class ToolOutcome(msgspec.Struct, frozen=True):
    """How a tool call ended."""

    status: ResultStatus
    output: str = ""
    """The tool's output, without the agent's wrapping."""
    exit_code: int | None = None
    never_ran: bool = False
    user_words: str = ""
    """Text that the user typed while refusing the call."""

    @property
    def ended_as(self) -> ResultStatus:
        """The status, where a program that was stopped did not fail."""
        return "interrupted" if self.exit_code in _STOPPED_ON_WINDOWS else self.status


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedText:
    """Reads texts that another program copied from this agent's transcripts, without their records. Pure."""

    prompt: Callable[[str, str], tuple[AnyBody, ...]]
    """Text of a user's turn, and the name of the tool called just before it (empty: none) → its events; none if the
    agent's client wrote the text."""
    outcome: Callable[[Op, str], ToolOutcome]
    """The tool's operation and the text of its output → how the call ended."""
    op: Callable[[str], Op | None]
    """Name of a tool → what it does; None if it is none of this agent's."""
    about: Callable[[Op, Fields], str]
    """The tool's operation and the arguments of a call → what the call is about; empty if none of them says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One agent as data and functions. All are pure except `reader`, and `exported`, which may open the file."""

    spec: AgentSpec
    """How it is installed on people's machines."""
    reader: Reader
    context_type: type[msgspec.Struct]
    """Type of the context; without arguments it is the context of a source not yet read."""
    parse: Callable[[Source, Any, Record], tuple[Any, Parsed]]
    """Source, context and one record → the new context and what the record became. Never raises."""
    layouts: tuple[Layout, ...] = ()
    """Where its sources are below its roots; none for a `ProjectReader`, and for a document that the user names."""
    hooks: HookProtocol | None = None
    """How to talk to its hooks; None if it has none."""
    exported: Callable[[Path, bytes], Source | None] | None = None
    """Path and first 64 KiB of a file anywhere on disk → the source in it, if a user exported it from this agent or an
    older version wrote it; `reader` and `parse` read it like any other. None: no such format exists."""
    quoted: QuotedText | None = None
    """Reads copied texts; None: they contain nothing that only this agent writes."""
    typed: Callable[[Sequence[Sequence[str]]], Sequence[str | None]] | None = None
    """The parts of each message in the user's role of one conversation, as they were sent to the model → what the user
    typed in each, None if the client asks for itself and keeps the answer; empty if nothing shows that this agent's
    client sent them. None: the client adds nothing."""

    @property
    def in_projects(self) -> bool:
        """Whether the agent's sources are in the projects themselves."""
        return not self.layouts and isinstance(self.reader, ProjectReader)  # the second looks at each of its methods

    @property
    def id(self) -> str:
        """The agent's id."""
        return self.spec.id

    def source_of(self, path: Path, root: Path) -> Source | None:
        """Returns the source at a path below a root; None if it is something else. By name alone."""
        if self.layouts:
            return source_at(self.id, self.layouts, path, root)
        return self.reader.source_of(path, root) if isinstance(self.reader, ProjectReader) else None
