"""Recognises a conversation of Gemini CLI in any folder: one that was copied, or that an older client wrote."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Source
from carryover.agents.gemini_cli.locate import DOCUMENT, LINES, RANKS
from carryover.agents.gemini_cli.spec import SPEC

_MEMBERS: Final = tuple(
    re.compile(rb'"%s"\s*:\s*%s' % member)
    for member in ((b"sessionId", b'"'), (b"projectHash", b'"[0-9a-f]{64}"'), (b"startTime", b'"'))
)


def source_of_export(path: Path, head: bytes) -> Source | None:
    """The transcript that the file is, by its beginning: a document of `session-*.json` (0.26), or lines (0.44, 0.61).

    Each names the session, the hash of its start folder and its time before any message; no other agent's does.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if path.suffix not in RANKS or not start.startswith(b"{"):
        return None
    first = start.partition(b"\n")[0] if path.suffix == LINES else start.partition(b'"messages"')[0]
    if not all(member.search(first) for member in _MEMBERS):
        return None
    return Source(agent=SPEC.id, path=str(path), rank=RANKS[DOCUMENT if path.suffix == DOCUMENT else LINES])
