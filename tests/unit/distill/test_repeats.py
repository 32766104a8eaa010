"""What several quotes say in the same words is shown once."""

from __future__ import annotations

from msgspec.structs import replace

from carryover.distill.entry import Entry, EntryKind, Rank, Section
from carryover.distill.handoff import Handoff
from carryover.distill.render import render
from carryover.distill.repeats import without_repeats
from carryover.distill.sections.quoting import joined_short
from support.conversation import GOAL, handoff, session

PLAN = "1. Read the prices as whole cents in the importer.\n2. Convert them on the way into checkout, once."
TRACE = "File '/home/dev/shop/cart.py', line 12, in discount: KeyError: 'cents'"


def entry(
    text: str, *, kind: EntryKind = "message", at_ms: int = 0, rank: Rank | None = None, label: str = ""
) -> Entry:
    return Entry(text=text, kind=kind, at_ms=at_ms, rank=rank, label=label or f"{kind} {at_ms}")


def made(*sections: tuple[str, list[Entry]]) -> Handoff:
    shown = tuple(Section(title, tuple(entries)) for title, entries in sections)
    return Handoff(updated_ms=0, agent="Claude Code", resume="ask", session="s1", head=None, sections=shown)


def test_a_plan_that_two_answers_tell_stands_in_the_newer_one() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").says(f"I propose:\n{PLAN}\nThe receipt comes later.")
    talk.user("Go on like that.").edited("cart.py").says(f"It is done as planned:\n{PLAN}\nAll tests pass.")
    text = render(handoff(talk))

    for line in PLAN.splitlines():
        assert text.count(line) == 1
    assert "I propose: ¶ … ¶ The receipt comes later." in text
    assert text.index(PLAN.splitlines()[0]) < text.index("I propose:")


def test_the_users_words_and_open_questions_stay_and_a_call_gives_way_to_what_was_said() -> None:
    asked, said = entry(TRACE, kind="prompt", at_ms=1), entry(TRACE, at_ms=2)
    ran, printed = entry(TRACE, kind="call", at_ms=3), entry(f"{TRACE} ¶ ok", kind="call", at_ms=4)
    sections = [
        ("Task", [asked]),
        ("Open questions", [said]),
        ("Progress log", [said]),
        ("Recent files", [ran, printed]),
    ]
    (_, task), (_, opened), (_, log), (_, files) = without_repeats(sections)

    assert task == [asked]
    assert opened == [said]
    assert log == [said]
    assert [call.text for call in files] == ["…", "… ¶ ok"]


def test_a_command_keeps_the_line_that_it_begins_with() -> None:
    begins = "`cd /home/dev/shop && .venv/bin/python - <<'EOF'"
    first, second = (entry(f"{begins} ¶ {line}()`", kind="call", at_ms=at) for at, line in enumerate("ab"))

    assert without_repeats([("Recent files", [first, second])]) == [("Recent files", [first, second])]


def test_an_answer_that_repeats_a_fixed_or_needed_one_is_neither() -> None:
    newer = entry(TRACE, at_ms=9)
    fixed, needed = entry(TRACE, at_ms=1, rank=(0,)), replace(entry(f"{TRACE} ¶ ok", at_ms=2), needed=True)

    assert without_repeats([("Progress log", [newer, needed])]) == [
        ("Progress log", [newer, replace(needed, text="… ¶ ok")])
    ]
    assert without_repeats([("Where it stands", [fixed]), ("Progress log", [newer])]) == [
        ("Where it stands", [fixed]),
        ("Progress log", []),
    ]


def test_short_lines_may_be_said_again() -> None:
    said = [("Where it stands", [entry("All tests pass.")]), ("Progress log", [entry("All tests pass.", at_ms=1)])]

    assert without_repeats(said) == said


def test_the_answer_that_begins_a_line_of_several_says_what_it_said() -> None:
    words = "I have written that down. Next I would ask Lena for a date."
    newest, older = (entry(words, at_ms=at, label=f"Claude Code answered (turn {at})") for at in (9, 7))
    [line] = joined_short([older, entry("Done, half the length.", label="Claude Code answered (turn 4)")])
    sections = [("Where it stands", [newest]), ("Progress log", [line])]

    assert without_repeats(sections) == sections


def test_a_quote_of_which_nothing_is_left_goes_and_a_call_stays_with_what_it_was() -> None:
    said, again = entry(TRACE, at_ms=2), entry(TRACE, at_ms=1)
    printed = entry(TRACE, kind="call", at_ms=3)
    more = replace(printed, part=1, parts=2)
    sections = [("Where it stands", [said]), ("Progress log", [again]), ("Recent files", [printed, more])]

    assert without_repeats(sections) == [
        ("Where it stands", [said]),
        ("Progress log", []),
        ("Recent files", [replace(printed, text="…")]),
    ]


def test_a_call_keeps_what_only_an_answer_says_that_does_not_fit() -> None:
    printed = entry(TRACE, kind="call", at_ms=3, rank=(0,), label="`python cart.py`")
    others = [entry(f"note {at}", kind="prompt", at_ms=at, rank=(1,)) for at in range(60)]
    text = render(
        made(("Task", others), ("Recent files", [printed]), ("Progress log", [entry(f"{TRACE} ¶ so it is", at_ms=2)]))
    )

    assert "Progress log" not in text
    assert f"- `python cart.py`: {TRACE}\n" in text
