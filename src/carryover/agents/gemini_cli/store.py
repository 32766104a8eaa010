"""Finds and reads Gemini CLI's transcripts, with the project folder that each belongs to.

`<slug>/chats/session-<time>-<8 of its id>.jsonl` is a session, `<slug>/chats/<session>/<its id>.jsonl` a sub-agent;
clients before 0.39 wrote `.json`, one document that is rewritten with each message (0.26). The slug doesn't identify a
folder: it is the last name of the start folder, with a number if another folder has that name.

Before its records, each reader puts one with `$begin`: `root`, the start folder as the client noted it beside the
transcripts, and of a `document` whether the records follow those of earlier batches (`on`), and whether another batch
follows (`more`). The client writes a document in place, so a read may find half of it and is tried again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import FileStat
from carryover.adapter.layouts import Layout
from carryover.agents.gemini_cli.contents import parts_of, shown_text
from carryover.records import rawjson
from carryover.records.lenient import fields_of, text_of
from carryover.text.pattern import later
from carryover.transcript.files import read_beside, read_document
from carryover.transcript.rewritten import Document, not_whole

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
_BEFORE_PROMPT: Final = 10
"""Messages of the client, such as those on updates, that may precede the first prompt."""
_TASKS: Final = (
    "Your task is to do a deep investigation of the codebase ",
    "Your task is to answer the following question about Gemini CLI:\n<question>\n",
)
"""How the prompts begin that the client gives its investigator (December 2025, 0.29) and the one that knows the client
(January 2026)."""
_HASH: Final = later(r"[0-9a-f]{64}")


def format_of(path: Path) -> str:
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
    if noted := read_beside(own / ".project_root", limit=_MAX_NOTE_BYTES).decode("utf-8", "replace").strip():
        return noted
    if _HASH.fullmatch(own.name) is None:
        return None
    top = own.parent.parent
    listed = fields_of(fields_of(read_beside(top / "projects.json", limit=_MAX_NOTE_BYTES)).get("projects"))
    known = (*listed, *fields_of(read_beside(top / "trustedFolders.json", limit=_MAX_NOTE_BYTES)))
    return next((folder for folder in known if path_hash(folder) == own.name), None)


def path_hash(folder: str) -> str:
    """Returns the hash by which the client identifies a start folder."""
    return hashlib.sha256(folder.encode("utf-8", "replace")).hexdigest()


def header_of_lines(path: Path) -> bytes | None:
    """Returns the header of a `.jsonl` file; None if its start folder is not noted."""
    root = start_folder(path)
    return msgspec.json.encode({"$begin": {"root": root}}) if root is not None else None


def conversation_in(path: Path, stat: FileStat) -> Document:
    """Takes the snapshot of a `.json` document."""
    document = fields_of(read_document(path))
    messages = rawjson.part_of(document.get("messages", rawjson.ABSENT), list[msgspec.Raw])
    if "sessionId" not in document or messages is None:
        raise not_whole(path, stat, "not a conversation")
    names = ("sessionId", "projectHash", "startTime", "kind", "directories")
    header = {name: document[name] for name in names if name in document}
    if subagent := _subagent_in(messages):
        header |= {"kind": msgspec.Raw(b'"subagent"'), "subagentId": subagent}
    root, summary = start_folder(path), document.get("summary")

    def begin(on: bool, more: bool) -> bytes:
        return msgspec.json.encode({"$begin": {"root": root, "document": True, "on": on, "more": more}, **header})

    end = msgspec.json.encode({"$set": {"summary": summary}}) if summary is not None else None
    return Document("document", messages, begin, end=lambda _: end)


def _subagent_in(messages: Sequence[msgspec.Raw]) -> msgspec.Raw | None:
    """Returns the id of the first prompt if it is the task of a sub-agent of the client's, which has a document of its
    own, with the session's id and without a `kind`."""
    first = (message for message in map(fields_of, messages[:_BEFORE_PROMPT]) if text_of(message.get("type")) == "user")
    prompt = next(first, {})
    task = shown_text(parts_of(prompt.get("content")) or [])
    return prompt.get("id") if task.startswith(_TASKS) else None
