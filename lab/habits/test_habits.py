"""What `make lint` checks of how we write finds what it looks for, and leaves alone what it advises."""

from __future__ import annotations

from habits.prose import HABITS, docstrings, found_in
from habits.subjects import LONGEST, problem


def test_a_habit_is_found_in_prose_and_docstrings_but_not_in_code_quotations_and_advice() -> None:
    text = 'One.\n\nIt is read anew,\none line an event: `anew`, "anew".\nA row an event.'
    source = '"""One.\n\nRead anew."""\nanew = "anew"\n'

    assert [(line, words) for line, words, _ in found_in(text)] == [(3, "anew"), (5, "A row an event")]
    assert [line for line, _, _ in found_in(docstrings(source))] == [3]
    assert [habit for habit, instead in HABITS.items() if [*found_in(instead)]] == []


def test_a_subject_is_short_and_begins_like_a_sentence() -> None:
    good = ("Skip duplicate Codex events after a resume", "3 agents more are read", "Merge branch 'page' into lead")
    bad = ("x" * (LONGEST + 1), "Fix it", "lower case at the start", "It ends with a stop.", "fixup! Skip events twice")

    assert [subject for subject in good if problem(subject) is not None] == []
    assert [subject for subject in bad if problem(subject) is None] == []
