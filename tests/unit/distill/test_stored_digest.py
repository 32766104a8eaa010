"""A digest as the ledger stores it grows event by event, whatever one of them says."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import msgspec
import pytest

from carryover import model
from carryover.distill import fold as folding
from carryover.distill.digest import FOLD_VERSION, Digest, Gist
from carryover.distill.fold import fold
from carryover.distill.stored_digest import DigestReducer, decode_digest, fold_events
from carryover.model import Event, UserPrompt
from support.conversation import GOAL, session

BODIES: tuple[model.AnyBody, ...] = (
    model.UserPrompt(text="Add a parser for dates. Never use regular expressions for this."),
    model.QueuedPrompt(text="and tests"),
    model.AssistantMessage(text="The parser is finished.", final=True),
    model.UserPrompt(text="now the same for times"),
)
EVENTS = [model.Event(key=str(at), session="s1", at_ms=1_000 * at, body=body) for at, body in enumerate(BODIES)]


def test_an_event_that_the_fold_fails_at_is_left_out_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any text may meet a bug of ours, and one session must not end the reading of all others."""

    def failing(digest: Digest, events: Iterable[Event]) -> Digest:
        for event in events:
            if isinstance(event.body, UserPrompt) and event.body.text == "poison":
                raise ValueError(event.body.text)
            digest = fold(digest, [event])
        return digest

    monkeypatch.setattr(folding, "fold", failing)
    failed: list[Exception] = []
    reducer = DigestReducer(failed.append)
    whole = session("s1").user(GOAL).user("poison").says("Done.").events
    others = [event for event in whole if event.body != UserPrompt(text="poison")]

    together = reducer.reduce(b"", whole)
    one_by_one = b""
    for event in whole:
        one_by_one = reducer.reduce(one_by_one, [event])

    assert together == one_by_one == DigestReducer().reduce(b"", others)
    assert [str(error) for error in failed] == ["poison", "poison"]


def test_reducing_in_pieces_gives_the_same_as_folding_in_order() -> None:
    reducer = DigestReducer()

    pieces = reducer.reduce(reducer.reduce(b"", EVENTS[:2]), EVENTS[2:])

    one_by_one = reduce(lambda digest, event: fold(digest, [event]), EVENTS, Digest())
    assert decode_digest(FOLD_VERSION, pieces, Digest) == fold_events(Digest(), EVENTS) == one_by_one


def test_a_gist_is_a_stored_digest_without_its_calls_and_names() -> None:
    digest = fold_events(Digest(), EVENTS)

    gist = decode_digest(FOLD_VERSION, DigestReducer().reduce(b"", EVENTS), Gist)

    assert digest.names and type(gist) is Gist
    assert msgspec.structs.asdict(gist).items() <= msgspec.structs.asdict(digest).items()


def test_a_stored_digest_is_read_only_by_the_version_that_made_it_and_if_it_is_sound() -> None:
    stored = DigestReducer().reduce(b"", EVENTS)

    assert decode_digest(FOLD_VERSION, b"", Digest) == Digest()
    assert decode_digest(FOLD_VERSION - 1, stored, Digest) is None
    for torn in (b'{"prompts":"another shape"}', stored.replace(b"parser", b"p\xffrser")):
        assert decode_digest(FOLD_VERSION, torn, Digest) is None
        with pytest.raises(ValueError, match="of another version"):
            DigestReducer().reduce(torn, EVENTS)
