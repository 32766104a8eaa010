"""Reads a session's folder: the newest state of what its user sees, and the journal of what has changed since.

Entries change in place: a call while it runs, and all that follow the one to which the user goes back. FACTS.md says
what each file is.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import FileStat
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, first_text, inside, items_of, text_of, time_of
from carryover.text.pattern import later
from carryover.transcript.bounds import lines_in
from carryover.transcript.files import read_document, read_referenced, stamp_of_last
from carryover.transcript.rewritten import OnlyConversation, SnapshotReader

BEGIN: Final = "begin"
FACTS: Final = "facts"
_CHANGE: Final = b'"type":"projection_delta"}'
"""The end of each line of the journal that changes what the user sees."""
_SEGMENT: Final = later(r"journal/\d{1,20}\.jsonl")
_NAME: Final = later(r"[0-9a-f-]{1,64}")
_IMPORTED: Final = "imported-"
"""Beginning of the ids of entries that were copied from another session."""
_SUBAGENT: Final = "child-"
"""Beginning of the ids of sub-agents' sessions, which have no meta.json."""
_BEGUN: Final = ("id", "createdAt", "detail")
"""What of a call does not change when it ends."""
_ENDED: Final = ("completed", "failed", "cancelled", "skipped")
_SUMMARY: Final = ("<compaction_summary>", "</compaction_summary>")

_Piece = tuple[tuple[int, int], str, dict[str, Fields]]
"""When it was written and, at the same time, after how many other entries; its id, its record."""


class Begin(msgspec.Struct, frozen=True, omit_defaults=True):
    """The session whose pieces follow. `root`: the session that it works for, if it is a sub-agent's.

    `on`: the pieces follow those read before; `more`: another batch follows.
    """

    id: str
    root: str | None = None
    cwd: str | None = None
    on: bool = False
    more: bool = False


class State(OnlyConversation):
    """A session as it is now: its pieces, each with an id and a record, and the facts about it."""

    ident = "session"

    def __init__(self, begin: Begin, pieces: Sequence[tuple[str, bytes]], facts: Mapping[str, str]) -> None:
        self._begin = begin
        self._records = [record for _, record in pieces]
        self._end = msgspec.json.encode({FACTS: facts})
        self.pieces = [(ident, digest(record)) for ident, record in pieces]

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the session, with a mark of all that is known of it; nothing before its first piece."""
        return [(self.ident, f"{self._begin} {self._end!r} {self.pieces}")] if self.pieces else []

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        """Returns the record of the session."""
        return msgspec.json.encode({BEGIN: msgspec.structs.replace(self._begin, on=on, more=more)})

    def piece(self, number: int) -> bytes | None:
        """Returns the record of a piece."""
        return self._records[number]

    def end(self, emitted: int) -> bytes | None:  # noqa: ARG002
        """Returns the record of the facts about the session."""
        return self._end


class SessionReader(SnapshotReader[State]):
    """Reads a session's folder by its file CURRENT; see `carryover.adapter.contract.Reader`."""

    def __init__(self) -> None:
        super().__init__(_session_at)

    def stat(self, path: Path) -> FileStat:
        """Returns the size and time of the file and of the newest journal. Nothing else changes without them."""
        pointer, journal = super().stat(path), stamp_of_last(path.with_name("journal"))
        return FileStat(pointer.size + journal.size, max(pointer.mtime_ns, journal.mtime_ns))


def _session_at(path: Path, _stat: FileStat) -> State:
    folder = path.parent
    generation = folder / "generations" / _named(fields_of(read_document(path)).get("generation"))
    manifest = fields_of(read_referenced(generation / "manifest.json"))
    state = fields_of(read_referenced(generation / "projection-state.json")).get("snapshot", rawjson.ABSENT)
    listed = [*items_of(inside(state, "history", "entries")), *_chunks(folder, manifest, "projection_state")]
    segment = text_of(inside(manifest.get("recovery_journal_segment", rawjson.ABSENT), "path"))
    entries = {text_of(entry.get("id")): entry for entry in map(fields_of, listed)}
    if _SEGMENT.fullmatch(segment):
        state = _continued(entries, state, read_referenced(folder / segment))
    if compactions := [ident for ident, entry in entries.items() if text_of(entry.get("kind")) == "compaction"]:
        summary = msgspec.json.encode(_summary(folder, manifest))
        entries[compactions[-1]] = {**entries[compactions[-1]], "summary": msgspec.Raw(summary)}
    pieces = sorted(_pieces(entries, fields_of(inside(state, "latestTurn"))))
    begin, facts = _described(folder, fields_of(inside(state, "session")))
    return State(begin, [(ident, msgspec.json.encode(record)) for _, ident, record in pieces], facts)


