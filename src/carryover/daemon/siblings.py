"""The transcripts that lie beside a given one and may hold what the ledger does not: those to read before answering.

An agent keeps what was said in one folder together, so this is a project's newest past. What the last sweep saw was
read or is in line already; only what changed since then can be unknown. Sub-agents' own transcripts are not waited for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Source
from carryover.daemon.hook_paths import Transcript
from carryover.ingest.catch_up import RACY_MS

MOST: Final = 32


def changed_siblings(agent: Agent, transcript: Transcript, *, since_ms: int | None) -> list[Source]:
    """Sources in the folder of `transcript` that changed since `since_ms`, or all; newest first, at most `MOST`.

    The given one is among them where it exists. Blocks.
    """
    oldest_ns = 0 if since_ms is None else (since_ms - RACY_MS) * 1_000_000
    found = []
    for path, mtime_ns in _files(Path(transcript.source.path).parent):
        if mtime_ns >= oldest_ns and (source := agent.source_of(Path(path), transcript.root)) is not None:
            found.append((mtime_ns, source))
    found.sort(key=lambda item: item[0], reverse=True)
    return [source for _, source in found[:MOST]]


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Regular files in `folder`, and when each was changed."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            yield entry.path, status.st_mtime_ns
