"""Where Cascade's conversations are: kept by us, from what is handed to its hooks, and in its own transcripts.

<state>/spool/windsurf/<trajectory>.jsonl    hook calls, and what the transcript they name says better
~/.windsurf/transcripts/<trajectory>.jsonl   the transcript alone, where no hook of ours saw the conversation
"""

from __future__ import annotations

import errno
import re
from pathlib import Path, PurePath
from typing import Final, Literal

from carryover.adapter.contract import Batch, FileStat, Source
from carryover.agents.windsurf.spec import SPEC
from carryover.readers.files import stamp_of_file

Kind = Literal["spool", "transcript"]

TRANSCRIPTS: Final = "transcripts"
ID: Final = re.compile(r"[A-Za-z0-9][\w-]{0,99}")
"""The form of an id that may be the name of a file. Those that were reported are UUIDs."""

_RANKS: Final[dict[Kind, int]] = {"spool": 1, "transcript": 0}
"""The spool takes the transcript in, so a conversation that has one is read there."""
_SUFFIX: Final = ".jsonl"


class WindsurfReader:
    """See `carryover.adapter.contract.Reader`. A file is read as a whole: what is in it may come in any order."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Returns what changed in the conversation."""
        from carryover.agents.windsurf import conversation  # commands that only ask for places need not pay for it

        kind = kind_of(path)
        if kind is None:
            raise OSError(errno.EINVAL, "not a source", str(path))
        return conversation.read(path, kind, cursor)

    def stat(self, path: Path) -> FileStat:
        """Size and time of the file. A transcript is named to a hook when it has changed, which is then spooled."""
        return stamp_of_file(path)


def kind_of(path: str | PurePath) -> Kind | None:
    """What kind of source `path` is, by its last names alone; None if it is none."""
    return _kind_below(PurePath(path).parent)


def source_of(path: Path, root: Path) -> Source | None:
    """The source that `path` is, by its name alone."""
    kind = _kind_below(root)
    session = path.name.removesuffix(_SUFFIX)
    if kind is None or path.parent != root or path.suffix != _SUFFIX or ID.fullmatch(session) is None:
        return None
    return Source(agent=SPEC.id, path=str(path), session=session, rank=_RANKS[kind])


def sources(root: Path) -> list[Source]:
    """Every source below `root` now, in the order of their paths."""
    if _kind_below(root) is None:
        return []
    found = (source_of(path, root) for path in sorted(root.glob(f"*{_SUFFIX}")))
    return [source for source in found if source is not None]


def _kind_below(folder: PurePath) -> Kind | None:
    match folder.parts[-2:]:
        case ("spool", SPEC.id):
            return "spool"
        case (".windsurf", last) if last == TRANSCRIPTS:
            return "transcript"
    return None
