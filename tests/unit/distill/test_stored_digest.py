"""A digest as the ledger stores it grows event by event, whatever one of them says."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from carryover.distill import fold as folding
from carryover.distill.digest import Digest
from carryover.distill.fold import fold
from carryover.distill.stored_digest import DigestReducer
from carryover.model import Event, UserPrompt
from support.conversation import GOAL, session


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
