"""Reading a `store.db`: the messages that the newest root names and that were not given out before.

A root is written anew with each message; what older roots alone name is not part of the conversation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from contextlib import suppress
from itertools import compress
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, Record, Stamp
from carryover.agents.cursor.chat import blobs as chat_blobs
from carryover.agents.cursor.chat.blobs import Root
from carryover.agents.cursor.chat.facts import Facts, facts_of
from carryover.agents.cursor.chat.messages import is_typed, known_as, record_of, role_of
from carryover.agents.cursor.chat.store import MAX_ROOT_BYTES, Store
from carryover.agents.cursor.talk import progress
from carryover.agents.cursor.talk.progress import ID_CHARS, Follower, Known, Position
from carryover.agents.cursor.talk.record import TalkRecord
from carryover.agents.cursor.terms.uris import path_of
from carryover.readers import document, sqlite
from carryover.readers.jsonl import stamp_of_file

READ_BYTES: Final = 1 << 20
READ_MESSAGES: Final = 500

_BESIDE: Final = "meta.json"


class Found(msgspec.Struct, frozen=True):
    """What one look into the database gave."""

    position: Position
    facts: Facts | None = None
    records: tuple[TalkRecord, ...] = ()
    more: bool = False
    oversized: int = 0


class ChatReader:
    """Reads the terminal client's conversations (see `carryover.adapter.contract.Reader`)."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """What the conversation has become since `cursor`, at most about 1 MiB of messages.

        Raises FileNotFoundError when the database is gone, OSError when it cannot be read now.
        """
        seen = self.stamp(path)
        position = progress.decoded(cursor)
        begin = position or Position()
        beside = _beside(path)
        found = sqlite.look_into(path, lambda db: _look(Store(db), begin, beside, sqlite.tables(db)))
        records = tuple(
            Record(number=begin.number + place, data=msgspec.json.encode(record))
            for place, record in enumerate(found.records, 1)
        )
        end = msgspec.structs.replace(found.position, number=begin.number + len(records), seen=seen)
        return Batch(
            records=records,
            cursor=msgspec.msgpack.encode(end),
            restarted=position is None,
            more=found.more,
            oversized=found.oversized,
        )

    def stamp(self, path: Path) -> Stamp:
        """Of the database and of the `meta.json` beside it, where title and folder stand."""
        seen = sqlite.stamp(path)
        with suppress(OSError):
            beside = stamp_of_file(path.with_name(_BESIDE))
            return Stamp(seen.size + beside.size, max(seen.mtime_ns, beside.mtime_ns))
        return seen


def _beside(path: Path) -> bytes | None:
    with suppress(OSError):
        return document.content(path.with_name(_BESIDE), limit=1 << 16)[0]
    return None


def _look(store: Store, position: Position, beside: bytes | None, tables: Set[str]) -> Found:
    # Before its first message the client has made the file, perhaps not its tables.
    meta = store.meta() if tables >= {"meta", "blobs"} else None
    if meta is None:
        return Found(position)
    facts = facts_of(meta, beside)
    if facts is None:
        return _refused(position, "meta", "unexpected meta row")
    if facts.root is None or facts.root == position.root:
        return _told(Found(position, facts))
    blob = store.blob(facts.root, MAX_ROOT_BYTES)
    if not isinstance(blob, bytes):
        return _refused(position, facts.root, "missing root")
    try:
        root = chat_blobs.root_of(blob)
    except chat_blobs.NotProtobuf:
        return _refused(position, facts.root, "encrypted" if facts.encrypted else "unexpected root")
    if not root.ids:
        return _refused(position, facts.root, "root without messages")
    ids, whole = _message_ids(store, root, progress.given_in(position))
    return _told(_advance(store, facts, msgspec.structs.replace(position, workspace=root.workspace), ids, whole=whole))


def _message_ids(store: Store, root: Root, former: Sequence[Known]) -> tuple[list[str], bool]:
    """The messages of a root as far as this read can need them, and whether these are all."""
    known = {one.id for one in former}

    def node_at(ident: str) -> bytes | None:
        return None if ident[:ID_CHARS] in known else store.node(ident)

    some = len(former) + READ_MESSAGES
    ids = chat_blobs.message_ids(root, node_at, limit=min(some + 1, chat_blobs.MAX_MESSAGES))
    if len(ids) <= some:
        return ids, True
    if progress.in_common(former, [ident[:ID_CHARS] for ident in ids]) == len(former):
        return ids[:some], False
    return chat_blobs.message_ids(root, node_at), True


def _refused(position: Position, root: str, reason: str) -> Found:
    if position.refused == root:
        return Found(position)
    record = TalkRecord(kind="unknown", reason=reason)
    return Found(msgspec.structs.replace(position, refused=root), records=(record,))


def _told(found: Found) -> Found:
    """`found` with the facts of the conversation in front, where they are news."""
    facts, position = found.facts, found.position
    if facts is None:
        return found
    chat = TalkRecord(
        kind="chat",
        title=facts.title,
        model=facts.model,
        cwd=facts.cwd or path_of(position.workspace),
        sub_agent=facts.sub_agent,
    )
    told = msgspec.msgpack.encode(chat)
    if told == position.told:
        return found
    timed = msgspec.structs.replace(chat, created_ms=facts.created_ms, noted_ms=facts.updated_ms)
    return msgspec.structs.replace(
        found, records=(timed, *found.records), position=msgspec.structs.replace(position, told=told)
    )


def _advance(store: Store, facts: Facts, position: Position, ids: Sequence[str], *, whole: bool) -> Found:
    """Give out what is new in `ids`, and say what of the former messages the user took back."""
    former, undone = progress.given_in(position), progress.undone_in(position)
    shorts = [ident[:ID_CHARS] for ident in ids]
    common = progress.in_common(former, shorts)
    lost = {one.id: one for one in former[common:]}
    kept = Counter(one.id for one in former[common:]) & Counter(shorts[common:])
    records: list[TalkRecord] = []
    if lost:
        first = next((ident for ident in ids[common:] if not kept[ident[:ID_CHARS]]), None)
        back = progress.taken_back(former[common:], kept, _follower(store, first))
        gone = tuple(compress(progress.occurrences(former, undone)[common:], back))
        records += (TalkRecord(kind="undone", noted_ms=facts.updated_ms, gone=gone),) if gone else ()
        undone += [one.id for one in gone]
    before = Counter(undone) + Counter(shorts[:common])
    given = former[:common]
    size = oversized = 0
    for ident, short in zip(ids[common:], shorts[common:], strict=True):
        if size >= READ_BYTES or len(records) >= READ_MESSAGES:
            break
        if kept[short]:
            kept[short] -= 1
            given.append(lost[short])
        else:
            blob = store.blob(ident)
            if isinstance(blob, int):
                oversized += 1
            else:
                size += len(blob or b"")
                records.append(record_of(blob, facts, short, before[short]))
            given.append(known_as(short, blob))
        before[short] += 1
    complete = whole and len(given) == len(ids)
    end = progress.after(position, root=facts.root if complete else None, given=given, undone=undone)
    return Found(end, facts, tuple(records), more=not complete, oversized=oversized)


def _follower(store: Store, ident: str | None) -> Follower:
    if ident is None:
        return "nothing"
    blob = store.blob(ident)
    if is_typed(blob):
        return "typed"
    return "answer" if role_of(blob) in ("assistant", "tool") else "other"
