from __future__ import annotations

from functools import reduce

import msgspec

from carryover.distill.digest import FOLD_VERSION, Digest
from carryover.distill.fold import fold
from carryover.distill.stored_digest import DigestReducer, decode_digest, fold_events
from carryover.model import AnyBody, AssistantMessage, Event, QueuedPrompt, UserPrompt


def event(number: int, body: AnyBody) -> Event:
    return Event(key=str(number), session="s1", at_ms=1_000 * number, body=body)


EVENTS = [
    event(1, UserPrompt(text="Add a parser for dates. Never use regular expressions for this.")),
    event(2, QueuedPrompt(text="and tests")),
    event(3, AssistantMessage(text="The parser is finished.", final=True)),
    event(4, UserPrompt(text="now the same for times")),
]


def test_events_are_folded_in_order() -> None:
    assert fold_events(Digest(), EVENTS) == reduce(fold, EVENTS, Digest())


def test_reducing_in_pieces_gives_the_same_as_at_once() -> None:
    reducer = DigestReducer()
    whole = reducer.reduce(b"", EVENTS)

    pieces = reducer.reduce(reducer.reduce(b"", EVENTS[:2]), EVENTS[2:])

    assert decode_digest(FOLD_VERSION, pieces) == decode_digest(FOLD_VERSION, whole)


def test_a_stored_digest_is_read_only_by_the_version_that_made_it() -> None:
    digest = fold_events(Digest(), EVENTS)
    stored = msgspec.json.encode(digest)

    assert decode_digest(FOLD_VERSION, stored) == digest
    assert decode_digest(FOLD_VERSION, b"") == Digest()
    assert decode_digest(FOLD_VERSION - 1, stored) is None
    assert decode_digest(FOLD_VERSION, b'{"prompts":"another shape"}') is None
    assert not DigestReducer().can_read(b'{"prompts":"another shape"}')


def test_a_digest_that_holds_what_is_not_utf_8_is_folded_again() -> None:
    event = Event(key="k", session="s", at_ms=1, body=UserPrompt(text="Add a parser"))
    stored = DigestReducer().reduce(b"", [event])

    assert decode_digest(FOLD_VERSION, stored) is not None
    assert decode_digest(FOLD_VERSION, stored.replace(b"parser", b"p\xffrser")) is None