def _continued(entries: dict[str, Fields], state: msgspec.Raw, journal: bytes) -> msgspec.Raw:
    """Applies the journal to the entries, and returns the state around them."""
    lines = (msgspec.Raw(line) for line in lines_in(journal) if line.endswith(_CHANGE))
    for change in (fields_of(raw) for line in lines for raw in items_of(inside(line, "payload", "delta"))):
        match text_of(change.get("op")):
            case "append_entry" | "replace_entry":
                entry = fields_of(change.get("entry"))
                entries[text_of(entry.get("id"))] = entry
            case "remove_entry":
                entries.pop(text_of(change.get("id")), None)
            case "set_envelope":
                state = change.get("state", state)
    return state


def _pieces(entries: dict[str, Fields], turn: Fields) -> Iterator[_Piece]:
    """Yields the piece of each entry, of which a call and its result are two, and how the newest turn failed."""
    if text_of(turn.get("status")) in ("failed", "interrupted"):
        yield (time_of(turn.get("completedAt")), len(entries)), "turn", {"turn": turn}
    for number, (ident, entry) in enumerate(entries.items()):
        kind = text_of(entry.get("type"))
        created = (time_of(entry.get("createdAt")), number)
        if ident.startswith(_IMPORTED) or kind in ("notice", "reasoning"):
            continue
        if kind != "effect":
            yield created, ident, {"entry": entry}
            continue
        yield created, f"{ident}/call", {"effect": {name: entry[name] for name in _BEGUN if name in entry}}
        if text_of(inside(entry.get("state", rawjson.ABSENT), "status")) in _ENDED:
            yield (time_of(entry.get("updatedAt")), number), ident, {"effect": entry}


def _described(folder: Path, about: Fields) -> tuple[Begin, dict[str, str]]:
    """Returns the session and the facts about it."""
    root = _named(about.get("rootSessionId")) if folder.name.startswith(_SUBAGENT) else None
    meta = fields_of(read_referenced(folder.with_name(root or folder.name) / "meta.json"))
    cwd = text_of(inside(meta.get("environment", rawjson.ABSENT), "working_directory"))
    model = first_text(fields_of(meta.get("config")), "model_name", "active_model")
    facts = {"title": text_of(about.get("title")), "model": model, "parent": text_of(about.get("parentSessionId"))}
    return Begin(folder.name, root, cwd), facts


def _summary(folder: Path, manifest: Fields) -> str:
    """Returns the summary of the newest compaction, from what the model is sent; empty if it is not there yet."""
    sent = (inside(raw, "message", "content") for raw in _chunks(folder, manifest, "checkpoint"))
    texts = (text_of(fields_of(part).get("text")) for content in sent for part in items_of(content))
    within = (text.partition(_SUMMARY[0])[2].rpartition(_SUMMARY[1])[0] for text in texts)
    return next(filter(None, (text.strip() for text in within)), "")


def _chunks(folder: Path, manifest: Fields, name: str) -> Iterator[msgspec.Raw]:
    """Yields the entries of a list that was cut out of a file of the generation."""
    for chunk in items_of(inside(manifest.get(name, rawjson.ABSENT), "chunks")):
        yield from items_of(msgspec.Raw(read_referenced(folder / "chunks" / f"{_named(chunk)}.json")))


def _named(raw: msgspec.Raw | None) -> str:
    """Returns the name of a file or folder. Raises OSError if it is something else."""
    name = text_of(raw)
    if _NAME.fullmatch(name) is None:
        raise OSError(errno.EINVAL, "not a session")
    return name
