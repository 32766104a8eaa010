from __future__ import annotations

from carryover.distill.sections.entry import Entry
from carryover.distill.sections.findings import finding_entries
from carryover.distill.work.state import Item, Line
from support.conversation import Conversation


def finding(text: str, *, weight: float = 1.0) -> Item:
    return Item(text=text, at_ms=7, session="s1", turn=3, rule="what was found out", weight=weight)


def texts(line: Line, others: tuple[Line, ...] = (), taken: str = "", reported: str = "") -> list[str]:
    return [entry.text for entry in finding_entries(line, others, taken, reported)]


def different(count: int, *, weight: float = 1.0) -> tuple[Item, ...]:
    """Findings that share no word."""
    names = ("sensor", "valve", "chimney", "grate", "damper", "burner", "flour", "yeast")
    return tuple(finding(f"The {name} is {name[::-1]}", weight=weight) for name in names[:count])


def test_the_weightiest_come_first_and_of_equals_the_later_ones() -> None:
    light, heavy = different(2), different(4, weight=2.0)[2:]

    assert texts(Line(id="s1:1", findings=(*heavy, *light))) == [
        heavy[1].text,
        heavy[0].text,
        light[1].text,
        light[0].text,
    ]


def test_at_most_six_are_shown_with_where_they_came_from() -> None:
    line = Line(id="s1:1", findings=different(8))

    assert len(texts(line)) == 6
    assert finding_entries(Line(id="s1:1", findings=different(1)), (), "", "") == [
        Entry(text="The sensor is rosnes", rule="what was found out", session="s1", turn=3, at_ms=7)
    ]


def test_what_shares_half_its_words_with_a_better_one_is_left_out() -> None:
    best = finding("The burner stops because the sensor is wet", weight=3.0)
    same = finding("The sensor is wet again", weight=2.0)
    other = finding("The chimney draws badly")

    assert texts(Line(id="s1:1", findings=(best, same, other))) == [best.text, other.text]


def test_what_another_section_says_is_left_out() -> None:
    line = Line(id="s1:1", findings=different(2))

    assert texts(line, taken=f"The oven stops.\n{line.findings[0].text}") == [line.findings[1].text]


def test_of_what_the_progress_log_reports_only_what_weighs_is_a_finding_too() -> None:
    cause, work = finding("The burner stops because the sensor is wet", weight=1.5), finding("I wrote the chimney")
    line = Line(id="s1:1", findings=(cause, work))

    assert texts(line, reported=f"Mend it → {cause.text}\nBuild it → {work.text}") == [cause.text]


def test_of_other_lines_only_what_weighs_is_shown_after_the_lines_own() -> None:
    own, light, heavy = different(3)
    other = Line(id="s2:1", findings=(light, finding(heavy.text, weight=2.0)))

    assert texts(Line(id="s1:1", findings=(own,)), (other,)) == [own.text, heavy.text]


def test_what_an_answer_explains_is_found_with_its_turn() -> None:
    talk = Conversation().user("Find out why the burner stops").ran("cat burner.log")
    talk.says("The burner stops because `sensor.py` reads the wrong pin. I corrected it.")

    assert finding_entries(talk.line, (), "", "") == [
        Entry(
            text="The burner stops because `sensor.py` reads the wrong pin.",
            rule="what was found out",
            session="s1",
            turn=1,
            at_ms=talk.turn.at_ms,
        )
    ]
