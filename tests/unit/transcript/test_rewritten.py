"""A source that is rewritten: in whatever states it was read, what was told in the end is what it holds."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.adapter.contract import Batch, FileStat
from carryover.transcript import rewritten
from carryover.transcript.bounds import RECORD_BYTES, TooLarge, TooSlow
from carryover.transcript.rewritten import (
    READ_BYTES,
    READ_RECORDS,
    Document,
    NotYet,
    Snapshot,
    SnapshotReader,
    read_further,
)

NOW_MS = 1_800_000_000_000
State = dict[str, list[str]]
"""Conversations and their pieces: `open…` is still being written, `big…` too large, `-…` holds nothing."""


def talk(ident: str, content: list[str], rests_ms: int | None = None) -> Document:
    def made(**fields: Any) -> bytes:
        return json.dumps({"talk": ident, **fields}).encode()

    def record(_number: int, text: str) -> bytes | None:
        if text.startswith("open") and rests_ms is not None:
            raise NotYet(rests_ms)
        if text.startswith("big"):
            raise TooLarge
        if text.startswith("slow"):
            raise TooSlow
        return None if text.startswith("-") else made(text=text)

    return Document(
        ident,
        content,
        lambda on, more: made(begin="on" if on else "anew", more=more),
        record=record,
        end=lambda _: made(end=True),
        pieces=[(f"{number}", text) for number, text in enumerate(content)],
    )


@dataclass
class Shelf:
    """A look at conversations, of which those that hold something open rest later."""

    state: State
    rests_ms: int | None = NOW_MS + 5_000
    asked: list[str] = field(default_factory=list)

    def snapshot(self) -> Snapshot:
        return Snapshot([(ident, json.dumps(content)) for ident, content in self.state.items()], self._conversation)

    def _conversation(self, ident: str, notes: dict[str, str]) -> Document | None:
        self.asked.append(ident)
        if self.state[ident] == ["huge"]:
            raise TooLarge
        if self.state[ident] == ["slow"]:
            raise TooSlow
        return talk(ident, self.state[ident], self.rests_ms) if self.state[ident] != ["unreadable"] else None


@dataclass
class Listener:
    """What was told, as a ledger would have it."""

    known: State = field(default_factory=dict)
    cursor: bytes | None = None
    batches: list[Batch] = field(default_factory=list)

    def hear(self, shelf: Shelf) -> list[Batch]:
        """Read to the end."""
        before = len(self.batches)
        more = True
        while more:
            batch = read_further(shelf.snapshot(), self.cursor, now_ms=NOW_MS)
            self.batches.append(batch)
            self.cursor, more = batch.cursor, batch.more
            for record in batch.records:
                self._take(json.loads(record.data))
            assert len(self.batches) - before < 200
        return self.batches[before:]

    def _take(self, record: dict[str, Any]) -> None:
        reported = self.known.setdefault(record["talk"], [])
        if record.get("begin") == "anew":
            reported.clear()
        elif "text" in record:
            reported.append(record["text"])


def held(content: list[str]) -> list[str]:
    """What of a conversation is to be told while it goes on."""
    until = next((number for number, text in enumerate(content) if text.startswith("open")), len(content))
    return [text for text in content[:until] if not text.startswith(("-", "big"))]


contents = st.lists(st.sampled_from(["a", "b", "c", "-", "big", "open"]), max_size=6)
states = st.dictionaries(st.sampled_from(["one", "two", "three"]), contents)


@pytest.mark.parametrize("records", [1, 3, 500])
@given(states=st.lists(states, min_size=1, max_size=5))
def test_in_whatever_states_it_was_read_the_last_one_is_reported(records: int, states: list[State]) -> None:
    listener = Listener()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rewritten, "READ_RECORDS", records)
        for state in states:
            listener.hear(Shelf(state))
    assert {ident: listener.known.get(ident, []) for ident in states[-1]} == {
        ident: held(content) for ident, content in states[-1].items()
    }


@given(state=states)
def test_a_second_look_brings_nothing_and_looks_only_at_what_is_open(state: State) -> None:
    listener = Listener()
    listener.hear(Shelf(state))
    cursor, again = listener.cursor, Shelf(state)

    (batch,) = listener.hear(again)
    assert (batch.records, batch.cursor, batch.restarted) == ((), cursor, False)
    assert set(again.asked) == {ident for ident, content in state.items() if "open" in content}
    assert (batch.retry_after_s is not None) == bool(again.asked)


def test_a_batch_is_bounded_and_what_changed_last_comes_first() -> None:
    third = READ_BYTES // 3
    listener = Listener()
    batches = listener.hear(Shelf({"one": ["x" * third] * 9, "two": ["y" * third] * 9}))

    assert len(batches) > 4
    assert max(sum(len(record.data) for record in batch.records) for batch in batches) < 2 * READ_BYTES
    assert json.loads(batches[0].records[0].data) == {"talk": "one", "begin": "anew", "more": True}
    assert {ident: len(texts) for ident, texts in listener.known.items()} == {"one": 9, "two": 9}


def test_what_is_too_large_is_counted_and_what_cannot_be_read_is_passed_by() -> None:
    listener = Listener()
    batches = listener.hear(Shelf({"one": ["huge"], "two": ["a", "big"], "three": ["unreadable"]}))

    assert sum(batch.oversized for batch in batches) == 2
    assert listener.known == {"two": ["a"]}
    assert listener.hear(Shelf({"two": ["a", "big"], "three": ["unreadable"]}))[0].records == ()


@pytest.mark.parametrize(
    ("state", "batches", "oversized"),
    [
        ({"one": ["a", "b"], "two": ["c", "-", "d"]}, 5, 0),
        ({"one": ["open"], "two": ["open"], "three": ["a"]}, 3, 0),
        ({"one": ["slow"], "two": ["a"]}, 2, 1),
        ({"one": ["a"], "two": ["slow"]}, 2, 1),
        ({"one": ["a", "slow and more", "b"], "two": ["c"]}, 4, 1),
    ],
)
def test_a_look_that_has_taken_enough_time_goes_on_at_the_next_one(
    state: State, batches: int, oversized: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too slow even for a look of its own is passed by."""
    monkeypatch.setattr("carryover.transcript.rewritten.is_enough", lambda: True)
    listener = Listener()
    heard = listener.hear(Shelf(state))

    told = {ident: [text for text in held(content) if not text.startswith("slow")] for ident, content in state.items()}
    assert {ident: listener.known.get(ident, []) for ident in state} == told
    assert (len(heard), sum(batch.oversized for batch in heard)) == (batches, oversized)


