from __future__ import annotations

from carryover.redact.redaction_marks import insert_marks


def test_each_span_becomes_a_mark_and_is_counted() -> None:
    counts = {"jwt": 1}

    assert insert_marks("a SECRET and a TOKEN.", [(15, 20, "token"), (2, 8, "secret")], counts) == (
        "a [redacted:secret] and a [redacted:token]."
    )
    assert counts == {"jwt": 1, "secret": 1, "token": 1}


def test_of_overlapping_spans_the_first_one_counts() -> None:
    counts: dict[str, int] = {}

    assert insert_marks("abcdef", [(1, 4, "x"), (3, 6, "y"), (4, 4, "z")], counts) == "a[redacted:x]ef"
    assert counts == {"x": 1}
