from __future__ import annotations

from functools import reduce

import msgspec

from carryover.distill.digest import FOLD_VERSION, Digest
from carryover.distill.fold import fold
from carryover.ledger.folding import EMPTY_DIGEST, Line, current_digest, fold_lines
from carryover.model import AssistantMessage, Event, QueuedPrompt, UserPrompt

LINES = [
    Line(1, 1_000, UserPrompt(text="Add a parser for dates. Never use regular expressions for this.")),
    Line(2, 2_000, QueuedPrompt(text="and tests")),
    Line(3, 3_000, AssistantMessage(text="The parser is finished.", final=True)),
    Line(4, 4_000, UserPrompt(text="now the same for times")),
]


def test_folding_lines_is_folding_their_events_in_order() -> None:
    events = [
        Event(key=str(line.event_id), session="s1", at_ms=line.at_ms, body=line.body, sidechain="a1") for line in LINES
    ]

    folded = fold_lines(Digest(), LINES, session="s1", sidechain="a1")

    assert folded.digest == reduce(lambda digest, event: fold(digest, event)[0], events, Digest())


def test_folding_in_pieces_gives_the_same_as_at_once() -> None:
    whole = fold_lines(Digest(), LINES, session="s1", sidechain="")

    first = fold_lines(Digest(), LINES[:2], session="s1", sidechain="")
    second = fold_lines(first.digest, LINES[2:], session="s1", sidechain="")

    assert (second.digest, first.notes + second.notes) == (whole.digest, whole.notes)


def test_a_stored_digest_is_read_back_only_where_this_fold_made_it() -> None:
    digest = fold_lines(Digest(), LINES, session="s1", sidechain="").digest
    stored = msgspec.json.encode(digest)

    assert current_digest(FOLD_VERSION, stored) == digest
    assert current_digest(FOLD_VERSION, EMPTY_DIGEST) == Digest()
    assert current_digest(FOLD_VERSION - 1, stored) is None
    assert current_digest(FOLD_VERSION, b'{"prompts":"another shape"}') is None