def test_a_record_that_no_parser_should_get_is_counted() -> None:
    listener = Listener()
    [batch] = listener.hear(Shelf({"one": ["a", "x" * RECORD_BYTES, "b"]}))

    assert (listener.known, batch.oversized) == ({"one": ["a", "b"]}, 1)


def test_what_is_remembered_is_bounded_and_forgetting_costs_only_time() -> None:
    listener = Listener()
    state = {f"{number}": ["a"] for number in range(rewritten.MAX_CONVERSATIONS + 50)}
    listener.hear(Shelf(state))
    assert len(listener.known) == rewritten.MAX_CONVERSATIONS
    assert len(listener.cursor or b"") < 100_000

    last = f"{rewritten.MAX_CONVERSATIONS - 1}"
    listener.hear(Shelf({**state, last: ["a", "b"]}))
    assert listener.known[last] == ["a", "b"]


def test_a_file_is_taken_once_for_all_its_batches(tmp_path: Path) -> None:
    taken: list[Path] = []

    def take(path: Path, _stat: FileStat) -> Snapshot:
        taken.append(path)
        return Shelf({"one": ["text"] * 1_200}).snapshot()

    (path := tmp_path / "talk.json").touch()
    reader, batches = SnapshotReader(take), 1
    batch = reader.read(path, None)
    while batch.more:
        batch, batches = reader.read(path, batch.cursor), batches + 1

    assert (len(taken), batches) == (1, 3)


def test_to_hash_a_document_takes_a_part_of_its_memory() -> None:
    messages = [bytes(1000)] * (8 * READ_RECORDS)
    document = Document("document", messages, lambda _on, _more: None)
    tracemalloc.start()
    whole = document.digest_of(len(messages))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < len(messages) * 1000 / 2
    assert whole == document.digest_of(len(messages)) != document.digest_of(len(messages) - 1)
