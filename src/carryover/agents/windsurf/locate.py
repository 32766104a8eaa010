"""Finds Cascade's conversations: in the hook calls that we keep, and in its own transcripts.

<state>/spool/windsurf/<trajectory>.jsonl    hook calls, with the transcript that they name
~/.windsurf/transcripts/<trajectory>.jsonl   the transcript alone, if none of our hooks saw the conversation
"""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import Final, Literal

from carryover.adapter.contract import Source
from carryover.adapter.hooks import root_above
from carryover.agents.windsurf import wire
from carryover.agents.windsurf.spec import SPEC
from carryover.readers.files import read_head
from carryover.records.fields import session_of_copy
from carryover.records.lenient import fields_of, text_of
from carryover.records.rawjson import objects_in

Kind = Literal["spool", "transcript"]

TRANSCRIPTS: Final = "transcripts"
ID: Final = re.compile(r"[A-Za-z0-9][\w-]{0,99}")
"""The form of an id that may be a file name. Those reported are UUIDs."""

_RANKS: Final[dict[Kind, int]] = {"spool": 1, "transcript": 0}
"""The spool includes the transcript, so it is preferred."""
_SUFFIX: Final = ".jsonl"
_HEAD_BYTES: Final = 64 << 10


def kind_of(path: str | PurePath) -> Kind | None:
    """Returns the kind of the source at `path`, by the end of its path alone; None if it is not a source."""
    return _kind_below(PurePath(path).parent)


def kind_to_read(path: Path) -> Kind | None:
    """Returns the kind to read `path` as: by location, or by content for a copy elsewhere."""
    return kind_of(path) or _kind_in(read_head(path, _HEAD_BYTES))


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the transcript or the spooled hook calls in a file anywhere on disk, by its first line.

    The file's name is its session.
    """
    kind = _kind_in(head)
    session = session_of_copy(path.name.removesuffix(_SUFFIX), head)
    if kind is None or path.suffix != _SUFFIX or session is None:
        return None
    return Source(agent=SPEC.id, path=str(path), session=session, rank=_RANKS[kind])


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path`, recognised by name alone."""
    kind = _kind_below(root)
    session = path.name.removesuffix(_SUFFIX)
    if kind is None or path.parent != root or path.suffix != _SUFFIX or ID.fullmatch(session) is None:
        return None
    return Source(agent=SPEC.id, path=str(path), session=session, rank=_RANKS[kind])


def sources(root: Path) -> list[Source]:
    """Returns every source below `root`, sorted by path."""
    if _kind_below(root) is None:
        return []
    found = (source_of(path, root) for path in sorted(root.glob(f"*{_SUFFIX}")))
    return [source for source in found if source is not None]


def layout_root(transcript: Path) -> Path | None:
    """Returns the folder of transcripts that contains a path, by the path alone."""
    return root_above(transcript, source_of, (TRANSCRIPTS, SPEC.id))


def transcript_of(given: wire.Payload) -> str | None:
    """Returns the transcript that a payload names, if it is in a known folder and belongs to the conversation."""
    path = text_of(fields_of(given.tool_info).get("transcript_path"))
    is_known = path.startswith("/") and Path(path).stem == given.trajectory_id
    return path if is_known and layout_root(Path(path)) is not None else None


def _kind_in(head: bytes) -> Kind | None:
    """Returns the kind of a copy.

    A row has its data under the name of its type; a call has the form that `ingest/spool.py` writes.
    """
    first = next(objects_in(head, most=1), {})
    row = first.get("type")
    call = first.get("payload")
    if isinstance(row, str) and isinstance(first.get("status"), str) and isinstance(first.get(row), dict):
        return "transcript"
    if isinstance(call, dict) and isinstance(call.get("trajectory_id"), str) and "agent_action_name" in call:
        return "spool"
    return None


def _kind_below(folder: PurePath) -> Kind | None:
    match folder.parts[-2:]:
        case ("spool", SPEC.id):
            return "spool"
        case (".windsurf", last) if last == TRANSCRIPTS:
            return "transcript"
    return None
