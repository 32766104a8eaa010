from __future__ import annotations

import pytest

from carryover.ledger.batch import Entry
from carryover.model import Event, UserPrompt


def entry(agent: str = "codex", **changes: object) -> Entry:
    fields: dict[str, object] = {"key": "k", "session": "s", "at_ms": 5, "body": UserPrompt(text="hi"), **changes}
    return Entry.of(agent, Event(**fields), {})  # type: ignore[arg-type]


def test_an_entry_holds_short_hashes_of_its_identities_and_its_body_without_defaults() -> None:
    made = entry(secondary_key="t")

    assert (len(made.key), len(made.secondary_key or b"")) == (16, 16)
    assert made.body == '{"kind":"user_prompt","text":"hi"}'


def test_the_same_record_always_has_the_same_identity() -> None:
    assert entry().key == entry(session="other", at_ms=9, body=UserPrompt(text="changed")).key
    assert entry(secondary_key="t").secondary_key == entry(secondary_key="t", key="other").secondary_key


def test_different_records_have_different_identities() -> None:
    keys = [entry().key, entry(key="k2").key, entry(agent="codexk", key="").key, entry(agent="gemini-cli").key]
    secondary = [
        entry(secondary_key="k"),
        entry(secondary_key="k", session="s2"),
        entry(secondary_key="sk", session=""),
    ]

    assert len({*keys, *(each.secondary_key for each in secondary)}) == 7


def test_an_event_without_twin_has_none() -> None:
    assert entry().secondary_key is None


@pytest.mark.parametrize(("at_ms", "stored"), [(-5, 0), (0, 0), (2**80, 253_402_300_799_999)])
def test_a_time_that_cannot_be_is_brought_into_range(at_ms: int, stored: int) -> None:
    assert entry(at_ms=at_ms).event.at_ms == stored


@pytest.mark.parametrize("field", ["key", "session", "subagent_id", "cwd"])
def test_text_that_is_not_unicode_is_refused(field: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        entry(**{field: "half \ud83d"})
    with pytest.raises(UnicodeEncodeError):
        entry(body=UserPrompt(text="half \ud83d"))
