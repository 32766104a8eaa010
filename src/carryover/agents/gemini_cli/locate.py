"""Finds Gemini CLI's transcripts and the project folder that each belongs to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Source
from carryover.agents.gemini_cli.spec import SPEC
from carryover.readers.files import entries_of, read_small
from carryover.records import rawjson

CHATS: Final = "chats"
DOCUMENT: Final = ".json"
LINES: Final = ".jsonl"
RANKS: Final = {DOCUMENT: 0, LINES: 1}
"""When a newer client resumes a session, it copies an older client's document into lines and continues there (0.44,
0.61)."""

_ROOT_FILE: Final = ".project_root"
_MAX_ROOT_BYTES: Final = 8 << 10
_FOLDER_LISTS: Final = (("projects.json", "projects"), ("trustedFolders.json", None))
"""Files in the client's own folder whose keys are start folders, and the path to those keys."""
_MAX_LIST_BYTES: Final = 1 << 20
_SESSION: Final = re.compile(r"session-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-[0-9A-Za-z_-]{1,64}(\.jsonl?)")
_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the transcript at `path`, recognised by name alone.

    `<slug>/chats/session-<time>-<8 of its id>.jsonl` is a session, `<slug>/chats/<session>/<its id>.jsonl` a sub-agent;
    clients before 0.39 wrote `.json`. The slug doesn't identify a folder: it is the last name of the start folder, with
    a number if another folder has that name.
    """
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return None
    match parts:
        case (slug, str(chats), name) if chats == CHATS and (found := _SESSION.fullmatch(name)):
            return Source(agent=SPEC.id, path=str(path), group=slug, rank=RANKS[found[1]])
        case (slug, str(chats), session, name) if chats == CHATS and name.endswith(LINES):
            own = name.removesuffix(LINES)
            if _ID.fullmatch(session) and _ID.fullmatch(own):
                rank = RANKS[LINES]
                return Source(agent=SPEC.id, path=str(path), session=session, subagent_id=own, group=slug, rank=rank)
    return None


def kind_of(path: Path) -> str:
    """Returns the format of a transcript, by its name."""
    return DOCUMENT if path.suffix == DOCUMENT else LINES


def sources(root: Path) -> list[Source]:
    """Returns every transcript below `root`, sorted by path."""
    found = (source_of(path, root) for path in _files(root))
    return sorted((source for source in found if source is not None), key=lambda source: source.path)


def start_folder(transcript: Path) -> str | None:
    """Returns the folder that the client was started in, as noted beside the transcript; None if it is not.

    Since 0.39 a file beside the transcripts holds it. Before that only its hash is stored, which is compared with the
    folders that the client has recorded. Reads small files.
    """
    chats = next((folder for folder in transcript.parents[:2] if folder.name == CHATS), None)
    if chats is None:
        return None
    own = chats.parent
    with suppress(OSError, UnicodeDecodeError):
        noted = (read_small(own / _ROOT_FILE, limit=_MAX_ROOT_BYTES) or b"").decode().strip()
        if noted:
            return noted
    if _HASH.fullmatch(own.name) is None:
        return None
    known = (folder for name, key in _FOLDER_LISTS for folder in _folders_in(own.parent.parent / name, key))
    return next((folder for folder in known if path_hash(folder) == own.name), None)


def path_hash(folder: str) -> str:
    """Returns the hash by which the client identifies a start folder."""
    return hashlib.sha256(folder.encode("utf-8", "replace")).hexdigest()


def _folders_in(path: Path, key: str | None) -> list[str]:
    data = None
    with suppress(OSError):
        data = read_small(path, limit=_MAX_LIST_BYTES)
    if data is None:
        return []
    listed = rawjson.part_of(msgspec.Raw(data), dict[str, msgspec.Raw]) or {}
    if key is not None:
        listed = rawjson.part_of(listed.get(key, rawjson.ABSENT), dict[str, msgspec.Raw]) or {}
    return list(listed)


def _files(root: Path) -> Iterator[Path]:
    """Yields the files in the folders of transcripts and of their sub-agents."""
    for project in entries_of(root):
        for entry in entries_of(Path(project.path) / CHATS):
            if entry.name.endswith((DOCUMENT, LINES)):
                yield Path(entry.path)
            elif _ID.fullmatch(entry.name):
                yield from (Path(below.path) for below in entries_of(Path(entry.path)))


_MEMBERS: Final = tuple(
    re.compile(rb'"%s"\s*:\s*%s' % member)
    for member in ((b"sessionId", b'"'), (b"projectHash", b'"[0-9a-f]{64}"'), (b"startTime", b'"'))
)


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
    return Source(agent=SPEC.id, path=str(path), rank=RANKS[DOCUMENT if path.suffix == DOCUMENT else LINES])
