"""Finds Gemini CLI's transcripts and the project folder that each belongs to.

`<slug>/chats/session-<time>-<8 of its id>.jsonl` is a session, `<slug>/chats/<session>/<its id>.jsonl` a sub-agent;
clients before 0.39 wrote `.json`. The slug doesn't identify a folder: it is the last name of the start folder, with a
number if another folder has that name.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Source
from carryover.agents.gemini_cli.spec import SPEC
from carryover.readers.files import read_small
from carryover.readers.layouts import Layout
from carryover.records.lenient import fields_of

DOCUMENT: Final = ".json"
LINES: Final = ".jsonl"
RANKS: Final = {DOCUMENT: 0, LINES: 1}
"""When a newer client resumes a session, it copies an older client's document into lines and continues there (0.44,
0.61)."""

_CHATS: Final = r"(?P<group>[^/]+)/chats"
_SESSION: Final = r"session-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-[0-9A-Za-z_-]{1,64}"
_ID: Final = r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}"
LAYOUTS: Final = (
    *(
        Layout(globs=(f"*/chats/*{kind}",), pattern=rf"{_CHATS}/{_SESSION}\{kind}", rank=rank)
        for kind, rank in RANKS.items()
    ),
    Layout(
        globs=("*/chats/*/*.jsonl",),
        pattern=rf"{_CHATS}/(?P<session>{_ID})/(?P<subagent_id>{_ID})\.jsonl",
        rank=RANKS[LINES],
    ),
)
_MAX_NOTE_BYTES: Final = 1 << 20
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_MEMBERS: Final = tuple(
    re.compile(rb'"%s"\s*:\s*%s' % member)
    for member in ((b"sessionId", b'"'), (b"projectHash", b'"[0-9a-f]{64}"'), (b"startTime", b'"'))
)


def kind_of(path: Path) -> str:
    """Returns the format of a transcript, by its name."""
    return DOCUMENT if path.suffix == DOCUMENT else LINES


def start_folder(transcript: Path) -> str | None:
    """Returns the folder that the client was started in, as noted beside the transcript; None if it is not.

    Since 0.39 a file beside the transcripts holds it. Before that only its hash is stored, which is compared with the
    folders that the client has recorded. Reads small files.
    """
    own = next((folder.parent for folder in transcript.parents[:2] if folder.name == "chats"), None)
    if own is None:
        return None
    if noted := _noted(own / ".project_root").decode("utf-8", "replace").strip():
        return noted
    if _HASH.fullmatch(own.name) is None:
        return None
    top = own.parent.parent
    listed = fields_of(fields_of(_noted(top / "projects.json")).get("projects"))
    known = (*listed, *fields_of(_noted(top / "trustedFolders.json")))
    return next((folder for folder in known if path_hash(folder) == own.name), None)


def path_hash(folder: str) -> str:
    """Returns the hash by which the client identifies a start folder."""
    return hashlib.sha256(folder.encode("utf-8", "replace")).hexdigest()


def source_of_export(path: Path, head: bytes) -> Source | None:
    """Returns the transcript in a file, recognised by how it begins: a document (0.26) or lines (0.44, 0.61).

    Either has the session, the hash of its start folder and its time before any message; no other agent's does.
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if path.suffix not in RANKS or not start.startswith(b"{"):
        return None
    first = start.partition(b"\n")[0] if path.suffix == LINES else start.partition(b'"messages"')[0]
    if not all(member.search(first) for member in _MEMBERS):
        return None
    return Source(agent=SPEC.id, path=str(path), rank=RANKS[path.suffix])


def _noted(path: Path) -> bytes:
    with suppress(OSError):
        return read_small(path, limit=_MAX_NOTE_BYTES) or b""
    return b""
