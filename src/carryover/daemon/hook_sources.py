"""Which sources to look at when a hook calls.

An agent with one kind of transcript names it. One that tells a session in several places (Cursor: a database, and
lines without results beside it) names the least of them or none: then whatever changed of late is looked at. Blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Source
from carryover.daemon.hook_paths import Transcript

RECENT_MS: Final = 600_000
"""What changed before that a sweep has seen."""
MOST: Final = 8


def is_told_elsewhere(transcript: Transcript | None) -> bool:
    """Whether other sources than `transcript`, the one that the hook named, may tell the session, and better."""
    return transcript is None or transcript.source.rank > 0


def changed_of_late(agent: Agent, transcript: Transcript | None, roots: Iterable[Path], *, now_ms: int) -> list[Source]:
    """The named source and those below `roots` that changed of late, newest first, at most `MOST` of these."""
    found = []
    for source in (source for root in roots for source in agent.sources(root)):
        try:
            changed_ns = agent.reader.stamp(Path(source.path)).mtime_ns
        except OSError:
            continue
        if changed_ns >= (now_ms - RECENT_MS) * 1_000_000:
            found.append((changed_ns, source))
    found.sort(key=lambda item: item[0], reverse=True)
    newest = [source for _, source in found[:MOST]]
    named = [transcript.source] if transcript is not None and transcript.source not in newest else []
    return [*named, *newest]
